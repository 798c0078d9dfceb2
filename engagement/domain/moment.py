"""A moment as callers and webhooks read it."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """Return a time in RFC 3339: in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_moment(at: datetime | None) -> str | None:
    """Like :func:`moment`; None for None."""
    return None if at is None else moment(at)


def read_moment(text: str) -> datetime:
    """Return the aware time of :meth:`datetime.isoformat`, in UTC; raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("This time has no offset.")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("This time is out of range.") from error
