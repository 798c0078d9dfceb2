"""Rewriting the links of real templates and of traps, beside HTML libraries.

Each contender replaces the web links. What parse5 (npm), an implementation of the HTML standard
that none of them uses, sees as a link's value is to be replaced by an address made of what the link
says, and every other character is to stay: then a document came out exact. Libraries that write a
tree anew are seldom exact; that says what they do to a message, not that they are wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import process_time

from benchmarks.corpus import documents
from benchmarks.figures import Figure, Part, ratios, table
from engagement.domain.tracking.html_body import find_links
from engagement.domain.tracking.link import is_followable, splice

ROOT = Path(__file__).parent.parent
ORACLE = ROOT / "tests" / "parse5_links.mjs"
TRAPS = Path(__file__).parent / "traps.toml"
MARKED = re.compile("«(.*?)»", re.DOTALL)
PREFIX = "https://links.contoso.example/c/"
#: Seconds of processor time for which the corpus is rewritten, again and again, in each round.
LONG_ENOUGH = 0.3

Rewrite = Callable[[str], str]


def tracked(url: str) -> str:
    """Return what stands for *url*; whoever reads it wrongly makes another one of it."""
    digest = hashlib.blake2b(url.encode("utf-8", "replace"), digest_size=30).hexdigest()
    return PREFIX + digest


@dataclass(frozen=True, slots=True)
class Sample:
    """A document and what it is to become."""

    html: str
    expected: str


@dataclass(slots=True)
class Result:
    """What one contender made of everything."""

    templates_exact: int = 0
    traps_exact: int = 0
    #: list of float, seconds of processor time for the corpus, by round
    seconds: list[float] = field(default_factory=list)


def measure(rounds: int) -> Part:
    """Measure every contender in turns."""
    templates, traps, ways = corpus_samples(), trap_samples(), contenders()
    results = {
        name: Result(exact(rewrite, templates), exact(rewrite, traps))
        for name, rewrite in ways.items()
    }
    for _ in range(rounds):
        for name, rewrite in ways.items():
            results[name].seconds.append(seconds(rewrite, templates))
    size = sum(len(sample.html.encode()) for sample in templates)
    links = sum(sample.expected.count(PREFIX) for sample in templates)
    text = (
        f"{len(templates)} templates, {size / 1e6:.1f} MB, {links} web links; {len(traps)} traps; "
        "processor time, medians.\n\n"
    )
    rows = [
        [
            name,
            f"{one.templates_exact} of {len(templates)}",
            f"{one.traps_exact} of {len(traps)}",
            f"{size / median(one.seconds) / 1e6:.1f}",
            f"{median(one.seconds) / links * 1e6:.0f}",
        ]
        for name, one in results.items()
    ]
    head = ["contender", "templates exact", "traps exact", "MB/s", "µs per link"]
    counts = {"templates": len(templates), "traps": len(traps), "bytes": size, "links": links}
    return Part(
        text=text + table(head, rows),
        figures=figures(results, counts),
        data={
            **counts,
            "contenders": {
                name: {
                    "templates_exact": one.templates_exact,
                    "traps_exact": one.traps_exact,
                    "seconds": one.seconds,
                }
                for name, one in results.items()
            },
        },
    )


def figures(results: Mapping[str, Result], counts: Mapping[str, int]) -> list[Figure]:
    """Return the figures beside their aims; of BeautifulSoup the faster of its parsers counts."""
    ours = results["engagement"]
    soups = [name for name in results if name.startswith("BeautifulSoup")]
    soup = min(soups, key=lambda name: median(results[name].seconds))
    exact_templates = 100 * ours.templates_exact / counts["templates"]
    exact_traps = 100 * ours.traps_exact / counts["traps"]
    speeds = tuple(counts["bytes"] / taken / 1e6 for taken in ours.seconds)
    each = tuple(taken / counts["links"] * 1e6 for taken in ours.seconds)
    return [
        Figure("rewriting: templates exact", (exact_templates,), "%", at_least=100),
        Figure("rewriting: traps exact", (exact_traps,), "%", at_least=100),
        Figure("rewriting: speed", speeds, "MB/s", at_least=50),
        Figure(
            f"rewriting: speed beside {soup}",
            ratios(results[soup].seconds, ours.seconds),
            at_least=15,
        ),
        Figure("rewriting: time per link", each, "µs"),
    ]


def exact(rewrite: Rewrite, samples: Sequence[Sample]) -> int:
    """Return how many of *samples* become what they should."""
    return sum(rewrite(sample.html) == sample.expected for sample in samples)


def seconds(rewrite: Rewrite, samples: Sequence[Sample]) -> float:
    """Return the processor time of rewriting all of *samples* once."""
    started, passes = process_time(), 0
    while (taken := process_time() - started) < LONG_ENOUGH:
        for sample in samples:
            rewrite(sample.html)
        passes += 1
    return taken / passes


def trap_samples() -> list[Sample]:
    """Return the traps; raises ValueError for one that names another number of links."""
    samples = []
    for trap in tomllib.loads(TRAPS.read_text("utf-8"))["trap"]:
        pieces = MARKED.split(trap["html"])
        urls = [tracked(url) for url in trap["urls"]]
        kept = zip(pieces[::2], [*urls, ""], strict=True)
        samples.append(Sample("".join(pieces), "".join(piece + url for piece, url in kept)))
    return samples


def corpus_samples() -> list[Sample]:
    """Return the templates, with the values replaced that parse5 sees."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("Node.js is needed for the oracle.")
    html = list(documents().values())
    answer = subprocess.run(  # noqa: S603 - our own script
        [node, str(ORACLE)],
        input=json.dumps(html) + "\n",
        env={**os.environ, "ENGAGEMENT_NODE_MODULES": str(ROOT / "node_modules")},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return [
        # With the links of conditional comments, which Outlook shows.
        Sample(text, _replaced(text, found["product"]))
        for text, found in zip(html, json.loads(answer.stdout), strict=True)
    ]


def _replaced(html: str, found: list[tuple[int, int, str]]) -> str:
    pieces, position = [], 0
    for start, end, value in sorted({(start, end, value) for start, end, value in found}):
        url = value.strip("\t\n\f\r ")
        if is_followable(url):
            pieces += [html[position:start], tracked(url)]
            position = end
    return "".join([*pieces, html[position:]])


def contenders() -> dict[str, Rewrite]:
    """Return ways to replace links; each reads, replaces and writes one document."""
    return {
        "engagement": ours,
        "lxml": by_lxml,
        "selectolax (lexbor)": by_selectolax,
        "BeautifulSoup (html.parser)": by_soup("html.parser"),
        "BeautifulSoup (lxml)": by_soup("lxml"),
    }


def ours(html: str) -> str:
    """Replace the links as the product does."""
    links = find_links(html)
    return splice(html, links, [tracked(link.url) for link in links])


def by_lxml(html: str) -> str:
    """Replace the links with lxml."""
    import lxml.html

    tree = lxml.html.document_fromstring(html)
    for element in tree.iter("a", "area"):
        if is_followable(url := (element.get("href") or "").strip()):
            element.set("href", tracked(url))
    text: str = lxml.html.tostring(tree.getroottree(), encoding="unicode")
    return text


def by_selectolax(html: str) -> str:
    """Replace the links with selectolax."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    for element in tree.css("a[href], area[href]"):
        if is_followable(url := (element.attributes["href"] or "").strip()):
            element.attrs["href"] = tracked(url)
    return tree.html or ""


def by_soup(parser: str) -> Rewrite:
    """Return what replaces the links with BeautifulSoup and one of its parsers."""
    from bs4 import BeautifulSoup

    def rewrite(html: str) -> str:
        soup = BeautifulSoup(html, parser)
        for element in soup.find_all(["a", "area"], href=True):
            if is_followable(url := str(element["href"]).strip()):
                element["href"] = tracked(url)
        return str(soup)

    return rewrite
