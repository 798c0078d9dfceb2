"""The HTML body of a message: finding the links to track, adding attachments and the pixel.

Nothing is written anew: a link is replaced inside its attribute value, what is added goes in at
one place, and every other byte stays. Its neighbour ``html_tag`` says how markup is read.

The order of a caller: ``find_links``, then ``splice`` (spans count from the body that was
searched), then ``insert_attachments``, then ``insert_pixel``, which so comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from engagement.domain.tracking.enclosure import Enclosure
from engagement.domain.tracking.html_tag import (
    SPACE,
    Tag,
    attribute_reader,
    attribute_spans,
    decoded_value,
    reader,
    tags,
)
from engagement.domain.tracking.link import Link, ensure_safe, is_followable

_MARK = "data-engagement"
_OFF = re.compile(r"^\s*off\s*$", re.IGNORECASE)
_LINKING = reader(r"a|area|v:[^\s/>]*+")
_FOLLOWED = attribute_reader("href|xlink:href|rel")
_ENDING = reader("/body|/html")


def find_links(html: str) -> list[Link]:
    """Return the web links of *html* that are to be tracked, in document order.

    They are the ``href`` of ``<a>``, of ``<area>`` and of Outlook's VML elements (``<v:rect>``),
    and the ``xlink:href`` of ``<a>`` in SVG. Left out are those that
    :func:`engagement.domain.tracking.link.is_followable` leaves alone, those whose ``rel`` says
    unsubscribe, and all inside an element with ``data-engagement="off"``.
    """
    found = tags(html, _LINKING)
    if _MARK in html.lower():
        excluded = Enclosure(html, _MARK, _OFF)
        found = (tag for tag in tags(html) if not excluded.takes(tag))
    return [
        link
        for tag in found
        if tag.name in {"a", "area"} or tag.name.startswith("v:")
        for link in _links_of(html, tag)
    ]


def insert_pixel(html: str, pixel_url: str) -> str:
    """Return *html* with the tracking pixel as the last thing of its body, unless it is there.

    The image is not ``display:none``, as clients do not load hidden images. Screen readers pass
    over it for its empty ``alt``; ``display:block`` saves the height of a line of text.

    Raises:
        ValueError: *pixel_url* holds a character that would need escaping.

    """
    if ensure_safe(pixel_url) in html:
        return html
    return _insert(
        html,
        f'<img src="{pixel_url}" width="1" height="1" alt="" border="0" '
        'style="display:block;width:1px;height:1px;border:0">',
    )


def insert_attachments(html: str, attachments: Sequence[tuple[str, str]]) -> str:
    """Return *html* with links to *attachments*, pairs of file name and URL, below its text.

    Each link is marked ``data-engagement="off"``, so that it is never tracked twice, not even when
    a reply quotes it, and whatever the text before has left open.
    """
    if not attachments:
        return html
    links = (
        f'<a {_MARK}="off" href="{escape(url)}">{escape(" ".join(name.split()))}</a>'
        for name, url in attachments
    )
    rows = "".join(f"<tr><td>{link}</td></tr>" for link in links)
    return _insert(html, f'<table role="presentation" border="0">{rows}</table>')


def _links_of(html: str, tag: Tag) -> Iterator[Link]:
    """Yield the links of *tag*, two if SVG's old and new attribute are both there."""
    names = ("href", "xlink:href") if tag.foreign and tag.name == "a" else ("href",)
    spans = attribute_spans(html, tag, _FOLLOWED)
    for start, end in sorted(spans[name] for name in names if name in spans):
        value = html[start:end]
        url = decoded_value(value).strip(SPACE)
        if is_followable(url) and "unsubscribe" not in _value(html, spans.get("rel")).lower():
            before = len(value) - len(value.lstrip(SPACE))
            yield Link(start + before, start + len(value.rstrip(SPACE)), url)


def _value(html: str, span: tuple[int, int] | None) -> str:
    return decoded_value(html[slice(*span)]) if span else ""


def _insert(html: str, markup: str) -> str:
    position = _end_of_body(html)
    return html[:position] + markup + html[position:]


def _end_of_body(html: str) -> int:
    """Return the place before the last ``</body>``, else the last ``</html>``, else the end.

    What would swallow the insertion, such as an open comment, is behind the end.
    """
    places: dict[str, int] = {}
    end = len(html)
    for tag in tags(html, _ENDING):
        if not tag.closed and not tag.hidden:
            end = tag.start
        elif tag.name in {"/body", "/html"} and not tag.hidden:
            places[tag.name] = tag.start
    return places.get("/body", places.get("/html", end))
