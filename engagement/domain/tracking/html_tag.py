"""The tags of an HTML body: where they stand in the source, and what their attributes say.

A scanner follows the tokenizer of the HTML standard (WHATWG HTML 13.2.5) without building a tree
and without writing markup anew. Its patterns are possessive, and whatever is left open swallows
the rest, as the standard says, so time grows with the length of the body and no faster.

On purpose unlike a browser: Outlook's conditional comments are read as markup, because Outlook
shows them; raw text elements in ``<svg>`` and ``<math>`` stay raw text, and nothing but an end tag
of theirs ends ``<svg>`` and ``<math>``; ``<noscript>`` is read as markup, because mail clients run
no scripts, and ``<template>`` too, because clients that strip unknown tags show what is inside;
tags that a tree builder drops are read like others. To know better takes a tree builder, and no
mail is written so. ``make fuzz`` compares the rest with parse5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

#: The white space of HTML (WHATWG Infra, ASCII whitespace).
SPACE = "\t\n\f\r "

_S = r"\t\n\f\r\x20"
# An attribute's name may begin with "="; an open quote lets the whole tag fail.
_ATTRIBUTE_NAME = rf"[^{_S}/>][^{_S}/>=]*+"
_ATTRIBUTE = rf"""{_ATTRIBUTE_NAME}
    (?: [{_S}]*+ = [{_S}]*+ (?: "[^"]*+" | '[^']*+' | [^{_S}>"'][^{_S}>]*+ | (?=>) )
      | (?! [{_S}]*+ = ) )"""
_VALUE = rf"""[{_S}]*+ = [{_S}]*+ (?: "([^"]*+)" | '([^']*+)' | ([^{_S}>"'][^{_S}>]*+) )?"""
_ATTRIBUTES = rf"(?: [{_S}/]++ | {_ATTRIBUTE} )*+"
_NAME = rf"/?[A-Za-z][^{_S}/>]*+"
_RAW = ("title", "style", "script", "textarea", "xmp", "iframe", "noembed", "noframes")
_CHANGES_READING = frozenset((*_RAW, "plaintext", "svg", "math", "/svg", "/math"))
_COMMENT_END = re.compile(r"--!?>")
# Of letters outside ASCII none is the same in another case: U+017F, a long s, is no "s" in HTML.
_NAMES = re.IGNORECASE | re.ASCII
_CONDITIONAL = re.compile(r"<!--\s*+\[if\b[^\]]*+\]>", _NAMES)
_RAW_END = {name: re.compile(rf"</{name}(?=[{_S}/>])", _NAMES) for name in _RAW}
_IN_SCRIPT = re.compile(rf"(<!--)|(-->)|<(/?)script(?=[{_S}/>])", _NAMES)

_REFERENCE = re.compile(r"&(?:#([0-9]++)|#[xX]([0-9A-Fa-f]++)|([A-Za-z][A-Za-z0-9]*+))(;?)(?=(=?))")
_REPLACEMENT = "\ufffd"


class Tag(NamedTuple):
    """A start tag, an end tag, or a comment or declaration, and where it stands."""

    start: int
    #: int, behind the tag, and behind the content of a raw text element such as ``<style>``
    end: int
    #: str, in lower case; ``/`` leads the name of an end tag; ``!`` is a comment or declaration
    name: str
    #: tuple[int, int], where its attributes begin and end
    attributes: tuple[int, int]
    #: bool, False if its end is missing and it swallows the rest of the body
    closed: bool = True
    #: bool, it is inside a conditional comment, so only Outlook reads it
    hidden: bool = False
    #: bool, it is inside ``<svg>`` or ``<math>``
    foreign: bool = False


def reader(names: str | None = None) -> re.Pattern[str]:
    """Return a pattern for :func:`tags` that matches up to and including the next tag.

    With *names*, patterns with ``|`` between (``a|/body``), it passes over other tags, which
    is several times as fast as to look at each.
    """
    passed = ""
    if names:
        kept = (*names.split("|"), *_CHANGES_READING)
        ends = "|".join(name[1:] for name in kept if name.startswith("/"))
        # Half of all tags are end tags, of which few names are kept: they have a quick way past.
        passed = rf"""| </(?! (?i:{ends})[{_S}/>] ) [A-Za-z][A-Za-z0-9]*+ >
                      | <(?! (?i:{"|".join(kept)})[{_S}/>] ) {_NAME} {_ATTRIBUTES} >"""
    return re.compile(
        rf"""(?: [^<]++ | <(?![A-Za-z/!?]) {passed} )*+
             (<(?: ({_NAME}) ({_ATTRIBUTES}) > | !-- | [!?] | /(?![A-Za-z])
                 | /?[A-Za-z] ))               # a tag that never ends""",
        re.VERBOSE | re.ASCII,
    )


_EVERY_TAG = reader()


def attribute_reader(names: str | None = None) -> re.Pattern[str]:
    """Return a pattern for :func:`attribute_spans` that matches up to and including an attribute.

    With *names*, as those of :func:`reader`, it passes over other attributes.
    """
    passed = rf"| (?! (?i:{names}) (?: [{_S}/>=] | \Z ) ) {_ATTRIBUTE}" if names else ""
    return re.compile(
        rf"(?: [{_S}/]++ {passed} )*+ ({_ATTRIBUTE_NAME}) (?: {_VALUE} )?", re.VERBOSE | re.ASCII
    )


_EVERY_ATTRIBUTE = attribute_reader()


def tags(html: str, reading: re.Pattern[str] = _EVERY_TAG) -> Iterator[Tag]:
    """Yield the tags, comments and declarations of *html* in document order.

    The tags inside a conditional comment come before the comment itself.
    """
    return _tags(html, 0, len(html), reading, hidden=False)


def hidden_part(html: str, tag: Tag) -> tuple[int, int] | None:
    """Return where the markup that only Outlook reads stands in *tag*, if it is such a comment."""
    condition = _CONDITIONAL.match(html, tag.start, tag.end) if tag.closed else None
    return (condition.end(), tag.end - len("-->")) if condition else None


def attribute_spans(
    html: str, tag: Tag, reading: re.Pattern[str] = _EVERY_ATTRIBUTE
) -> dict[str, tuple[int, int]]:
    """Return where the values of *tag* stand, without quotes, by attribute name in lower case.

    Of several attributes of one name the first counts (WHATWG HTML 13.2.5.33).
    """
    spans: dict[str, tuple[int, int]] = {}
    position, end = tag.attributes
    while found := reading.match(html, position, end):
        group, position = found.lastindex or 1, found.end()
        spans.setdefault(found[1].lower(), found.span(group) if group > 1 else (position, position))
    return spans


def attributes(html: str, tag: Tag) -> dict[str, str]:
    """Return the decoded values of *tag* by attribute name in lower case."""
    return {
        name: decoded_value(html[start:end])
        for name, (start, end) in attribute_spans(html, tag).items()
    }


def decoded_value(value: str) -> str:
    """Return an attribute's *value* with its character references decoded.

    ``html.unescape`` follows the rule for text and would turn ``?a=1&copy=2`` into ``?a=1©=2``:
    in an attribute a name without ``;`` is no reference if ``=`` or a letter or digit follows
    (WHATWG HTML 13.2.5.73).
    """
    return _REFERENCE.sub(_decoded, value) if "&" in value else value


def _decoded(found: re.Match[str]) -> str:
    decimal, hexadecimal, name, semicolon, equals = found.groups()
    if not name:
        return _character(decimal or hexadecimal, 10 if decimal else 16)
    if semicolon:
        return html5.get(name + ";", found[0])
    return found[0] if equals else html5.get(name, found[0])


def _character(digits: str, base: int) -> str:
    """Return the character of a numeric reference (WHATWG HTML 13.2.5.80)."""
    digits = digits.lstrip("0")
    code = int(digits, base) if 0 < len(digits) < 8 else 0
    if not 0 < code < 0x110000 or 0xD800 <= code < 0xE000:
        return _REPLACEMENT
    if 0x80 <= code < 0xA0:  # written by programs that mean windows-1252
        return bytes((code,)).decode("cp1252", "ignore") or chr(code)
    return chr(code)


def _tags(
    html: str, position: int, limit: int, reading: re.Pattern[str], *, hidden: bool
) -> Iterator[Tag]:
    foreign = 0
    while found := reading.match(html, position, limit):
        token, name = found.span(1), found[2]
        if not name:
            end = _markup_end(html, token, limit, foreign=foreign)
            tag = Tag(token[0], limit if end is None else end, "!", token, end is not None, hidden)
            if part := None if hidden else hidden_part(html, tag):
                yield from _tags(html, *part, reading, hidden=True)
        else:
            tag = Tag(*token, name.lower(), found.span(3), True, hidden, foreign > 0)
            if tag.name in _CHANGES_READING and not (foreign and closes_itself(html, tag)):
                foreign += _nesting(html, tag, foreign)
                tag = _with_content(html, tag, limit)
        yield tag
        if not tag.closed:
            return
        position = tag.end


def _nesting(html: str, tag: Tag, foreign: int) -> int:
    """Return by how much *tag* changes the depth of ``<svg>`` and ``<math>``."""
    if tag.name in {"svg", "math"}:
        return 0 if closes_itself(html, tag) else 1
    return -1 if foreign and tag.name in {"/svg", "/math"} else 0


def closes_itself(html: str, tag: Tag) -> bool:
    """Tell whether *tag* ends in ``/>``; the slash of ``<a href=x/>`` belongs to the value."""
    if html[tag.end - 2] != "/":
        return False
    position, end = tag.attributes
    while found := _EVERY_ATTRIBUTE.match(html, position, end):
        position = found.end()
    return position < end


def _markup_end(html: str, opening: tuple[int, int], limit: int, *, foreign: int) -> int | None:
    """Return where the comment or declaration behind *opening* ends, None if it does not."""
    start, position = opening
    if html[position - 1].isalpha():
        return None
    if html.startswith("<!--", start, position):
        for abrupt in (">", "->"):
            if html.startswith(abrupt, position, limit):
                return position + len(abrupt)
        end = _COMMENT_END.search(html, position, limit)
        return end.end() if end else None
    # Elsewhere than in SVG and MathML a CDATA section is a comment like "<!doctype>".
    close = "]]>" if foreign and html.startswith("<![CDATA[", start, limit) else ">"
    stop = html.find(close, position, limit)
    return None if stop < 0 else stop + len(close)


def _with_content(html: str, tag: Tag, limit: int) -> Tag:
    """Return *tag* with the content that its element does not let be read as markup."""
    if tag.name == "plaintext":
        return tag._replace(end=limit, closed=False)
    if tag.name not in _RAW_END:
        return tag
    end = (_script_end if tag.name == "script" else _raw_end)(html, tag, limit)
    return tag._replace(end=limit if end is None else end, closed=end is not None)


def _raw_end(html: str, tag: Tag, limit: int) -> int | None:
    found = _RAW_END[tag.name].search(html, tag.end, limit)
    return found.start() if found else None


def _script_end(html: str, tag: Tag, limit: int) -> int | None:
    """Return where the content of ``<script>`` ends: a comment in it may hold another script.

    These are the "escaped" and "double escaped" states (WHATWG HTML 13.2.5.18 to 13.2.5.31).
    """
    escaped = nested = False
    position = tag.end
    while found := _IN_SCRIPT.search(html, position, limit):
        position = found.end()
        if found[1]:
            escaped = True
            position -= len("--")  # "<!-->" is a whole comment
        elif found[2]:
            escaped = nested = False
        elif found[3] and not nested:
            return found.start()
        else:
            nested = escaped and not found[3]
    return None
