"""What became of a message that other systems are told of: each step once, by its own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from engagement.domain.messages.message import Message, Status
from engagement.domain.messages.reminder import Reminder
from engagement.domain.moment import moment, optional_moment
from engagement.domain.reports.listed import LONGEST_SUBJECT, Listed
from engagement.domain.verdicts.kpi import Kpi
from engagement.domain.webhooks.webhook_event import Event, EventType, event_of

#: What is told when a message has come so far on its way.
ON_ITS_WAY = {
    Status.SCHEDULED: EventType.MESSAGE_SCHEDULED,
    Status.SENT: EventType.MESSAGE_SENT,
    Status.FAILED: EventType.MESSAGE_FAILED,
    Status.UNKNOWN: EventType.MESSAGE_FAILED,
}


def milestones(
    organization: str, before: Listed | None, after: Listed | None, now: datetime
) -> Iterator[Event]:
    """Yield the events that lead from what was known of a message to what is known now.

    The same step has the same id however often it is found. Counts are of people, and of opens,
    clicks and attachment views the first is told: one that turns out to be a machine's is not
    taken back. Each reply is told.
    """
    if after is None:
        return
    yield from _on_its_way(organization, before, after, now)
    old, new = Kpi() if before is None else before.kpi, after.kpi
    known = _firsts(old)
    for kind, count in _firsts(new).items():
        if count and not known[kind]:
            at = new.first_opened_at if kind is EventType.MESSAGE_OPENED else None
            yield event_of(organization, kind, after.message_id, "", at or now, _data(after))
    for nth in range(old.reply_count + 1, new.reply_count + 1):
        kind = EventType.MESSAGE_REPLIED
        yield event_of(organization, kind, after.message_id, str(nth), now, _data(after))


def due_event(organization: str, message: Message, now: datetime) -> Event:
    """Return the event of a message whose time has come, and that the CRM is to send."""
    data = {
        "message_id": message.id,
        "subject": message.subject[:LONGEST_SUBJECT],
        "send_at": optional_moment(message.send_at),
    }
    nth = str(optional_moment(message.send_at))
    return event_of(organization, EventType.MESSAGE_DUE, message.id, nth, now, data)


def reminder_event(organization: str, message: Message, reminder: Reminder) -> Event:
    """Return the event of a reminder that was triggered."""
    at = reminder.decided_at or reminder.remind_by
    data = {
        "message_id": message.id,
        "subject": message.subject[:LONGEST_SUBJECT],
        "sender": asdict(message.sender),
        # Without the comment, which is the seller's own and may be long.
        "reminder": {
            "condition": reminder.condition.value,
            "remind_by": moment(reminder.remind_by),
        },
    }
    nth = moment(reminder.remind_by)
    return event_of(organization, EventType.REMINDER_TRIGGERED, message.id, nth, at, data)


def _on_its_way(
    organization: str, before: Listed | None, after: Listed, now: datetime
) -> Iterator[Event]:
    kind = ON_ITS_WAY.get(after.status)
    if kind is not None and (before is None or _step(before) != _step(after)):
        nth = " ".join(map(str, _step(after)))
        at = after.sent_at if after.status is Status.SENT else now
        yield event_of(organization, kind, after.message_id, nth, at or now, _data(after))


def _step(listed: Listed) -> tuple[Status, str | None]:
    """Return what tells one step on the way from another: that it waits, or a hand-over's end."""
    waits = listed.status is Status.SCHEDULED
    return listed.status, optional_moment(listed.send_at if waits else listed.sending_at)


def _firsts(kpi: Kpi) -> dict[EventType, int]:
    return {
        EventType.MESSAGE_OPENED: kpi.people.open_count,
        EventType.MESSAGE_CLICKED: kpi.people.click_count,
        EventType.MESSAGE_ATTACHMENT_VIEWED: kpi.people.attachment_view_count,
    }


def _data(listed: Listed) -> dict[str, Any]:
    return {
        "message_id": listed.message_id,
        "subject": listed.subject,
        "sender": asdict(listed.sender),
        "regarding": None if listed.regarding is None else asdict(listed.regarding),
        "status": listed.status.value,
        "send_at": optional_moment(listed.send_at),
        "sent_at": optional_moment(listed.sent_at),
        "kpis": {**asdict(listed.kpi.people), "reply_count": listed.kpi.reply_count},
    }
