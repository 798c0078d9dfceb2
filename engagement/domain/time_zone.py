"""Time zones of the IANA database, as the tzdata package has it.

A machine's own copy may be years old, and governments change the clocks at short notice: Alberta
and British Columbia did in 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engagement.domain.payload import Fields
from engagement.errors import InvalidRequestError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

LONGEST_NAME = 60
NO_ZONE = "This is not a time zone of the IANA database, such as Europe/Berlin."
OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>[01][0-9]):(?P<minutes>[0-5][0-9])")

#: Two zones are as good as one if their clocks agree every week of the year to come.
WEEKS = 53


@cache
def find_zone(name: str) -> tzinfo:
    """Return the zone of this name, or of a fixed offset such as +05:45; raises KeyError."""
    if offset := OFFSET.fullmatch(name):
        size = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(-size if offset["sign"] == "-" else size)
    if name not in zone_names():
        raise KeyError(name)
    with _data().joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def offset_name(offset: timedelta) -> str:
    """Return the name of the zone with a fixed offset, such as +05:45."""
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta(0) else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def canonical_name(name: str) -> str:
    """Return the name that zone.tab has for a zone: Asia/Kolkata for Asia/Calcutta."""
    return name if name in zone_countries() else _links().get(name, name)


def agree(one: str, other: str, at: datetime) -> bool:
    """Whether the clocks of two zones show the same for the year from *at* on."""
    return one == other or _year(one, at) == _year(other, at)


def read_time_zone(fields: Fields, name: str) -> str:
    """Read the name of a zone from field *name*; raises InvalidRequestError."""
    value = fields.line(name, LONGEST_NAME)
    if value not in zone_names():
        fields.wrong(name, NO_ZONE)
    return value


def read_zone(name: str, field: str) -> tzinfo:
    """Return the zone of this name; raises InvalidRequestError, naming *field*."""
    if name not in zone_names():
        raise InvalidRequestError(NO_ZONE, field)
    return find_zone(name)


@cache
def zone_names() -> frozenset[str]:
    """Return every name in the database."""
    return frozenset(_data().joinpath("zones").read_text(encoding="ascii").split())


@cache
def zone_countries() -> Mapping[str, str]:
    """Return the zones of zone.tab, in its order, with the country (ISO 3166-1) of each."""
    rows = _table("zone.tab")
    return {row[2]: row[0] for row in rows}


@cache
def countries() -> frozenset[str]:
    """Return the codes of all countries (ISO 3166-1 alpha-2)."""
    return frozenset(row[0] for row in _table("iso3166.tab"))


@cache
def _links() -> Mapping[str, str]:
    lines = _data().joinpath("zoneinfo", "tzdata.zi").read_text(encoding="ascii").splitlines()
    links = [line.split() for line in lines if line.startswith("L ")]
    return {alias: target for _, target, alias in links}


def _table(name: str) -> list[list[str]]:
    lines = _data().joinpath("zoneinfo", name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def _data() -> Traversable:
    from importlib.resources import files

    return files("tzdata")


@lru_cache(maxsize=1_000)
def _year(name: str, at: datetime) -> tuple[timedelta | None, ...]:
    zone = find_zone(name)
    return tuple((at + timedelta(weeks=week)).astimezone(zone).utcoffset() for week in range(WEEKS))
