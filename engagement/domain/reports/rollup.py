"""KPIs of a day, of a whole organization, a sender or a template: sums of what messages add to it.

A rollup is recomputed from its summands and replaced, never incremented, so that what comes late,
twice or in another order changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from engagement.domain.reports.cohort import Cohort
from engagement.domain.verdicts.kpi import Counts

#: Numbers of the 24 hours of a day, UTC.
Hours = tuple[int, ...]
NO_HOURS: Hours = (0,) * 24
NO_MESSAGES, NO_COUNTS = Cohort(), Counts()

#: Cohorts by segment, such as ("language", "de").
Segments = Mapping[tuple[str, str], Cohort]

#: Segments that one rollup keeps; industries are whatever the CRM calls them, and a row of Azure
#: Tables holds 64 KiB a column.
MOST_SEGMENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What became of the messages of a day, and what was done on that day with any message."""

    #: Cohort, of the messages that were sent on that day, whenever they were opened
    cohort: Cohort = NO_MESSAGES
    people: Counts = NO_COUNTS
    unsure: Counts = NO_COUNTS
    automated: Counts = NO_COUNTS
    reply_count: int = 0
    #: int, how many of the people's opens only a click or an attachment view tells of
    inferred_open_count: int = 0
    #: by hour, what people did
    open_hours: Hours = NO_HOURS
    click_hours: Hours = NO_HOURS
    reply_hours: Hours = NO_HOURS
    segments: Segments = field(default_factory=dict)


class GroupKind(StrEnum):
    """Of whom a rollup tells."""

    ORGANIZATION = "organization"
    SENDER = "sender"
    TEMPLATE = "template"


class Group(NamedTuple):
    """Whose messages a rollup adds up: all, a sender's (user id), or those of a template (id)."""

    kind: GroupKind
    id: str = ""

    @property
    def digest(self) -> str:
        """What stands for the id in keys, which may not hold what an id may."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:32]


ORGANIZATION = Group(GroupKind.ORGANIZATION)


def total(rollups: Iterable[Rollup]) -> Rollup:
    """Add rollups up."""
    found = list(rollups)
    if not found:
        return Rollup()
    return Rollup(
        cohort=sum((x.cohort for x in found), NO_MESSAGES),
        people=sum((x.people for x in found), NO_COUNTS),
        unsure=sum((x.unsure for x in found), NO_COUNTS),
        automated=sum((x.automated for x in found), NO_COUNTS),
        reply_count=sum(x.reply_count for x in found),
        inferred_open_count=sum(x.inferred_open_count for x in found),
        open_hours=_hours(x.open_hours for x in found),
        click_hours=_hours(x.click_hours for x in found),
        reply_hours=_hours(x.reply_hours for x in found),
        segments=_segments(x.segments for x in found),
    )


def most_frequent(segments: Segments) -> Segments:
    """Return the segments with the most messages, as many as are kept."""
    if len(segments) <= MOST_SEGMENTS:
        return segments
    ordered = sorted(segments, key=lambda name: (-segments[name].sent_count, name))
    return {name: segments[name] for name in ordered[:MOST_SEGMENTS]}


def bounded(rollup: Rollup) -> Rollup:
    """Return a rollup that fits into a row."""
    return replace(rollup, segments=most_frequent(rollup.segments))


def _hours(each: Iterable[Hours]) -> Hours:
    return tuple(map(sum, zip(*each, strict=True)))


def _segments(each: Iterable[Segments]) -> Segments:
    found: defaultdict[tuple[str, str], Cohort] = defaultdict(Cohort)
    for segments in each:
        for name, cohort in segments.items():
            found[name] += cohort
    return dict(found)
