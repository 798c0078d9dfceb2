"""Placeholders in HTML: where they may stand, and how a value is written so that it stays text.

Whatever the values are, the filled HTML has the tags and attributes of the template:

- in text and in quoted attributes, a value's markup and quotes are escaped;
- at the beginning of a link or an image's address, a value has to be a web or mail address itself;
  further on in it, a value is percent-encoded and so cannot leave its place;
- in a conditional comment, which Outlook reads as markup, hyphens are escaped too, as they could
  end the comment;
- everywhere else (styles, scripts, comments, names, attributes that are not listed here, values
  without quotes) a template with a placeholder is refused.

:mod:`engagement.domain.tracking.html_tag` says how markup is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import quote

from engagement.domain.templates.placeholder import (
    Placeholder,
    Values,
    field_of,
    fill,
    find_placeholders,
    refuse,
)
from engagement.domain.tracking.html_tag import (
    SPACE,
    Tag,
    attribute_spans,
    decoded_value,
    hidden_part,
    tags,
)
from engagement.errors import UnprocessableError

FIELD = "html_body"

#: Attributes that are shown, or set a plain property.
_SHOWN = frozenset(("alt", "title", "aria-label", "lang", "width", "height", "bgcolor", "color"))
_ADDRESSES = frozenset(("href", "src", "background"))
#: Elements whose addresses lead somewhere or show an image; a script's or a frame's do more.
_ADDRESSED = re.compile(r"a|area|img|body|table|tr|td|th|v:[^\s/>]+")

_ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)\S+", re.IGNORECASE)
#: What a template has to say of an address before a placeholder, so that none can change it.
_BEGINNING = re.compile(r"(https?://|mailto:|tel:|cid:|[/?#])", re.IGNORECASE)
#: Characters that a part of such an address may have besides letters and digits.
_KEPT = {"mailto:": "@", "tel:": "+"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder and what it stands in."""

    placeholder: Placeholder
    #: bool, it is inside a conditional comment
    hidden: bool = False
    #: bool, it begins an address
    address: bool = False
    #: str or None, in the middle of an address: the characters that are not percent-encoded
    kept: str | None = None

    def written(self, value: str) -> str:
        """Return the HTML source for *value*; raises UnprocessableError for a bad address."""
        if self.address:
            value = value.strip()
            if not _ADDRESS.fullmatch(value):
                raise UnprocessableError(
                    "This stands for a link: http://, https://, mailto: or tel: and no blanks.",
                    field_of(self.placeholder),
                )
        source = escape(value) if self.kept is None else quote(value, safe=self.kept)
        return source.replace("-", "&#45;") if self.hidden else source


def find_slots(html: str) -> list[Slot]:
    """Return the placeholders of *html* with what they stand in, in their order.

    Raises UnprocessableError, with the position, for one that stands where no value is safe.
    """
    placeholders = find_placeholders(html, FIELD)
    starts = [placeholder.start for placeholder in placeholders]
    slots: dict[int, Slot] = {}
    for tag in tags(html) if starts else ():
        within = range(bisect_left(starts, tag.start), bisect_left(starts, tag.end))
        # The tags inside a conditional comment come before the comment itself.
        inside = [placeholders[index] for index in within if starts[index] not in slots]
        if inside:
            found = _in_comment if tag.name == "!" else _in_tag
            slots |= {slot.placeholder.start: slot for slot in found(html, tag, inside)}
    ordered = [slots.get(item.start) or Slot(item) for item in placeholders]
    for slot in ordered:
        _check_edges(html, slot)
        _check_fallback(html, slot)
    return ordered


def fill_html(html: str, values: Values) -> str:
    """Return *html* with its placeholders filled, and no other markup than before.

    Raises InvalidRequestError and UnprocessableError, naming the value at fault.
    """
    slots = {slot.placeholder.start: slot for slot in find_slots(html)}

    def written(placeholder: Placeholder) -> str:
        return slots[placeholder.start].written(values.text(placeholder))

    # A fallback is a part of the HTML source, in which an editor may have escaped characters.
    placeholders = [_with_plain_fallback(slot.placeholder) for slot in slots.values()]
    return fill(html, placeholders, written)


def _with_plain_fallback(item: Placeholder) -> Placeholder:
    fallback = None if item.fallback is None else unescape(item.fallback)
    return Placeholder(item.start, item.end, item.name, fallback)


def _in_comment(html: str, tag: Tag, inside: list[Placeholder]) -> Iterator[Slot]:
    start, end = (None if tag.hidden else hidden_part(html, tag)) or (0, 0)
    for item in inside:
        if not start <= item.start < end:
            refuse(html, item.start, FIELD, "a placeholder may not stand in a comment")
        yield Slot(item, hidden=True)


def _in_tag(html: str, tag: Tag, inside: list[Placeholder]) -> Iterator[Slot]:
    spans = [(name, *span) for name, span in attribute_spans(html, tag).items()]
    spans.sort(key=lambda span: span[1])
    begins = [begin for _, begin, _ in spans]
    for item in inside:
        place = bisect_left(begins, item.end) - 1
        name, begin, end = spans[place] if place >= 0 else ("", 0, 0)
        if not begin <= item.start < item.end <= end or html[begin - 1] not in "\"'":
            refuse(html, item.start, FIELD, "a placeholder may only stand in text and in quotes")
        if name in _SHOWN:
            yield Slot(item, tag.hidden)
        elif name in _ADDRESSES and _ADDRESSED.fullmatch(tag.name):
            yield _in_address(html, item, begin, hidden=tag.hidden)
        else:
            refuse(html, item.start, FIELD, "no value is safe in this attribute")


def _in_address(html: str, item: Placeholder, begin: int, *, hidden: bool) -> Slot:
    before = html[begin : item.end].partition("{{")[0]
    written = decoded_value(before).strip(SPACE)
    if not written:
        # The first placeholder begins the address, and those behind it are parts.
        first = begin + len(before) == item.start
        return Slot(item, hidden, address=first, kept=None if first else "")
    beginning = _BEGINNING.match(written)
    if beginning is None:
        why = "http://, https://, mailto: or tel: has to stand before this placeholder"
        refuse(html, item.start, FIELD, why)
    return Slot(item, hidden, kept=_KEPT.get(beginning[1].lower(), ""))


def _check_edges(html: str, slot: Slot) -> None:
    """Refuse a placeholder that is between characters which become markup when they meet."""
    start, end = slot.placeholder.start, slot.placeholder.end
    before, after = html[start - 1 : start], html[end : end + 1]
    ends_comment = slot.hidden and before in tuple("-!") and after in tuple("-!>{")
    if before == "<" or ends_comment:
        refuse(html, start, FIELD, "a placeholder may not be a part of markup")


def _check_fallback(html: str, slot: Slot) -> None:
    fallback = slot.placeholder.fallback
    if slot.address and fallback is not None and not _ADDRESS.fullmatch(unescape(fallback)):
        refuse(html, slot.placeholder.start, FIELD, "what stands in for this address is none")
