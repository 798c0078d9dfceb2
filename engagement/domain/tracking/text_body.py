"""The plain-text body of a message: its links, its attachments, and how it is made from HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from engagement.domain.tracking.enclosure import Enclosure
from engagement.domain.tracking.html_tag import SPACE, Tag, attributes, tags
from engagement.domain.tracking.link import Link, is_followable

# Quotes and punctuation of Chinese and Japanese, which is written without spaces.
_ELSEWHERE = "“”«»\uff0c\u3002\uff1b\uff1a\uff01\uff1f\uff08\uff09\u3001\u3011\u300b\u300d\u300f"
# In angle brackets a URL may be wrapped over lines (RFC 3986, appendix C); a space that is not at
# the end of a line makes it prose instead. Without brackets it ends at white space, at a quote or
# bracket that no URL holds, and before what Markdown or a list puts between two URLs.
_URL = re.compile(
    rf"""<(?:URL:)?\s*+
            (?P<wrapped>https?://(?:[^\W_]|\[)[^\s<>]*+(?:[ \t]*+\r?\n[ \t]*+[^\s<>]++)*+)
        \s*+>
      | (?<![A-Za-z0-9])
            (?P<bare>https?://(?:[^\W_]|\[)
            (?:[^\s<>"{_ELSEWHERE}\],;|]++ | (?!\]\(|[,;|]https?://)[\],;|])*+)""",
    re.VERBOSE | re.IGNORECASE,
)
_CLOSED_BY = {")": "(", "]": "[", "}": "{"}
_NO_END_OF_URL = frozenset(".,;:!?'\"")

_BLOCK = re.compile(
    r"/?(?:address|article|aside|center|d[dlt]|div|fieldset|figcaption|figure|footer|form|"
    r"header|hr|main|nav|pre|section|tr)"
)
_PARAGRAPH = re.compile(r"/?(?:blockquote|h[1-6]|ol|p|table|ul)")
# Between blocks and between paragraphs, however many of them end and begin at one place.
_NEW_LINE, _NEW_PARAGRAPH = "\v", "\f"
_INVISIBLE = re.compile(r"display\s*+:\s*+none", re.IGNORECASE)
_NO_TARGET = ("#", "javascript:", "data:", "cid:")


def find_links(text: str) -> list[Link]:
    """Return the web links of *text* that are to be tracked, in order.

    Punctuation behind a URL and a bracket that it does not open belong to the sentence. What
    :func:`engagement.domain.tracking.link.is_followable` leaves alone is left out.
    """
    return [link for found in _URL.finditer(text) if (link := _link(text, found))]


def append_attachments(text: str, attachments: Sequence[tuple[str, str]]) -> str:
    """Return *text* with *attachments*, pairs of file name and URL, one a line at its end."""
    if not attachments:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [f"{' '.join(name.split())} <{url}>" for name, url in attachments]
    return newline.join((text.rstrip("\r\n"), "", *lines, ""))


def text_of(html: str) -> str:
    """Return the plain-text alternative of *html*: what a reader sees, links as "label <url>".

    It is made from the finished HTML body: links are tracked there already, those marked
    ``data-engagement="off"`` stay as they are, and the pixel, an image without ``alt``, is gone.
    """
    return _tidy("".join(_pieces(html)))


def _link(text: str, found: re.Match[str]) -> Link | None:
    start, end = found.span(found.lastgroup or 0)
    # A placeholder counts before the URL is cut to size; "<%= id %>" stands behind it.
    if text.startswith("<%", end) or not is_followable(text[start:end]):
        return None
    if found["bare"]:
        end = _end_of_url(text, start, end)
    url = "".join(text[start:end].split())
    return Link(start, end, url) if is_followable(url) else None


def _end_of_url(text: str, start: int, end: int) -> int:
    surplus = {
        closing: text.count(closing, start, end) - text.count(opening, start, end)
        for closing, opening in _CLOSED_BY.items()
    }
    while (last := text[end - 1]) in _NO_END_OF_URL or surplus.get(last, 0) > 0:
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return end


def _pieces(html: str) -> list[str]:
    pieces: list[str] = []
    link: tuple[int, str] | None = None
    invisible = Enclosure(html, "style", _INVISIBLE)
    position = 0
    for tag in tags(html):
        if tag.hidden:
            continue
        if not invisible.is_open:
            pieces.append(_run(html[position : tag.start]))
        position = tag.end
        if invisible.takes(tag):
            continue
        if link and tag.name in {"a", "/a"}:
            pieces[link[0] :] = [_labelled("".join(pieces[link[0] :]), link[1])]
            link = None
        if tag.name == "a":
            link = len(pieces), attributes(html, tag).get("href", "").strip(SPACE)
        pieces.append(_shown(html, tag))
    return [*pieces, _run(html[position:])]


def _run(source: str) -> str:
    return re.sub(r"\s+", " ", unescape(source))


def _shown(html: str, tag: Tag) -> str:
    """Return what *tag* itself puts into the text."""
    if tag.name == "img":
        return _run(attributes(html, tag).get("alt", ""))
    if tag.name == "li":
        return _NEW_LINE + "- "
    if _PARAGRAPH.fullmatch(tag.name):
        return _NEW_PARAGRAPH
    if _BLOCK.fullmatch(tag.name):
        return _NEW_LINE
    return {"br": "\n", "td": " ", "th": " "}.get(tag.name, "")


def _labelled(label: str, url: str) -> str:
    label = " ".join(label.split())
    if not url or url.lower().startswith(_NO_TARGET):
        return label
    if label == url.removeprefix("mailto:").removeprefix("tel:") != url:
        return label
    return f"<{url}>" if label in {"", url} else f"{label} <{url}>"


def _tidy(text: str) -> str:
    paragraphs = ("\n".join(_lines(part)) for part in text.split(_NEW_PARAGRAPH))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _lines(paragraph: str) -> list[str]:
    """Return the blocks of *paragraph* that are not empty, without needless white space."""
    parts = (
        "\n".join(" ".join(line.split()) for line in part.split("\n")).strip()
        for part in paragraph.split(_NEW_LINE)
    )
    return [re.sub(r"\n{3,}", "\n\n", part) for part in parts if part]
