"""parse5 (npm), an implementation of the HTML standard, as the judge of how we read links."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engagement.domain.tracking.html_body import find_links
from engagement.domain.tracking.link import is_followable

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tests" / "parse5_links.mjs"
MODULES = os.environ.get("ENGAGEMENT_NODE_MODULES", str(ROOT / "node_modules"))

#: A link as it is compared: where it begins and ends, and what it says.
Found = tuple[int, int, str]


class Parse5:
    """A process of parse5 that is asked again and again; the script says what it answers."""

    def __init__(self) -> None:
        """Start it; raises FileNotFoundError if Node.js or parse5 is missing."""
        node = shutil.which("node")
        if node is None or not Path(MODULES, "parse5").exists():
            raise FileNotFoundError("node and parse5 are needed: npm ci")
        self.process = subprocess.Popen(
            [node, str(SCRIPT)],
            env={**os.environ, "ENGAGEMENT_NODE_MODULES": MODULES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def links(self, documents: list[str]) -> list[dict[str, set[Found]]]:
        """Return what parse5 finds in each document, by each of its three readings."""
        # In ASCII, so that no character of a document ends the line.
        self.process.stdin.write(json.dumps(documents) + "\n")
        self.process.stdin.flush()
        answers = json.loads(self.process.stdout.readline())
        return [{name: followed(found) for name, found in one.items()} for one in answers]


def followed(found: list[Any]) -> set[Found]:
    """Apply the policy to what parse5 found; clones of an element stand at the same place."""
    stripped = {(start, end, value.strip("\t\n\f\r ")) for start, end, value in found}
    return {link for link in stripped if is_followable(link[2])}


def ours(html: str) -> set[Found]:
    """Return the links that the product finds, as parse5 would say it."""
    return {(link.start, link.end, normalized(link.url)) for link in find_links(html)}


def normalized(url: str) -> str:
    """Return *url* as the standard's preprocessing makes it (WHATWG HTML 13.2.3.5)."""
    return url.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
