"""When people work, by the clock on their wall: what an organization says of it, by country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any

from engagement.domain.delivery.public_holiday import working_days_of
from engagement.domain.payload import Fields
from engagement.domain.time_zone import countries
from engagement.errors import InvalidRequestError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """From one time of the day to a later one, on some days of the week."""

    #: As Dynamics 365 assumes them ("8 AM to 5 PM, Monday through Friday").
    begin: time = time(8)
    end: time = time(17)
    #: frozenset of int, Monday being 0; None for the working week of the country
    days: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class DeliveryTimeSettings:
    """What an organization says of the hours in which it wants its messages to arrive."""

    working_hours: WorkingHours = WorkingHours()
    #: by country (ISO 3166-1 alpha-2), where they are others
    countries: Mapping[str, WorkingHours] = field(default_factory=dict)
    #: bool, whether public holidays are no working days
    holidays: bool = True

    def hours_in(self, country: str | None) -> WorkingHours:
        """Return the working hours of a country, with their days; None for a country not known."""
        hours = self.countries.get(country or "", self.working_hours)
        return hours if hours.days else replace(hours, days=working_days_of(country))


def delivery_time_json(settings: DeliveryTimeSettings) -> dict[str, Any]:
    """Return the settings in the form of the contract."""
    return {
        "working_hours": working_hours_json(settings.working_hours),
        "countries": {
            country: working_hours_json(hours)
            for country, hours in sorted(settings.countries.items())
        },
        "holidays": settings.holidays,
    }


def working_hours_json(hours: WorkingHours) -> dict[str, Any]:
    """Return working hours in the form of the contract."""
    return {
        "days": None if hours.days is None else [DAYS[day] for day in sorted(hours.days)],
        "from": f"{hours.begin:%H:%M}",
        "to": f"{hours.end:%H:%M}",
    }


def patched_delivery_time(
    settings: DeliveryTimeSettings, changes: object, path: str = ""
) -> DeliveryTimeSettings:
    """Return the settings with *changes* (RFC 7396); raises InvalidRequestError.

    The hours of one country, or of all, are replaced whole; null makes them as shipped.
    """
    patch = Fields(changes, {"working_hours", "countries", "holidays"}, path)
    if "working_hours" in patch:
        hours = patch.optional_object("working_hours", _read_hours) or WorkingHours()
        settings = replace(settings, working_hours=hours)
    if "countries" in patch:
        hours_by_country = _patched_countries(settings.countries, patch)
        settings = replace(settings, countries=hours_by_country)
    return replace(settings, holidays=patch.flag("holidays", default=settings.holidays))


def _patched_countries(
    before: Mapping[str, WorkingHours], patch: Fields
) -> dict[str, WorkingHours]:
    changes, path = patch.value["countries"], patch.at("countries")
    # The public path reads settings as well, and mostly there are none of these.
    fields, after = Fields(changes, countries() if changes else (), path), dict(before)
    for code in fields.value:
        hours = fields.optional_object(code, _read_hours)
        if hours is None:
            after.pop(code, None)
        else:
            after[code] = hours
    return after


def _read_hours(value: object, path: str) -> WorkingHours:
    fields = Fields(value, {"days", "from", "to"}, path)
    default = WorkingHours()
    begin = fields.clock("from") if "from" in fields else default.begin
    end = fields.clock("to") if "to" in fields else default.end
    if end <= begin:
        fields.wrong("to", "Working hours must end after they begin, on the same day.")
    return WorkingHours(begin, end, _read_days(fields))


def _read_days(fields: Fields) -> frozenset[int] | None:
    if fields.value.get("days") is None:
        return None
    days: set[int] = set()
    for item, path in fields.items("days", len(DAYS)):
        if item not in DAYS:
            raise InvalidRequestError(f"A day is one of {', '.join(DAYS)}.", path)
        days.add(DAYS.index(str(item)))
    if not days:
        fields.wrong("days", "At least one day of the week is needed.")
    return frozenset(days)
