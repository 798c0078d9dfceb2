"""HTML that nobody would write: pieces in any order, and real templates that were cut about."""

from __future__ import annotations

import random
from collections.abc import Sequence

import html_samples

#: What readers of HTML are known to read in different ways.
HARD = [
    *("<svg>", "</svg>", "<math>", "</math>", "<svg/>", "<foreignObject>", "</foreignObject>"),
    *("<desc>", "<mi>", "<annotation-xml encoding='text/html'>", "<svg><title>", "<svg><style/>"),
    *("<![CDATA[ > ", "]]>", "<![cdata[", "<svg><![CDATA[<a href=https://x.test/c>]]></svg>"),
    *("<select>", "</select>", "<option>", "<table>", "<tr>", "<td>", "<caption>", "<colgroup>"),
    *("<frameset>", "<template>", "</template>", "<noscript>", "</noscript>", "<p>", "</p>", "<b>"),
    *("<title>", "</title>", "<textarea>", "</textarea>", "<style>", "</style>", "</\u017ftyle>"),
    *("<script>", "</script>", "</script\0>", "<script><!--", "--></script>", "<plaintext>"),
    *("<xmp>", "</xmp>", "<iframe>", "</iframe\f>", "<noembed>", "</noembed/>", "<noframes>"),
    *("<!--", "-->", "--!>", "<!-->", "<!--->", "<!---!>", "--", "<!--[if mso]>", "<![endif]-->"),
    *("<!--[if (gte mso 9)|(IE)]>", "<!--[if !mso]><!-->", "<!--<![endif]-->", "<!--\x1c[if a]>"),
    *("<!--[if mso]><a href=https://x.test/m>", "<!--[if a--!>", "<!doctype html>", "<?xml ?>"),
    *("<a href=https://x.test/u>", "<a href='https://x.test/s'>", '<a href="https://x.test/d">'),
    *(
        "<a href=https://x.test/v/>",
        "<a a='>' b=\">\" href = 'https://x.test/w'>",
        "<A/HREF=http:x>",
    ),
    *("<a href=https://x.test/1 href=https://x.test/2>", "<a =href=https://x.test/e>", "<a href"),
    *(
        "<svg><a xlink:href=https://x.test/x href='https://x.test/y'>",
        "<area href=https://x.test/z>",
    ),
    *(
        "<v:rect href=https://x.test/r />",
        "<a\0 href=https://x.test/n>",
        "<a href=https://x.test/\0>",
    ),
    *("<a href='https://x.test/?a&copy=1&copy;&amp&#38;&#x0;'>", "<a\x01href=https://x.test/o>"),
    *("</a href=https://x.test/p>", "<a href=https://x.test/q", "<a href='https://x.test/q", "</"),
    *("\r", "\r\n", "\f", "\t", "\0", "\x01", "\u2028", "\U0001f600", "\u0130", "\u212a", "<", "&"),
    *(
        "</title ",
        "</script ",
        "<a b='",
        '<a b="',
        "=",
        "'",
        '"',
        "/",
        ">",
        "</ a>",
        "<\u017fcript>",
    ),
]
#: No marks of our own, which no other reader of HTML knows.
OUTLOOK = [piece for piece in html_samples.OUTLOOK_ONLY if "data-engagement" not in piece]
PIECES = html_samples.CONSTRUCTS + html_samples.FRAGMENTS + OUTLOOK + HARD


class Soup:
    """Makes documents, the same ones for the same *seed*."""

    def __init__(self, seed: int, templates: Sequence[str] = ()) -> None:
        self.chance = random.Random(seed)  # noqa: S311 -- documents, no secrets
        self.templates = templates

    def document(self) -> str:
        """Return the next document."""
        if self.templates and self.chance.random() < 0.3:
            return self._cut_about(self._slice_of(self.chance.choice(self.templates)))
        return "".join(self.chance.choices(PIECES, k=self.chance.randrange(1, 30)))

    def _slice_of(self, html: str) -> str:
        """Return some of a template, so that a change is likely to be near a link."""
        start = self.chance.randrange(len(html))
        return html[start : start + self.chance.randrange(1, 3_000)]

    def _cut_about(self, html: str) -> str:
        for _ in range(self.chance.randrange(1, 6)):
            one, other = sorted(self.chance.randrange(len(html) + 1) for _ in range(2))
            other = min(other, one + 200)
            piece = html[one:other]
            change = self.chance.randrange(5)
            if change == 0:
                html = html[:one] + html[other:]
            elif change == 1:
                html = html[:other] + piece + html[other:]
            elif change == 2:
                html = html[other:] + html[:one] + piece
            elif change == 3:
                html = html[:one] + self.chance.choice(PIECES) + html[one:]
            else:
                html = html[:one] + piece.swapcase() + html[other:]
        return html
