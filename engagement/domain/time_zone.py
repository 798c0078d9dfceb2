"""Time zones by their names in the IANA database."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from engagement.errors import InvalidRequestError

LONGEST_ZONE = 60


def read_zone(name: str, field: str) -> ZoneInfo:
    """Return the zone of that name; raises InvalidRequestError, naming *field*."""
    try:
        if len(name) <= LONGEST_ZONE:
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # What is no name at all, the name of a folder, and what is not in the database.
        pass
    raise InvalidRequestError("This is not a time zone, such as Europe/Berlin.", field)
