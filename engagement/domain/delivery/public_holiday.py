"""Public holidays by country and region, by the data of the holidays package."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

#: Years of a country or region that are remembered.
MOST_CALENDARS = 500

MONDAY_TO_FRIDAY = frozenset(range(5))


def holiday_on(country: str, region: str | None, day: date) -> str | None:
    """Return the name of the public holiday on *day*, None if it is none."""
    return _calendar(country, region, day.year).get(day)


@lru_cache(maxsize=300)
def working_days_of(country: str | None) -> frozenset[int]:
    """Return the working week of a country, Monday being 0: Monday to Friday unless known else.

    Where one day alone is free by law, such as Sunday in Hong Kong or Friday in Iran, offices close
    on the day before as well: a week has five days.
    """
    if country is None:
        return MONDAY_TO_FRIDAY
    import holidays

    free = frozenset(holidays.country_holidays(country).weekend)
    if len(free) == 1:
        free |= {(day - 1) % 7 for day in free}
    return frozenset(range(7)) - free


@lru_cache(maxsize=MOST_CALENDARS)
def _calendar(country: str, region: str | None, year: int) -> HolidayBase:
    import holidays

    # A region of which the package knows nothing has the holidays of the whole country.
    known = region if region in _supported()[country] else None
    return holidays.country_holidays(country, subdiv=known, years=year, language="en_US")


@lru_cache(maxsize=1)
def _supported() -> dict[str, list[str]]:
    import holidays

    return holidays.list_supported_countries()
