"""That a message is to be looked at when a time has come: to send it, or for its reminder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from engagement.domain.messages.message import Message, Status
from engagement.domain.messages.reminder import ReminderStatus

#: Seconds after which a message that could not be handed over is tried again, doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 1_800.0
#: How long a message is tried to be handed over after its time.
PATIENCE = timedelta(days=1)
#: Due times are noted before the message says so; after so long it is not going to say so.
GRACE = timedelta(hours=1)
#: A hit is judged again for about a minute, so a reminder is decided so long after its time.
SETTLED = timedelta(seconds=90)
#: How often a message that the CRM is to send is looked after until it has.
CRM_PAUSE = timedelta(minutes=30)


class Task(StrEnum):
    """What a message is looked at for."""

    SEND = "send"
    REMIND = "remind"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTime:
    """Only a note: what is really due, the message says."""

    #: datetime, aware UTC
    at: datetime
    #: str, key of the organization
    organization: str
    message_id: str
    task: Task
    #: datetime, aware UTC, when this was noted
    noted_at: datetime
    #: int, how often the message could not be handed over
    tries: int = 0
    #: str, version of the stored note, "" for one that is not stored yet
    etag: str = field(default="", compare=False)


def to_send(organization: str, message: Message, now: datetime) -> DueTime | None:
    """Return the note that a message is to be sent at its time, None if it waits for none."""
    if message.status is not Status.SCHEDULED or message.send_at is None:
        return None
    return DueTime(
        at=message.send_at,
        organization=organization,
        message_id=message.id,
        task=Task.SEND,
        noted_at=now,
    )


def to_remind(organization: str, message: Message, now: datetime) -> DueTime | None:
    """Return the note that a message's reminder is to be decided, None if it has none to decide."""
    reminder = message.reminder
    if reminder is None or reminder.status is not ReminderStatus.SET:
        return None
    return DueTime(
        at=reminder.remind_by + SETTLED,
        organization=organization,
        message_id=message.id,
        task=Task.REMIND,
        noted_at=now,
    )


def may_be_stale(due: DueTime, now: datetime) -> bool:
    """Whether a note that its message does not bear out may be thrown away."""
    return now - due.noted_at > GRACE


def pause(tries: int, retry_after: float) -> timedelta:
    """Return how long to wait after *tries* failures, at least *retry_after* seconds."""
    doubled = FIRST_PAUSE * 2 ** min(tries, 10)
    return timedelta(seconds=max(retry_after, min(doubled, LONGEST_PAUSE)))
