"""How a message stands in the rows of its partition, and how it is read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import (
    Copies,
    FollowedLink,
    Message,
    Recipient,
    Record,
    Role,
    Segment,
    Sender,
    Status,
)
from engagement.domain.messages.reminder import Condition, Reminder, ReminderStatus
from engagement.storage import keys
from engagement.storage.attachment_rows import attachment_of, attachment_row


def rows_of(message: Message) -> dict[str, dict[str, Any]]:
    """Return the rows of everything but the links, by row key; the head is the first."""
    rows = [
        _head_row(message),
        *(_recipient_row(message.id, item) for item in message.recipients),
        *(attachment_row(message.id, item) for item in message.attachments),
    ]
    return {row["RowKey"]: row for row in rows}


def link_row(message_id: str, link: FollowedLink) -> dict[str, Any]:
    """Row of one link; what a click needs to know."""
    return {"PartitionKey": message_id, "RowKey": keys.link(link.number), "url": link.url}


def message_of(rows: Sequence[Any]) -> Message:
    """Read a message from its rows, in the order of their keys."""
    head = rows[0]
    return Message(
        id=head["PartitionKey"],
        subject=head["subject"],
        sender=Sender(**json.loads(head["sender"])),
        regarding=_record(head.get("regarding")),
        template_id=head.get("template_id"),
        segment=Segment(**json.loads(head.get("segment") or "{}")),
        follow=head["follow"],
        copies=Copies(head["copies"]),
        status=Status(head["status"]),
        created_at=head["created_at"],
        send_at=head.get("send_at"),
        reminder=_reminder(head),
        tried_since=head.get("tried_since"),
        sending_at=head.get("sending_at"),
        sent_at=head.get("sent_at"),
        delivery=head.get("delivery"),
        follow_state=FollowState(head["follow_state"]) if head.get("follow_state") else None,
        failure=head.get("failure"),
        ambiguous=head["ambiguous"],
        send_key=head.get("send_key"),
        content_blob=head["content_blob"],
        fingerprint=head.get("fingerprint"),
        last_attachment=head["last_attachment"],
        recipients=tuple(_recipient(row) for row in _starting(rows, keys.RECIPIENT)),
        attachments=tuple(attachment_of(row) for row in _starting(rows, keys.ATTACHMENT)),
        links=tuple(_link(row) for row in _starting(rows, keys.LINK)),
        etag=head.metadata["etag"],
    )


def _head_row(message: Message) -> dict[str, Any]:
    return {
        "PartitionKey": message.id,
        "RowKey": keys.HEAD,
        "subject": message.subject,
        "sender": json.dumps(asdict(message.sender)),
        "regarding": _json(message.regarding),
        "template_id": message.template_id,
        "segment": json.dumps(asdict(message.segment)),
        "follow": message.follow,
        "copies": message.copies.value,
        "status": message.status.value,
        "created_at": message.created_at,
        "send_at": message.send_at,
        **_reminder_columns(message.reminder),
        "tried_since": message.tried_since,
        "sending_at": message.sending_at,
        "sent_at": message.sent_at,
        "delivery": message.delivery,
        "follow_state": message.follow_state.value if message.follow_state else None,
        "failure": message.failure,
        "ambiguous": message.ambiguous,
        "send_key": message.send_key,
        "content_blob": message.content_blob,
        "fingerprint": message.fingerprint,
        "last_attachment": message.last_attachment,
    }


def _reminder_columns(reminder: Reminder | None) -> dict[str, Any]:
    if reminder is None:
        return {}
    return {
        "reminder_condition": reminder.condition.value,
        "remind_by": reminder.remind_by,
        "reminder_comment": reminder.comment,
        "reminder_status": reminder.status.value,
        "reminder_decided_at": reminder.decided_at,
    }


def _reminder(head: Any) -> Reminder | None:
    if "reminder_condition" not in head:
        return None
    return Reminder(
        condition=Condition(head["reminder_condition"]),
        remind_by=head["remind_by"],
        comment=head.get("reminder_comment"),
        status=ReminderStatus(head["reminder_status"]),
        decided_at=head.get("reminder_decided_at"),
    )


def _recipient_row(message_id: str, recipient: Recipient) -> dict[str, Any]:
    return {
        "PartitionKey": message_id,
        "RowKey": keys.recipient(recipient.number),
        "role": recipient.role.value,
        "email": recipient.email,
        "name": recipient.name,
        "record": _json(recipient.record),
        "refusal": recipient.refusal,
    }


def _link(row: Any) -> FollowedLink:
    return FollowedLink(keys.number(row["RowKey"], keys.LINK), row["url"])


def _recipient(row: Any) -> Recipient:
    return Recipient(
        number=keys.number(row["RowKey"], keys.RECIPIENT),
        role=Role(row["role"]),
        email=row["email"],
        name=row.get("name"),
        record=_record(row.get("record")),
        refusal=row.get("refusal"),
    )


def _starting(rows: Iterable[Any], prefix: str) -> list[Any]:
    return [row for row in rows if row["RowKey"].startswith(prefix)]


def _json(record: Record | None) -> str | None:
    return None if record is None else json.dumps(asdict(record))


def _record(value: str | None) -> Record | None:
    return None if value is None else Record(**json.loads(value))
