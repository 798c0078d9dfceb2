"""When a person opens and answers messages, by what that person did with earlier ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from engagement.domain.mailbox_address import address_key
from engagement.domain.messages.message import Message
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import Fact
from engagement.domain.verdicts.verdict import Verdict

#: Fewer acts than this in that time are no habit.
ENOUGH = 8
RECENT = timedelta(days=90)

#: Acts of one person that are kept of one message; what follows another within so long is one act
#: with it, as who reads a message again at once has not come back to the inbox.
MOST_ACTS = 20
APART = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReplyOffset:
    """The offset in the Date header of a reply, and when that reply was written."""

    minutes: int
    #: datetime, aware UTC
    at: datetime


@dataclass(frozen=True, slots=True)
class Trace:
    """What one message, or all of them together, tells of one person."""

    #: times (UTC) of the person's own opens and replies, newest first
    acts: tuple[datetime, ...] = ()
    #: of the newest reply that has one
    reply_offset: ReplyOffset | None = None


@dataclass(frozen=True, slots=True)
class Habit:
    """How many acts fell into each hour of the day, by the person's own clock."""

    hours: Mapping[int, int]

    @property
    def act_count(self) -> int:
        """All acts."""
        return sum(self.hours.values())

    @property
    def favourite(self) -> int:
        """The hour with most acts, the earliest of several."""
        return min(self.hours, key=lambda hour: (-self.hours[hour], hour))


def traces_of(message: Message, facts: Iterable[Fact]) -> dict[str, Trace]:
    """Return what a message tells of everybody who is known to have opened or answered it.

    Keys are those of `address_key`. Who acted is known on a copy of one's own, of the only
    recipient, and of the author of a reply. Only what a person did counts: of somebody for whom
    only machines acted, nothing is told.
    """
    acts: defaultdict[str, list[datetime]] = defaultdict(list)
    offsets: dict[str, ReplyOffset] = {}
    for act in sorted(facts, key=lambda x: x.at):
        who = _actor(message, act)
        if who is None:
            continue
        times = acts[who]
        if act.verdict is not Verdict.PERSON:
            continue
        times.append(act.at)
        if act.utc_offset_minutes is not None:
            offsets[who] = ReplyOffset(act.utc_offset_minutes, act.at)
    return {who: Trace(_kept(times), offsets.get(who)) for who, times in acts.items()}


def combined(traces: Iterable[Trace]) -> Trace:
    """Return what several messages tell of one person."""
    together = list(traces)
    offsets = [trace.reply_offset for trace in together if trace.reply_offset is not None]
    return Trace(
        tuple(sorted((at for trace in together for at in trace.acts), reverse=True)),
        max(offsets, key=lambda offset: (offset.at, offset.minutes), default=None),
    )


def habit_of(trace: Trace, zone: tzinfo, now: datetime) -> Habit | None:
    """Return the hours in which a person acted of late, None if that is too little to tell."""
    recent = [at for at in trace.acts if now - RECENT <= at <= now]
    if len(recent) < ENOUGH:
        return None
    return Habit(Counter(at.astimezone(zone).hour for at in recent))


def _actor(message: Message, act: Fact) -> str | None:
    if act.type is InteractionType.REPLY:
        return address_key(act.replied_by) if act.replied_by else None
    if act.type is not InteractionType.OPEN:
        return None
    alone = len(message.recipients) == 1
    recipient = message.recipients[0] if alone else message.recipient(act.recipient)
    return None if recipient is None else address_key(recipient.email)


def _kept(times: list[datetime]) -> tuple[datetime, ...]:
    """Return the newest of *times*, which come in order, those close to one another as one."""
    kept: list[datetime] = []
    for at in times:
        if not kept or at - kept[-1] >= APART:
            kept.append(at)
    return tuple(reversed(kept[-MOST_ACTS:]))
