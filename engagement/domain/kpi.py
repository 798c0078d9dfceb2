"""Counts of one message: people first, what cannot be known and machines beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engagement.domain.evidence import InteractionType
from engagement.domain.verdict import Verdict

#: The same act by the same actor within so long counts once, as with Nylas; all are stored.
ONCE_WITHIN = timedelta(seconds=60)

#: Acts that nobody does who has not opened the message.
IMPLYING = (InteractionType.CLICK, InteractionType.ATTACHMENT_VIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What counting needs of an interaction."""

    type: InteractionType
    verdict: Verdict
    #: datetime, aware UTC
    at: datetime
    recipient: int = 0
    target: int = 0
    actor: str = ""
    #: bool, whether it is an open that only a click tells of; counted from the click
    inferred: bool = False


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
    #: int, how many of the people's opens only a click or an attachment view tells of
    inferred_open_count: int = 0


def count(facts: Iterable[Fact]) -> Kpi:
    """Count interactions, in whatever order they come."""
    counted = _once([fact for fact in facts if not fact.inferred])
    tally = Counter((fact.type, fact.verdict) for fact in counted)
    people = [fact for fact in counted if fact.verdict is Verdict.PERSON]
    opened = [fact.at for fact in people if fact.type is InteractionType.OPEN]
    inferred = _inferred(people)
    tally[InteractionType.OPEN, Verdict.PERSON] += len(inferred)
    return Kpi(
        people=_counts(tally, Verdict.PERSON),
        unsure=_counts(tally, Verdict.UNSURE),
        automated=_counts(tally, Verdict.AUTOMATED),
        reply_count=tally[InteractionType.REPLY, Verdict.PERSON],
        first_opened_at=min([*opened, *inferred], default=None),
        last_opened_at=max([*opened, *inferred], default=None),
        inferred_open_count=len(inferred),
    )


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


def _counts(tally: Counter[tuple[InteractionType, Verdict]], verdict: Verdict) -> Counts:
    return Counts(
        open_count=tally[InteractionType.OPEN, verdict],
        click_count=tally[InteractionType.CLICK, verdict],
        attachment_view_count=tally[InteractionType.ATTACHMENT_VIEW, verdict],
    )
