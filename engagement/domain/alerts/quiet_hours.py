"""Hours in which a seller is left alone, by the clock on the seller's wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from engagement.domain.time_zone import find_zone


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day to another, over midnight if the second is the earlier."""

    begin: time
    end: time
    #: str, name in the IANA time zone database
    time_zone: str

    def until(self, at: datetime) -> datetime:
        """Return the end of the quiet hours (UTC) that *at* falls into, *at* itself outside."""
        zone = find_zone(self.time_zone)
        if not self._hold(at, zone):
            return at
        today = at.astimezone(zone).date()
        # An hour that the autumn night has twice ends twice; one that the spring night leaves out
        # is read as the hour before or the one behind.
        ends = sorted(
            datetime.combine(
                today + timedelta(days=day), self.end.replace(fold=fold), zone
            ).astimezone(UTC)
            for day in (0, 1, 2)
            for fold in (0, 1)
        )
        return next((end for end in ends if end > at and not self._hold(end, zone)), at)

    def _hold(self, at: datetime, zone: tzinfo) -> bool:
        clock = at.astimezone(zone).time().replace(fold=0)
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end
