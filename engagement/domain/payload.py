"""Reading a request's JSON: every value is checked, and every error names its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, time
from typing import Any, NoReturn, TypeVar

from engagement.domain.mailbox_address import check_display_text
from engagement.errors import InvalidRequestError

T = TypeVar("T")

CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Fields:
    """The fields of one JSON object; *path* is where it stands in the request."""

    def __init__(self, value: object, names: Collection[str], path: str = "") -> None:
        if not isinstance(value, dict):
            raise InvalidRequestError("A JSON object is needed here.", path or None)
        self.path = path
        self.value: dict[str, Any] = value
        for name in value:
            if name not in names:
                raise InvalidRequestError("This field is not known.", self.at(shown(name)))

    def at(self, name: str) -> str:
        """Path of field *name* in the request."""
        return f"{self.path}.{name}" if self.path else name

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def wrong(self, name: str, detail: str) -> NoReturn:
        """Raise InvalidRequestError for field *name*."""
        raise InvalidRequestError(detail, self.at(name))

    def line(self, name: str, limit: int, *, empty: bool = False) -> str:
        """Return one line of text, at most *limit* characters, not blank unless *empty*."""
        value = self._typed(name, str, "text", None)
        if not empty and not value.strip():
            self.wrong(name, "This must not be empty.")
        return check_display_text(value, self.at(name), limit)

    def optional_line(self, name: str, limit: int) -> str | None:
        """Like :meth:`line`, but null and absence are None."""
        return None if self.value.get(name) is None else self.line(name, limit)

    def optional_body(self, name: str) -> str | None:
        """Return text of any length with line breaks; null and absence are None."""
        if self.value.get(name) is None:
            return None
        value: str = self._typed(name, str, "text", None)
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            self.wrong(name, "The text holds a NUL or half of a surrogate pair.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value: bool = self._typed(name, bool, "true or false", default)
        return value

    def number(self, name: str, lowest: int, highest: int, default: int | None = None) -> int:
        """Return a whole number from *lowest* to *highest*."""
        value: int = self._typed(name, int, "a whole number", default)
        if isinstance(value, bool) or not lowest <= value <= highest:
            self.wrong(name, f"This must be a whole number from {lowest} to {highest}.")
        return value

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """Return one of *choices*."""
        value: str = self._typed(name, str, "text", default)
        if value not in choices:
            self.wrong(name, f"This must be one of {', '.join(sorted(choices))}.")
        return value

    def optional_moment(self, name: str) -> datetime | None:
        """Return an RFC 3339 time with an offset, in UTC; null and absence are None."""
        if self.value.get(name) is None:
            return None
        try:
            moment = datetime.fromisoformat(self._typed(name, str, "text", None))
            if moment.tzinfo is None:
                self.wrong(name, "The time needs an offset, such as Z.")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            if isinstance(error, InvalidRequestError):
                raise
            self.wrong(name, "This is not a time in RFC 3339.")

    def clock(self, name: str) -> time:
        """Return a time of the day, written as 20:00."""
        value: str = self._typed(name, str, "text", None)
        if not CLOCK.fullmatch(value):
            self.wrong(name, "This must be a time of the day, such as 20:00.")
        return time.fromisoformat(value)

    def optional_object(self, name: str, read: Callable[[object, str], T]) -> T | None:
        """Return what *read* makes of the object in field *name*; null and absence are None."""
        value = self.value.get(name)
        return None if value is None else read(value, self.at(name))

    def items(self, name: str, limit: int) -> list[tuple[object, str]]:
        """Return each item of the list in field *name* with its path; absence is the empty list."""
        value: list[object] = self._typed(name, list, "a list", [])
        if len(value) > limit:
            self.wrong(name, f"At most {limit} items are allowed here.")
        return [(item, f"{self.at(name)}[{index}]") for index, item in enumerate(value)]

    def _typed(self, name: str, kind: type, words: str, default: Any) -> Any:
        value = self.value.get(name, default)
        if name not in self.value and default is None:
            self.wrong(name, "This field is needed.")
        if not isinstance(value, kind):
            self.wrong(name, f"This must be {words}.")
        return value


def shown(name: str) -> str:
    """Return the name of a field as an error may show it; the caller made it up."""
    return name[:100].encode("ascii", "backslashreplace").decode("ascii")
