"""Counts of one message: people first, what cannot be known and machines beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.verdict import Verdict

#: The same act by the same actor within so long counts once, as with Nylas; all are stored.
ONCE_WITHIN = timedelta(seconds=60)

#: Acts that nobody does who has not opened the message.
IMPLYING = (InteractionType.CLICK, InteractionType.ATTACHMENT_VIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What counting, and what tells of habits, needs of an interaction."""

    type: InteractionType
    verdict: Verdict
    #: datetime, aware UTC
    at: datetime
    recipient: int = 0
    target: int = 0
    actor: str = ""
    #: bool, whether it is an open that only a click tells of; counted from the click
    inferred: bool = False
    #: str or None, address of whoever answered; tells of habits, and is not counted
    replied_by: str | None = None
    #: int or None, minutes by which the clock of whoever answered is ahead of UTC; likewise
    utc_offset_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each thing was done by one kind of visitor."""

    open_count: int = 0
    click_count: int = 0
    attachment_view_count: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.open_count + other.open_count,
            self.click_count + other.click_count,
            self.attachment_view_count + other.attachment_view_count,
        )


@dataclass(frozen=True, slots=True)
class Kpi:
    """One message's counts; times are of people's opens, aware UTC."""

    people: Counts = Counts()
    unsure: Counts = Counts()
    automated: Counts = Counts()
    reply_count: int = 0
    first_opened_at: datetime | None = None
    last_opened_at: datetime | None = None
    #: int, how many of the people's opens only a click or an attachment view tells of
    inferred_open_count: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done, as it counts."""

    type: InteractionType
    verdict: Verdict
    #: datetime, aware UTC
    at: datetime
    #: bool, whether it is an open that only a click or an attachment view tells of
    inferred: bool = False


def counted(facts: Iterable[Fact]) -> list[Act]:
    """Return what counts of interactions, in whatever order they come, inferred opens included."""
    kept = _once([fact for fact in facts if not fact.inferred])
    inferred = _inferred([fact for fact in kept if fact.verdict is Verdict.PERSON])
    return [
        *(Act(fact.type, fact.verdict, fact.at) for fact in kept),
        *(Act(InteractionType.OPEN, Verdict.PERSON, at, inferred=True) for at in inferred),
    ]


def count(facts: Iterable[Fact]) -> Kpi:
    """Count interactions, in whatever order they come."""
    acts = counted(facts)
    opened = [act.at for act in acts if _is_persons_open(act)]
    return Kpi(
        people=counts_of(acts, Verdict.PERSON),
        unsure=counts_of(acts, Verdict.UNSURE),
        automated=counts_of(acts, Verdict.AUTOMATED),
        reply_count=reply_count(acts),
        first_opened_at=min(opened, default=None),
        last_opened_at=max(opened, default=None),
        inferred_open_count=inferred_open_count(acts),
    )


def counts_of(acts: Iterable[Act], verdict: Verdict) -> Counts:
    """Return how often each thing was done by one kind of visitor."""
    tally = Counter(act.type for act in acts if act.verdict is verdict)
    return Counts(
        open_count=tally[InteractionType.OPEN],
        click_count=tally[InteractionType.CLICK],
        attachment_view_count=tally[InteractionType.ATTACHMENT_VIEW],
    )


def reply_count(acts: Iterable[Act]) -> int:
    """Return how many replies people wrote."""
    return sum(act.type is InteractionType.REPLY and act.verdict is Verdict.PERSON for act in acts)


def inferred_open_count(acts: Iterable[Act]) -> int:
    """Return how many opens only a click or an attachment view tells of."""
    return sum(act.inferred for act in acts)


def _is_persons_open(act: Act) -> bool:
    return act.type is InteractionType.OPEN and act.verdict is Verdict.PERSON


def _once(facts: list[Fact]) -> list[Fact]:
    """Leave out what the same actor did to the same thing a moment before; replies all count."""
    last: dict[tuple[object, ...], datetime] = {}
    kept = []
    for fact in sorted(facts, key=lambda fact: fact.at):
        same = (fact.type, fact.verdict, fact.recipient, fact.target, fact.actor)
        before = last.get(same)
        again = before is not None and fact.at - before < ONCE_WITHIN
        if fact.type is InteractionType.REPLY or not again:
            last[same] = fact.at
            kept.append(fact)
    return kept


def _inferred(people: list[Fact]) -> list[datetime]:
    """Return the times of the opens that acts tell of, one for each recipient who opened nothing.

    So opens are never fewer than the recipients who selected something.
    """
    opened = {fact.recipient for fact in people if fact.type is InteractionType.OPEN}
    first: dict[int, datetime] = {}
    for fact in people:
        if fact.type in IMPLYING and fact.recipient not in opened:
            first[fact.recipient] = min(fact.at, first.get(fact.recipient, fact.at))
    return list(first.values())
