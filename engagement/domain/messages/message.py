"""One email activity of the CRM: who wrote what to whom, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from engagement.domain.messages.attachment import Attachment
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.reminder import Reminder
from engagement.errors import ConflictError

#: The head and the recipients of a message are written in one transaction of Azure Tables, which
#: takes 100 entities. Email engagement is not for bulk mail, so this binds nobody.
MOST_RECIPIENTS = 99
MOST_LINKS = 1_000
MOST_ATTACHMENTS = 50
LONGEST_BODY = 5 * 1024**2

#: After so long, whoever was handing the message over is gone.
HAND_OVER_LIMIT = timedelta(minutes=10)

IN_DOUBT = "It is not known whether the message went out; it is not sent again."


class Status(StrEnum):
    """How far a message has come."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    #: nobody knows whether it went out, so it is not sent again
    UNKNOWN = "unknown"
    RECEIVED = "received"


class Role(StrEnum):
    """Which address line of the message a recipient stands on."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"


class Copies(StrEnum):
    """One copy for all recipients, whose opens are "someone's", or one each."""

    SINGLE = "single"
    PER_RECIPIENT = "per_recipient"


@dataclass(frozen=True, slots=True)
class Record:
    """A CRM row."""

    type: str
    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Which part of the market a message is for, so that templates can be compared within it."""

    #: str or None, BCP 47 language tag in lower case, such as "de" or "pt-br"
    language: str | None = None
    #: str or None, whatever the CRM calls the recipient's industry
    industry: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """The seller in whose name the message goes out."""

    user_id: str
    email: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address on a message; *number* counts from 1 and is what tokens carry."""

    number: int
    role: Role
    email: str
    name: str | None
    record: Record | None
    #: str or None, the mail server's words when it would not take this recipient
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class FollowedLink:
    """A link of the message, and where it leads; *number* counts from 1."""

    number: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A stored message without its content and interactions."""

    #: str, 24 hexadecimal digits
    id: str
    subject: str
    sender: Sender
    regarding: Record | None
    template_id: str | None
    segment: Segment = Segment()
    follow: bool
    copies: Copies
    status: Status
    #: datetime, aware UTC
    created_at: datetime
    #: datetime or None, when it is to be sent; None for as soon as it is told to
    send_at: datetime | None = None
    #: Reminder or None, what its seller wants to be reminded of
    reminder: Reminder | None = None
    #: datetime or None, when the first of several hand-overs began that failed for a while
    tried_since: datetime | None = None
    #: datetime or None, when the hand-over began
    sending_at: datetime | None = None
    #: datetime or None, when the message had been handed over
    sent_at: datetime | None = None
    #: str or None, "crm", "smtp" or "graph", once it was told to be sent
    delivery: str | None = None
    #: FollowState or None, decided at the moment of sending; a draft's is worked out when read
    follow_state: FollowState | None = None
    #: str or None, why the last hand-over failed
    failure: str | None = None
    #: bool, whether what sends it may have the message although nobody knows; set before the
    #: first copy is handed over and taken back when the outcome is known
    ambiguous: bool = False
    #: str or None, digest of the Idempotency-Key that it was sent with
    send_key: str | None = None
    #: str, name of the blob that holds the content
    content_blob: str
    #: str, digest of the request that made it, to recognise a repeated one
    fingerprint: str | None = None
    #: int, the highest attachment number given so far
    last_attachment: int = 0
    recipients: tuple[Recipient, ...] = ()
    links: tuple[FollowedLink, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: str, the head's ETag: an update with an older one is refused
    etag: str = ""

    @property
    def record_types(self) -> tuple[tuple[str, str | None], ...]:
        """Role and record type of each recipient, which decide whether it may be followed."""
        return tuple(
            (item.role, None if item.record is None else item.record.type)
            for item in self.recipients
        )

    def recipient(self, number: int) -> Recipient | None:
        """Recipient by number; None for 0, which stands for all of them."""
        return next((item for item in self.recipients if item.number == number), None)


class HandOver(Protocol):
    """How far a message has come, as its head and its row in a list both tell."""

    @property
    def status(self) -> Status:
        """The status as it was stored."""

    @property
    def sending_at(self) -> datetime | None:
        """When the hand-over began."""

    @property
    def ambiguous(self) -> bool:
        """Whether a mail server may have the message although nobody knows."""


def status_at(message: HandOver, now: datetime) -> Status:
    """Return the status as of *now*: a hand-over that nobody finished has failed, or may have."""
    if not abandoned(message, now):
        return message.status
    return Status.UNKNOWN if message.ambiguous else Status.FAILED


def went_out_at(message: Message, now: datetime) -> datetime | None:
    """Return when the message went out, None if it did not, or not yet.

    One of which nobody knows whether it did counts: what is done with it would show that it did.
    """
    status = status_at(message, now)
    if status is Status.SENT:
        return message.sent_at
    return message.sending_at if status is Status.UNKNOWN else None


def failure_at(message: Message, now: datetime) -> str | None:
    """Return why the message failed as of *now*, None if it did not."""
    if not abandoned(message, now):
        return message.failure
    return IN_DOUBT if message.ambiguous else "Sending it was cut short; it may be sent again."


def check_draft(message: Message, now: datetime) -> None:
    """Raise ConflictError unless the message is a draft, or one again because nobody took it."""
    status = status_at(message, now)
    if status not in (Status.DRAFT, Status.FAILED):
        raise ConflictError(f"The message is {status}; only a draft can be changed.")


def check_sendable(message: Message, now: datetime, *, same_request: bool) -> None:
    """Raise ConflictError unless sending the message cannot send it twice.

    What was cut short before a mail server had anything may be repeated when nobody can be at it
    any more, and handing copies back to the CRM by the same request at once.
    """
    if message.status in (Status.DRAFT, Status.FAILED, Status.SCHEDULED):
        return
    if status_at(message, now) is Status.UNKNOWN:
        raise ConflictError(IN_DOUBT)
    unfinished = same_request and message.status is Status.SENDING and message.delivery == "crm"
    if unfinished or abandoned(message, now):
        return
    raise ConflictError(f"The message is {message.status} already.")


def waits(message: Message, now: datetime) -> bool:
    """Whether the message is not to be sent before a time that has not come yet."""
    return message.send_at is not None and message.send_at > now


def abandoned(message: HandOver, now: datetime) -> bool:
    """Whether somebody began to hand the message over, and is gone."""
    return (
        message.status is Status.SENDING
        and message.sending_at is not None
        and now - message.sending_at > HAND_OVER_LIMIT
    )
