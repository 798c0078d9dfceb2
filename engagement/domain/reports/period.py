"""Some days in a row, as a caller asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from engagement.errors import InvalidRequestError, UnprocessableError

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LONGEST_PERIOD = 400
DEFAULT_PERIOD = 30


@dataclass(frozen=True, slots=True)
class Period:
    """Days from *first* to *last*, both included, of UTC."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Yield each day."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


def read_period(query: Mapping[str, str], today: date) -> Period:
    """Read the parameters *from* and *to*; by default the 30 days that end with the last, or today.

    Raises InvalidRequestError naming the parameter, and UnprocessableError for too long a period.
    """
    last = read_day(query["to"], "to") if "to" in query else today
    default = date.fromordinal(max(last.toordinal() - DEFAULT_PERIOD + 1, 1))
    first = read_day(query["from"], "from") if "from" in query else default
    if first > last:
        raise InvalidRequestError("The first day is behind the last.", "from")
    if (last - first).days >= LONGEST_PERIOD:
        raise UnprocessableError(f"A period has at most {LONGEST_PERIOD} days.", "from")
    return Period(first, last)


def read_day(text: str, name: str) -> date:
    """Read a day of the calendar; raises InvalidRequestError naming the parameter *name*."""
    detail = "This must be a day, such as 2026-11-22."
    if not DAY.fullmatch(text):
        raise InvalidRequestError(detail, name)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequestError(detail, name) from error
