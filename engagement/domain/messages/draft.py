"""What the CRM says of a message before it is sent, read from JSON and checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, TypeGuard

from engagement.domain.mailbox_address import address_key, check_address
from engagement.domain.messages.content import Content
from engagement.domain.messages.message import (
    LONGEST_BODY,
    MOST_RECIPIENTS,
    Copies,
    Message,
    Recipient,
    Record,
    Role,
    Segment,
    Sender,
)
from engagement.domain.messages.reminder import (
    Reminder,
    ReminderStatus,
    check_ahead,
    check_reminder,
    read_reminder,
    reminder_json,
)
from engagement.domain.payload import Fields
from engagement.errors import (
    ConflictError,
    InvalidRequestError,
    TooLargeError,
    UnprocessableError,
)

FIELDS = frozenset(
    [
        "subject",
        "html_body",
        "text_body",
        "sender",
        "recipients",
        "regarding",
        "template_id",
        "segment",
        "follow",
        "send_at",
        "reminder",
        "copies",
    ]
)
#: What can be changed of a message that waits for its time.
WHILE_WAITING = frozenset(["send_at", "reminder"])
RECORD_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LONGEST_SUBJECT = 500
LONGEST_NAME = 200
LONGEST_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message as the CRM wants it."""

    subject: str
    sender: Sender
    recipients: tuple[Recipient, ...]
    regarding: Record | None
    template_id: str | None
    segment: Segment
    follow: bool
    copies: Copies
    content: Content
    #: datetime or None, aware UTC
    send_at: datetime | None
    reminder: Reminder | None


def read_draft(value: object) -> Draft:
    """Read a draft; raises InvalidRequestError naming the field that is wrong."""
    fields = Fields(value, FIELDS)
    return Draft(
        subject=fields.line("subject", LONGEST_SUBJECT, empty=True),
        sender=_sender(fields.value.get("sender"), "sender"),
        recipients=_recipients(fields),
        regarding=fields.optional_object("regarding", _record),
        template_id=fields.optional_line("template_id", LONGEST_ID),
        segment=fields.optional_object("segment", _segment) or Segment(),
        follow=fields.flag("follow", default=True),
        copies=Copies(fields.choice("copies", list(Copies), Copies.SINGLE)),
        content=_content(fields),
        send_at=fields.optional_moment("send_at"),
        reminder=fields.optional_object("reminder", read_reminder),
    )


def check_times(draft: Draft, given: Collection[str], now: datetime) -> None:
    """Raise UnprocessableError for times that do not fit, of those that are *given*."""
    if draft.send_at is not None and "send_at" in given:
        check_ahead(draft.send_at, now, "send_at")
    if _to_check(draft.reminder, given, now):
        check_reminder(
            draft.reminder, followed=draft.follow, send_at=draft.send_at, now=now, path="reminder"
        )


def draft_json(message: Message, content: Content) -> dict[str, Any]:
    """Return the fields of a stored message in the form that :func:`read_draft` reads."""
    return {
        "subject": message.subject,
        "html_body": content.html_body,
        "text_body": content.text_body,
        "sender": asdict(message.sender),
        "recipients": [recipient_json(item) for item in message.recipients],
        "regarding": None if message.regarding is None else asdict(message.regarding),
        "template_id": message.template_id,
        "segment": asdict(message.segment),
        "follow": message.follow,
        "send_at": message.send_at.isoformat() if message.send_at else None,
        "reminder": reminder_json(message.reminder) if message.reminder else None,
        "copies": message.copies.value,
    }


def recipient_json(recipient: Recipient) -> dict[str, Any]:
    """Return a recipient in the form of the contract."""
    record = recipient.record
    return {
        "role": recipient.role.value,
        "email": recipient.email,
        "name": recipient.name,
        "record": None if record is None else asdict(record),
    }


def changed_draft(message: Message, content: Content, changes: object, now: datetime) -> Draft:
    """Read a stored draft with some fields replaced; raises InvalidRequestError."""
    given: Mapping[str, Any] = Fields(changes, FIELDS).value
    draft = read_draft({**draft_json(message, content), **given})
    if "reminder" not in given:
        # With what became of it.
        draft = replace(draft, reminder=message.reminder)
    check_times(draft, given, now)
    return draft


def changed_while_waiting(message: Message, changes: object, now: datetime) -> Message:
    """Return a message that waits for its time with another time or reminder.

    Without a time it waits no longer. Raises ConflictError for anything else in *changes*,
    InvalidRequestError for a value that is wrong.
    """
    given = Fields(changes, FIELDS)
    if not WHILE_WAITING.issuperset(given.value):
        raise ConflictError(
            "The message waits for its time; only send_at and reminder can be changed."
        )
    if "send_at" in given:
        send_at = given.optional_moment("send_at")
        if send_at is not None:
            check_ahead(send_at, now, "send_at")
        message = replace(message, send_at=send_at or now, tried_since=None)
    if "reminder" in given:
        message = replace(message, reminder=given.optional_object("reminder", read_reminder))
    if _to_check(message.reminder, given.value, now):
        check_reminder(
            message.reminder,
            followed=message.follow,
            send_at=message.send_at,
            now=now,
            path="reminder",
        )
    return message


def _to_check(
    reminder: Reminder | None, given: Collection[str], now: datetime
) -> TypeGuard[Reminder]:
    """Whether a reminder is new, or has to fit what changes; one that is due is left as it is."""
    if reminder is None or reminder.status is not ReminderStatus.SET:
        return False
    return "reminder" in given or reminder.remind_by > now


def _content(fields: Fields) -> Content:
    content = Content(fields.optional_body("html_body"), fields.optional_body("text_body"))
    if content.html_body is None and content.text_body is None:
        raise InvalidRequestError("html_body or text_body is needed.", "html_body")
    for name, body in (("html_body", content.html_body), ("text_body", content.text_body)):
        if body is not None and len(body.encode()) > LONGEST_BODY:
            raise TooLargeError(f"A body may have at most {LONGEST_BODY} bytes.", name)
    return content


def _sender(value: object, path: str) -> Sender:
    fields = Fields(value, {"user_id", "email", "name"}, path)
    email = fields.line("email", 254)
    return Sender(
        user_id=fields.line("user_id", LONGEST_ID),
        email=check_address(email, fields.at("email")),
        name=fields.optional_line("name", LONGEST_NAME),
    )


def _recipients(fields: Fields) -> tuple[Recipient, ...]:
    items = fields.value.get("recipients", [])
    if isinstance(items, list) and len(items) > MOST_RECIPIENTS:
        raise UnprocessableError(
            f"A message may have at most {MOST_RECIPIENTS} recipients.", "recipients"
        )
    recipients = tuple(
        _recipient(value, path, number)
        for number, (value, path) in enumerate(fields.items("recipients", MOST_RECIPIENTS), 1)
    )
    seen: set[str] = set()
    for index, recipient in enumerate(recipients):
        key = address_key(recipient.email)
        if key in seen:
            raise UnprocessableError(
                "This address is on the message twice.", f"recipients[{index}].email"
            )
        seen.add(key)
    return recipients


def _recipient(value: object, path: str, number: int) -> Recipient:
    fields = Fields(value, {"role", "email", "name", "record"}, path)
    email = fields.line("email", 254)
    return Recipient(
        number=number,
        role=Role(fields.choice("role", list(Role), Role.TO)),
        email=check_address(email, fields.at("email")),
        name=fields.optional_line("name", LONGEST_NAME),
        record=fields.optional_object("record", _record),
    )


def _segment(value: object, path: str) -> Segment:
    fields = Fields(value, {"language", "industry"}, path)
    return Segment(
        language=read_language(fields), industry=fields.optional_line("industry", LONGEST_NAME)
    )


def read_language(fields: Fields) -> str | None:
    """Return field "language", a BCP 47 tag, in lower case; null and absence are None."""
    language = fields.optional_line("language", 35)
    if language is not None and not LANGUAGE.fullmatch(language):
        fields.wrong("language", "This is not a language tag, such as de or pt-BR (BCP 47).")
    return language.lower() if language else None


def _record(value: object, path: str) -> Record:
    fields = Fields(value, {"type", "id", "name"}, path)
    # Dataverse writes the names of its tables in lower case.
    kind = fields.line("type", 100).lower()
    if not RECORD_TYPE.fullmatch(kind):
        fields.wrong("type", "A record type has letters, digits and underscores only.")
    return Record(kind, fields.line("id", LONGEST_ID), fields.optional_line("name", LONGEST_NAME))
