"""A moment as callers and webhooks read it."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """Return a time in RFC 3339: in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_moment(at: datetime | None) -> str | None:
    """Like :func:`moment`; None for None."""
    return None if at is None else moment(at)
