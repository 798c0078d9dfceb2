"""Measure the rewriting of links on real templates, beside HTML libraries.

    python -m benchmarks.rewriting [--rounds 5] [--json FILE]

Each contender replaces the web links of every template. What parse5 (npm), an implementation of
the HTML standard that none of them uses, sees as a link's value is to be replaced, and every other
byte is to stay: ``exact`` counts the templates of which that is so. Libraries that write a tree
anew cannot be exact; the column says what that does to a message, not that they are wrong.
"""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.corpus import documents
from engagement.domain.tracking.html_body import find_links
from engagement.domain.tracking.link import is_followable, splice

ROOT = Path(__file__).parent.parent
ORACLE = ROOT / "tests" / "domain" / "parse5_links.mjs"
TRACKED = "https://links.contoso.example/c/" + "A" * 60

Rewrite = Callable[[str], str]


def ours(html: str) -> str:
    """Replace the links as the product does."""
    links = find_links(html)
    return splice(html, links, [TRACKED] * len(links))


def contenders() -> dict[str, Rewrite]:
    """Return ways to replace links; each reads, replaces and writes one document."""
    return {
        "engagement": ours,
        "lxml": by_lxml,
        "selectolax (lexbor)": by_selectolax,
        "BeautifulSoup (html.parser)": by_soup("html.parser"),
        "BeautifulSoup (lxml)": by_soup("lxml"),
    }


def by_lxml(html: str) -> str:
    """Replace the links with lxml."""
    import lxml.html

    tree = lxml.html.document_fromstring(html)
    for element in tree.iter("a", "area"):
        if is_followable((element.get("href") or "").strip()):
            element.set("href", TRACKED)
    text: str = lxml.html.tostring(tree.getroottree(), encoding="unicode")
    return text


def by_selectolax(html: str) -> str:
    """Replace the links with selectolax."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    for element in tree.css("a[href], area[href]"):
        if is_followable((element.attributes["href"] or "").strip()):
            element.attrs["href"] = TRACKED
    return tree.html or ""


def by_soup(parser: str) -> Rewrite:
    """Return what replaces the links with BeautifulSoup and one of its parsers."""
    from bs4 import BeautifulSoup

    def rewrite(html: str) -> str:
        soup = BeautifulSoup(html, parser)
        for element in soup.find_all(["a", "area"], href=True):
            if is_followable(str(element["href"]).strip()):
                element["href"] = TRACKED
        return str(soup)

    return rewrite


def expected(html: list[str]) -> list[str]:
    """Return what each document is to become: the values that parse5 sees, replaced in place."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("Node.js is needed for the oracle.")
    answer = subprocess.run(  # noqa: S603 - our own script
        [node, str(ORACLE)],
        input=json.dumps(html),
        env={**os.environ, "ENGAGEMENT_NODE_MODULES": str(ROOT / "node_modules")},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return [
        _replaced(text, found["tokens"])
        for text, found in zip(html, json.loads(answer.stdout), strict=True)
    ]


def _replaced(html: str, found: list[tuple[int, int, str]]) -> str:
    pieces, position = [], 0
    for start, end, value in sorted({(start, end, value) for start, end, value in found}):
        if is_followable(value.strip("\t\n\f\r ")):
            pieces += [html[position:start], TRACKED]
            position = end
    return "".join([*pieces, html[position:]])


def measure(rounds: int) -> dict[str, Any]:
    """Return, by contender, the share of exact documents and the time, all in one run."""
    html = list(documents().values())
    wanted = expected(html)
    size = sum(len(text.encode()) for text in html)
    links = sum(text.count(TRACKED) for text in wanted)
    ways = contenders()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, rewrite in ways.items():
            started = process_time()
            for text in html:
                rewrite(text)
            times[name].append(process_time() - started)
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    return {
        "documents": len(html),
        "bytes": size,
        "links": links,
        "contenders": {
            name: {
                "exact": sum(
                    rewrite(text) == want for text, want in zip(html, wanted, strict=True)
                ),
                "megabytes_per_second": size / seconds[name] / 1e6,
                "microseconds_per_link": seconds[name] / links * 1e6,
                "times_as_fast_as": {
                    other: seconds[other] / seconds[name] for other in ways if other != name
                },
            }
            for name, rewrite in ways.items()
        },
    }


def show(found: Mapping[str, Any]) -> None:
    """Print what was measured as a table."""
    print(
        f"{found['documents']} templates, {found['bytes'] / 1e6:.1f} MB, {found['links']} links; "
        "medians of CPU time in one run\n"
    )
    print(f"{'contender':30}{'exact':>8}{'MB/s':>10}{'us/link':>10}{'ours is':>12}")
    ratios = found["contenders"]["engagement"]["times_as_fast_as"]
    for name, one in found["contenders"].items():
        ratio = f"{ratios[name]:.1f} x" if name in ratios else ""
        print(
            f"{name:30}{one['exact']:>8}{one['megabytes_per_second']:>10.1f}"
            f"{one['microseconds_per_link']:>10.1f}{ratio:>12}"
        )


def main() -> None:
    """Measure and print; with --json, keep the figures in a file too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.rounds)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
