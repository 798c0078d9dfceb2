"""Placeholders of a template, such as ``{{ contact.first_name | there }}``, and what fills them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from engagement.domain.mailbox_address import check_display_text
from engagement.errors import InvalidRequestError, UnprocessableError

#: Longest value, in characters. With the limit below, no template fills a store or a memory.
LONGEST_VALUE = 2_000
MOST_PLACEHOLDERS = 500

_OPENING = re.compile(r"\{\{")
# Neither markup nor quotes, so that a placeholder never reaches over the edge of a tag.
_PLACEHOLDER = re.compile(
    r"""\{\{ [ \t]* (?P<name> [A-Za-z_]\w{0,49} (?: \.\w{1,50} ){0,4} ) [ \t]*
        (?: \| (?P<fallback> [^{}<>"\x00-\x1f]{0,200} ) )? \}\}""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder: where it stands in its text, and the dotted name of its value."""

    start: int
    end: int
    name: str
    #: str or None, what stands in for a value that is missing or blank
    fallback: str | None


class Values:
    """What the CRM fills placeholders with: nested JSON objects, such as a contact's record.

    Only what a placeholder names is looked at, so that a record may be handed over as it is.
    """

    def __init__(self, value: object) -> None:
        if value is not None and not isinstance(value, dict):
            raise InvalidRequestError("A JSON object is needed here.", "values")
        self._value: dict[str, Any] = value or {}

    def text(self, placeholder: Placeholder) -> str:
        """Return the text for *placeholder*.

        Raises UnprocessableError, naming the value, if it is missing and there is no fallback;
        InvalidRequestError if it is no text, number or truth value, or too long.
        """
        value: object = self._value
        for name in placeholder.name.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None and placeholder.fallback is None:
            raise UnprocessableError("The template needs this value.", field_of(placeholder))
        text = "" if value is None else _text(value, field_of(placeholder))
        return text if text.strip() or placeholder.fallback is None else placeholder.fallback


def field_of(placeholder: Placeholder) -> str:
    """Path of a placeholder's value in the request."""
    return f"values.{placeholder.name}"


def find_placeholders(text: str, field: str) -> list[Placeholder]:
    """Return the placeholders of *text* in their order.

    Raises UnprocessableError, naming *field* and the position, for a ``{{`` that begins none.
    """
    found: list[Placeholder] = []
    position = 0
    while opening := _OPENING.search(text, position):
        match = _PLACEHOLDER.match(text, opening.start())
        if match is None:
            refuse(text, opening.start(), field, "{{ does not begin a placeholder")
        if len(found) == MOST_PLACEHOLDERS:
            detail = f"A text may have at most {MOST_PLACEHOLDERS} placeholders."
            raise UnprocessableError(detail, field)
        fallback = match["fallback"]
        position = match.end()
        found.append(
            Placeholder(
                *match.span(), match["name"], None if fallback is None else fallback.strip()
            )
        )
    return found


def refuse(text: str, position: int, field: str, why: str) -> NoReturn:
    """Raise UnprocessableError that says *why* and where in *text*."""
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise UnprocessableError(f"Line {line}, column {column}: {why}.", field)


def fill(text: str, placeholders: list[Placeholder], written: Callable[[Placeholder], str]) -> str:
    """Return *text* with each placeholder replaced by what *written* makes of it.

    What is put in is not looked at again: a value that holds a placeholder stays text.
    """
    parts: list[str] = []
    position = 0
    for placeholder in placeholders:
        parts += (text[position : placeholder.start], written(placeholder))
        position = placeholder.end
    return "".join((*parts, text[position:]))


def fill_text(text: str, values: Values) -> str:
    """Return a plain text with its placeholders filled; values stand in it as they are."""
    return fill(text, find_placeholders(text, "text_body"), values.text)


def fill_line(text: str, values: Values) -> str:
    """Return a subject with its placeholders filled.

    Raises InvalidRequestError for a value with a line break or another control character.
    """

    def written(placeholder: Placeholder) -> str:
        value = values.text(placeholder)
        return check_display_text(value, field_of(placeholder), LONGEST_VALUE)

    return fill(text, find_placeholders(text, "subject"), written)


def _text(value: object, field: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidRequestError("This must be text, a number, true or false.", field)
    if len(value) > LONGEST_VALUE:
        raise InvalidRequestError(f"A value has at most {LONGEST_VALUE} characters.", field)
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidRequestError("The text holds a NUL or half of a surrogate pair.", field)
    return value
