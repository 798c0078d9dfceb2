"""A card in the seller's assistant: somebody opened a message, or answered, or did not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engagement.domain.messages.message import Message, Status
from engagement.domain.messages.reminder import Condition, Reminder
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.verdict import Verdict
from engagement.domain.webhooks.webhook import DisabledReason, Endpoint

#: What callers name an alert by: what stands for its user, and its own id.
PUBLIC_ID = re.compile(r"(?P<user>[0-9a-f]{32})-(?P<id>[01]-[0-9]{13}-[0-9a-f]{16})")

#: What became known later than this is no news any more.
NEWS = timedelta(days=1)
#: How long alerts are listed.
SHOWN = timedelta(days=30)
#: How long they are kept: long after what they tell of is news, so that none is made again.
KEPT = timedelta(days=90)


class AlertType(StrEnum):
    """What the seller is told."""

    FIRST_OPEN = "first_open"
    REPLY = "reply"
    REMINDER = "reminder"
    NOT_SENT = "not_sent"
    WEBHOOK_DISABLED = "webhook_disabled"


class Priority(StrEnum):
    """How urgent an alert is; reminders are, as in Dynamics 365."""

    HIGH = "high"
    NORMAL = "normal"


URGENT = (AlertType.REMINDER, AlertType.NOT_SENT, AlertType.WEBHOOK_DISABLED)

#: What a reminder says has happened by its time, or has not.
REMINDED = {
    Condition.NO_REPLY_BY: "No reply to {subject} by {time}.",
    Condition.NOT_OPENED_BY: "Nobody is known to have opened {subject} by {time}.",
    Condition.AT: "You wanted to be reminded of {subject}.",
    Condition.OPENED_NO_REPLY_BY: "{subject} was opened, and not answered by {time}.",
    Condition.CLICKED_NO_REPLY_BY: (
        "Something in {subject} was selected, and it was not answered by {time}."
    ),
    Condition.ATTACHMENT_NOT_VIEWED_BY: "No attachment of {subject} was viewed by {time}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One card; what is known is said, and nothing else."""

    #: str, sorts urgent ones first, then newest first; the same for the same event
    id: str
    type: AlertType
    user_id: str
    #: str or None, the message that it is about, and its subject
    message_id: str | None
    subject: str | None
    #: datetime, aware UTC, when it happened
    at: datetime
    #: datetime, aware UTC; before it the card is not shown: quiet hours, or snoozed
    due_at: datetime
    #: str or None, name of the recipient; address of whoever answered; None for "someone"
    who: str | None = None
    #: str or None, mail program or browser
    client: str | None = None
    #: bool, whether the open is known only from a click
    inferred: bool = False
    dismissed: bool = False
    #: str or None, what a reminder says, or which webhook was switched off
    note: str | None = None
    #: str or None, the seller's own words on a reminder
    comment: str | None = None

    @property
    def priority(self) -> Priority:
        """How urgent it is."""
        return Priority.HIGH if self.type in URGENT else Priority.NORMAL

    @property
    def public_id(self) -> str:
        """What callers name it by."""
        return f"{user_key(self.user_id)}-{self.id}"

    @property
    def text(self) -> str:
        """Say in a sentence what is known."""
        if self.note is not None:
            return self.note
        who = self.who or "Someone"
        if self.type is AlertType.REPLY:
            return f"{who} replied to \u201c{self.subject}\u201d."
        if self.inferred:
            return f"{who} opened \u201c{self.subject}\u201d: something in it was selected."
        where = f" in {self.client}" if self.client else ""
        return f"{who} opened \u201c{self.subject}\u201d{where}."


def user_key(user_id: str) -> str:
    """Return what stands for a user in ids and keys, which may not hold what a user's id may."""
    return hashlib.sha256(user_id.encode()).hexdigest()[:32]


def alert_of(message: Message, act: Interaction, due_at: datetime) -> Alert:
    """Return the alert that tells of *act*, a credible open or a reply."""
    replied = act.evidence.type is InteractionType.REPLY
    kind = AlertType.REPLY if replied else AlertType.FIRST_OPEN
    recipient = message.recipient(act.evidence.recipient)
    known = (recipient.name or recipient.email) if recipient else None
    return Alert(
        id=alert_id(kind, act.evidence.at, f"{message.id}\0{act.id}"),
        type=kind,
        user_id=message.sender.user_id,
        message_id=message.id,
        subject=message.subject,
        at=act.evidence.at,
        due_at=due_at,
        who=known or act.replied_by,
        client=act.judgement.client,
        inferred=act.inferred,
    )


def reminding_alert(message: Message, reminder: Reminder, decided_at: datetime) -> Alert:
    """Return the alert of a reminder that was found to be due at *decided_at*."""
    subject = f"\u201c{message.subject}\u201d"
    time = f"{reminder.remind_by:%Y-%m-%d %H:%M} UTC"
    event = f"{message.id}\0{reminder.remind_by.isoformat()}"
    return Alert(
        id=alert_id(AlertType.REMINDER, decided_at, event),
        type=AlertType.REMINDER,
        user_id=message.sender.user_id,
        message_id=message.id,
        subject=message.subject,
        at=decided_at,
        due_at=decided_at,
        note=REMINDED[reminder.condition].format(subject=subject, time=time),
        comment=reminder.comment,
    )


def failure_alert(message: Message, at: datetime) -> Alert:
    """Return the alert of a message that was to be sent at its time, and failed."""
    event = f"{message.id}\0{message.status}\0{message.sending_at or message.send_at}"
    return Alert(
        id=alert_id(AlertType.NOT_SENT, message.sending_at or message.send_at or at, event),
        type=AlertType.NOT_SENT,
        user_id=message.sender.user_id,
        message_id=message.id,
        subject=message.subject,
        at=at,
        due_at=at,
        note=_failure(message),
    )


def _failure(message: Message) -> str:
    subject = f"\u201c{message.subject}\u201d"
    refused = [item for item in message.recipients if item.refusal]
    if message.status is Status.SENT and refused:
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        return f"{subject} did not reach {refused[0].email}{more}. {refused[0].refusal}"
    if message.status is Status.SCHEDULED:
        return f"{subject} was not sent at its time: the CRM has not fetched it."
    return f"{subject} was not sent at its time. {message.failure or 'It could not be sent.'}"


def webhook_alert(endpoint: Endpoint, at: datetime) -> Alert:
    """Return the alert of a webhook that was switched off, as its receiver failed for days."""
    since = endpoint.failing_since or at
    gone = endpoint.disabled_reason is DisabledReason.GONE
    why = "its receiver says that it is gone" if gone else "its receiver has failed for days"
    return Alert(
        id=alert_id(AlertType.WEBHOOK_DISABLED, since, endpoint.id),
        type=AlertType.WEBHOOK_DISABLED,
        user_id=endpoint.notify_user_id or "",
        message_id=None,
        subject=None,
        at=at,
        due_at=at,
        note=f"The webhook {endpoint.url} was switched off: {why}.",
    )


def alert_id(kind: AlertType, at: datetime, event: str) -> str:
    """Return the id of the alert of *event*, by which urgent and then new ones sort first."""
    nonce = hashlib.sha256(f"{kind}\0{event}".encode()).hexdigest()[:16]
    rank = 0 if kind in URGENT else 1
    return f"{rank}-{interaction_id(at, nonce)}"


def credible_opens(interactions: Sequence[Interaction]) -> Iterator[Interaction]:
    """Yield the opens by people, seen or inferred."""
    for act in interactions:
        if act.evidence.type is InteractionType.OPEN and act.judgement.verdict is Verdict.PERSON:
            yield act


def first_credible_open(interactions: Sequence[Interaction]) -> Interaction | None:
    """Return the earliest open by a person, seen or inferred; None if there is none."""
    return min(credible_opens(interactions), key=lambda x: (x.evidence.at, x.id), default=None)


def is_news(act: Interaction, now: datetime) -> bool:
    """Whether a seller may want to be told of it now."""
    return now - act.evidence.at < NEWS
