"""Counts of one message: people first, what cannot be known and machines beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engagement.domain.interaction import InteractionType
from engagement.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each thing was done by one kind of visitor."""

    open_count: int = 0
    click_count: int = 0
    attachment_view_count: int = 0


@dataclass(frozen=True, slots=True)
class Kpi:
    """One message's counts; times are of people's opens, aware UTC."""

    people: Counts = Counts()
    unsure: Counts = Counts()
    automated: Counts = Counts()
    reply_count: int = 0
    first_opened_at: datetime | None = None
    last_opened_at: datetime | None = None


def count(interactions: Iterable[tuple[InteractionType, Verdict, datetime]]) -> Kpi:
    """Count interactions, in whatever order they come."""
    tally: Counter[tuple[InteractionType, Verdict]] = Counter()
    opened: list[datetime] = []
    for kind, verdict, at in interactions:
        tally[kind, verdict] += 1
        if kind is InteractionType.OPEN and verdict is Verdict.PERSON:
            opened.append(at)
    return Kpi(
        people=_counts(tally, Verdict.PERSON),
        unsure=_counts(tally, Verdict.UNSURE),
        automated=_counts(tally, Verdict.AUTOMATED),
        reply_count=tally[InteractionType.REPLY, Verdict.PERSON],
        first_opened_at=min(opened, default=None),
        last_opened_at=max(opened, default=None),
    )


def _counts(tally: Counter[tuple[InteractionType, Verdict]], verdict: Verdict) -> Counts:
    return Counts(
        open_count=tally[InteractionType.OPEN, verdict],
        click_count=tally[InteractionType.CLICK, verdict],
        attachment_view_count=tally[InteractionType.ATTACHMENT_VIEW, verdict],
    )
