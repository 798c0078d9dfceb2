"""What webhooks tell of: an event, named alike however often it is told."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from engagement.domain.moment import moment, read_moment

EVENT_ID = re.compile(r"evt_[0-9a-f]{24}")

#: Bytes; "usually smaller than 20kb", says Standard Webhooks of a payload.
LARGEST_BODY = 20_000


class EventType(StrEnum):
    """What happened; docs/webhooks.md tells each one's data."""

    MESSAGE_SCHEDULED = "message.scheduled"
    MESSAGE_DUE = "message.due"
    MESSAGE_SENT = "message.sent"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_OPENED = "message.opened"
    MESSAGE_CLICKED = "message.clicked"
    MESSAGE_ATTACHMENT_VIEWED = "message.attachment_viewed"
    MESSAGE_REPLIED = "message.replied"
    REMINDER_TRIGGERED = "reminder.triggered"
    #: sent only to the endpoint that asked for it
    WEBHOOK_TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; *data* is JSON."""

    #: str, the ``webhook-id`` of every delivery of it
    id: str
    type: EventType
    #: datetime, aware UTC, when it happened
    at: datetime
    data: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        """The payload of Standard Webhooks, the same bytes at every try."""
        value = {"type": self.type.value, "timestamp": moment(self.at), "data": self.data}
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def event_of(
    organization: str,
    kind: EventType,
    subject: str,
    discriminator: str,
    at: datetime,
    data: Mapping[str, Any],
) -> Event:
    """Return the event of *kind* about *subject*, a message's id.

    *discriminator* keeps events of a kind about one message apart, such as an interaction's id.
    The same four have the same id, so that consumers know what they have been told. Raises
    ValueError for data of more than about 20 kB.
    """
    seed = f"{organization}\0{kind}\0{subject}\0{discriminator}"
    event_id = f"evt_{hashlib.sha256(seed.encode()).hexdigest()[:24]}"
    event = Event(event_id, kind, at, data)
    if len(event.body) > LARGEST_BODY:
        raise ValueError(f"The payload of an event has at most {LARGEST_BODY} bytes.")
    return event


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as it is queued and stored."""
    at = event.at.isoformat()
    return {"id": event.id, "type": event.type.value, "at": at, "data": dict(event.data)}


def read_event(value: object) -> Event:
    """Read what :func:`event_json` made; raises ValueError for anything else."""
    if not isinstance(value, dict):
        raise ValueError("This is no event.")  # noqa: TRY004 - one kind
    try:
        event_id, data = value["id"], value["data"]
        if not EVENT_ID.fullmatch(event_id) or not isinstance(data, dict):
            raise ValueError("This is no event.")
        return Event(event_id, EventType(value["type"]), read_moment(value["at"]), data)
    except (KeyError, TypeError) as error:
        raise ValueError("This is no event.") from error
