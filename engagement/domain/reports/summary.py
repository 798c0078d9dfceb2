"""What became of a period: its totals, and how they are distributed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engagement.domain.reports.period import Period
from engagement.domain.reports.rollup import Group, Rollup, total


@dataclass(frozen=True, slots=True)
class Summary:
    """The rollups of a period, added up."""

    period: Period
    totals: Rollup
    #: each day of the period, those without anything too
    series: tuple[tuple[date, Rollup], ...]
    #: by weekday, Monday first
    weekdays: tuple[Rollup, ...]
    #: the group with the most messages first
    groups: tuple[tuple[Group, Rollup], ...] = ()


def summarize(
    period: Period, days: Mapping[date, Rollup], groups: Mapping[Group, Rollup]
) -> Summary:
    """Add the rollups of a period's days up; *groups* are added up already."""
    series = tuple((on, days.get(on, Rollup())) for on in period.days())
    by_weekday: defaultdict[int, list[Rollup]] = defaultdict(list)
    for on, rollup in series:
        by_weekday[on.weekday()].append(rollup)
    ordered = sorted(groups.items(), key=lambda x: (-x[1].cohort.sent_count, x[0].id))
    return Summary(
        period=period,
        totals=total(rollup for _, rollup in series),
        series=series,
        weekdays=tuple(total(by_weekday[number]) for number in range(7)),
        groups=tuple(ordered),
    )
