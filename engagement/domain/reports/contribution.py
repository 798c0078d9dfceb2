"""What one message adds to the rollups of each day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Message, Segment, went_out_at
from engagement.domain.reports.cohort import Cohort
from engagement.domain.reports.rollup import (
    ORGANIZATION,
    Group,
    GroupKind,
    Hours,
    Rollup,
    Segments,
    total,
)
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import (
    Act,
    Fact,
    counted,
    counts_of,
    inferred_open_count,
    reply_count,
)
from engagement.domain.verdicts.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one message adds to one day."""

    message_id: str
    #: str, the sender's user id
    sender: str
    template_id: str | None
    segment: Segment
    rollup: Rollup


def contributions(
    message: Message, facts: Iterable[Fact], now: datetime
) -> dict[date, Contribution]:
    """Return what a message adds to each day (UTC) that it adds to; nothing before it is sent.

    Whether it was opened and answered belongs to the day on which it was sent, and what was done
    with it to the day on which it was done.
    """
    sent_at = went_out_at(message, now)
    if sent_at is None:
        return {}
    acts = counted(facts)
    by_day: defaultdict[date, list[Act]] = defaultdict(list)
    for act in acts:
        by_day[_day(act.at)].append(act)
    rollups = {on: _rollup(done) for on, done in by_day.items() if _tells(done)}
    sent_on = _day(sent_at)
    cohort = _cohort(message, acts)
    rollups[sent_on] = replace(
        rollups.get(sent_on, Rollup()), cohort=cohort, segments=_segments(message.segment, cohort)
    )
    return {
        on: Contribution(
            message_id=message.id,
            sender=message.sender.user_id,
            template_id=message.template_id,
            segment=message.segment,
            rollup=rollup,
        )
        for on, rollup in rollups.items()
    }


def roll_up(
    contributions: Iterable[Contribution], onto: Mapping[Group, Rollup] | None = None
) -> dict[Group, Rollup]:
    """Return the rollup of each group that contributions to one day belong to, added to *onto*."""
    parts: defaultdict[Group, list[Rollup]] = defaultdict(list)
    for group, rollup in (onto or {}).items():
        parts[group].append(rollup)
    for contribution in contributions:
        for group, rollup in _summands(contribution):
            parts[group].append(rollup)
    return {group: total(rollups) for group, rollups in parts.items()}


def _summands(contribution: Contribution) -> Iterator[tuple[Group, Rollup]]:
    """Yield the groups that a contribution belongs to, and what it adds to each.

    Segments are for comparing templates with each other and with the whole.
    """
    rollup = contribution.rollup
    yield ORGANIZATION, rollup
    yield (
        Group(GroupKind.SENDER, contribution.sender),
        replace(rollup, segments={}) if rollup.segments else rollup,
    )
    if contribution.template_id is not None:
        yield Group(GroupKind.TEMPLATE, contribution.template_id), rollup


def _cohort(message: Message, acts: list[Act]) -> Cohort:
    followed = message.follow_state is FollowState.FOLLOWED
    people = {act.type for act in acts if act.verdict is Verdict.PERSON}
    return Cohort(
        sent_count=1,
        followed_count=int(followed),
        opened_count=int(followed and InteractionType.OPEN in people),
        replied_count=int(followed and InteractionType.REPLY in people),
    )


def _segments(segment: Segment, cohort: Cohort) -> Segments:
    named = {"language": segment.language, "industry": segment.industry}
    return {(kind, value): cohort for kind, value in named.items() if value is not None}


def _rollup(acts: list[Act]) -> Rollup:
    return Rollup(
        people=counts_of(acts, Verdict.PERSON),
        unsure=counts_of(acts, Verdict.UNSURE),
        automated=counts_of(acts, Verdict.AUTOMATED),
        reply_count=reply_count(acts),
        inferred_open_count=inferred_open_count(acts),
        open_hours=_hours(acts, InteractionType.OPEN),
        click_hours=_hours(acts, InteractionType.CLICK),
        reply_hours=_hours(acts, InteractionType.REPLY),
    )


def _hours(acts: list[Act], kind: InteractionType) -> Hours:
    hours = [0] * 24
    for act in acts:
        if act.type is kind and act.verdict is Verdict.PERSON:
            hours[act.at.astimezone(UTC).hour] += 1
    return tuple(hours)


def _tells(acts: list[Act]) -> bool:
    """Whether anything of these acts is counted: replies that a machine wrote are not."""
    return any(
        act.type is not InteractionType.REPLY or act.verdict is Verdict.PERSON for act in acts
    )


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
