"""Summing up what happens too often for a line each: one line a series and minute."""

from __future__ import annotations

from dataclasses import dataclass, field

from engagement import telemetry

#: Seconds between two lines of a series; a line per open would cost more than storing it.
PAUSE = 60.0


@dataclass(slots=True)
class Samples:
    """Values of one metric that came since it was last told."""

    told_at: float = float("-inf")
    count: int = 0
    total: float = 0.0
    largest: float = 0.0


@dataclass(slots=True)
class Counts:
    """How often each kind of something came since it was last told."""

    told_at: float = float("-inf")
    kinds: dict[str, int] = field(default_factory=dict)


class Tally:
    """Figures of one instance. Adding tells nothing: the host drops what no function tells.

    Times are seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self.samples: dict[tuple[str, tuple[tuple[str, str], ...]], Samples] = {}
        self.counts: dict[str, Counts] = {}

    def sample(self, name: str, value: float, **labels: str) -> None:
        """Add one value of a metric."""
        series = self.samples.setdefault((name, tuple(labels.items())), Samples())
        series.count += 1
        series.total += value
        series.largest = max(series.largest, value)

    def count(self, name: str, kind: str = "value", *, kinds: tuple[str, ...] = ()) -> None:
        """Count one of a *kind*; *kinds* are told as 0 where there were none."""
        series = self.counts.get(name)
        if series is None:
            series = self.counts[name] = Counts(kinds=dict.fromkeys(kinds, 0))
        series.kinds[kind] = series.kinds.get(kind, 0) + 1

    def tell(self, now: float, pause: float = PAUSE) -> None:
        """Tell what is new in the series that were told *pause* seconds ago or never."""
        for (name, labels), samples in self.samples.items():
            if samples.count and now - samples.told_at >= pause:
                telemetry.metric(
                    name,
                    value=samples.total / samples.count,
                    max=samples.largest,
                    count=samples.count,
                    **dict(labels),
                )
                self.samples[name, labels] = Samples(told_at=now)
        for name, counts in self.counts.items():
            if any(counts.kinds.values()) and now - counts.told_at >= pause:
                telemetry.metric(name, **counts.kinds)
                self.counts[name] = Counts(told_at=now, kinds=dict.fromkeys(counts.kinds, 0))
