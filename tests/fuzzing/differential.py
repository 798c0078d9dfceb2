"""Compare the links that we find with those of parse5, on documents made up for so many seconds.

    python -m fuzzing.differential SECONDS [SEED]

A document on which they differ is made as small as it still differs, and printed.
"""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import sys
import time
from collections import Counter

from fuzzing.soup import Soup
from parse5 import Found, Parse5, ours

from benchmarks.corpus import documents

BATCH = 500
#: Differences, after which it ends.
ENOUGH = 5


def main() -> int:
    """Compare and print; 1 if anything differed."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2] if len(sys.argv) > 2 else time.time())
    soup = Soup(seed, list(documents().values()))
    counts: Counter[str] = Counter()
    different: list[str] = []
    ends = time.monotonic() + seconds
    with Parse5() as parse5:
        while time.monotonic() < ends and len(different) < ENOUGH:
            batch = [soup.document() for _ in range(BATCH)]
            for html, answer in zip(batch, parse5.links(batch), strict=True):
                found = ours(html)
                counts.update(_said(found, answer))
                if found != answer["product"] and len(different) < ENOUGH:
                    different.append(_smallest(html, parse5))
    print(f"differential, seed {seed}: " + ", ".join(f"{counts[name]:,} {name}" for name in SAID))
    for html in different:
        print(f"  differs: {html!r}")
    return 1 if different else 0


SAID = (
    "documents",
    "links",
    "documents read otherwise than by a browser",
    "with a link of a browser's that is not followed",
    "with more followed than a browser's",
)


def _said(found: set[Found], answer: dict[str, set[Found]]) -> Counter[str]:
    """Count what one document shows, by the names in SAID."""
    tree, tokens = answer["tree"], answer["tokens"]
    flags = (True, False, found != tokens, bool(tree - found), bool(found - tokens))
    said = Counter({name: int(flag) for name, flag in zip(SAID, flags, strict=True)})
    return said + Counter({"links": len(found)})


def _smallest(html: str, parse5: Parse5) -> str:
    """Return *html* without whatever is not needed for a difference."""
    size = len(html) // 2
    while size:
        for start in range(len(html) - size, -1, -1):
            less = html[:start] + html[start + size :]
            if ours(less) != parse5.links([less])[0]["product"]:
                html = less
                break
        else:
            size //= 2
    return html


if __name__ == "__main__":
    sys.exit(main())
