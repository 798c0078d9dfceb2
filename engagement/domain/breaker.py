"""When to stop waiting for a store that is known to be down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Opens at once for a store that hangs, and after some failures in a row for one that refuses.

    Times are seconds of a monotonic clock. While it is open one trial is let through per pause.
    """

    failures_allowed: int = 3
    pause: float = 5.0
    failures: int = 0
    opened_at: float | None = None

    @property
    def closed(self) -> bool:
        """Whether the store may be waited for."""
        return self.opened_at is None

    def trial_due(self, now: float) -> bool:
        """Whether it is time to try again; claims the trial, so that only one caller makes it."""
        if self.opened_at is None or now - self.opened_at < self.pause:
            return False
        self.opened_at = now
        return True

    def succeeded(self) -> None:
        """Note that the store answered."""
        self.failures = 0
        self.opened_at = None

    def failed(self, now: float, *, hung: bool) -> None:
        """Note that the store refused or, worse, hung."""
        self.failures += 1
        if hung or self.failures >= self.failures_allowed:
            self.opened_at = now
