"""A message as it stands in lists: what people see of it at a glance, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engagement.domain.messages.follow import FollowState, follow_state
from engagement.domain.messages.message import Message, Recipient, Record, Sender, Status
from engagement.domain.verdicts.interaction import interaction_id
from engagement.domain.verdicts.kpi import Kpi

LONGEST_SUBJECT = 200
SHOWN_RECIPIENTS = 3
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One row of a list."""

    #: str, 24 hexadecimal digits
    message_id: str
    #: str, its beginning if it is long
    subject: str
    sender: Sender
    #: str, the first names or addresses, and how many more there are ("Ann, Ben, Cy, +2")
    recipients: str
    regarding: Record | None
    template_id: str | None
    status: Status
    #: FollowState, of a draft that which it would have if the feature is on
    follow_state: FollowState
    ambiguous: bool
    #: datetime, aware UTC, like the others
    created_at: datetime
    send_at: datetime | None = None
    sending_at: datetime | None = None
    sent_at: datetime | None = None
    kpi: Kpi

    @property
    def went_out(self) -> bool:
        """Whether the message was handed over, or may have been."""
        return self.status is Status.SENT or self.ambiguous

    @property
    def followed(self) -> bool:
        """Whether it is one of all followed emails."""
        return self.went_out and self.follow_state is FollowState.FOLLOWED

    @property
    def at(self) -> datetime:
        """The time by which it is sorted: of the hand-over, before it that of its making."""
        if not self.went_out:
            return self.created_at
        return self.sent_at or self.sending_at or self.created_at

    @property
    def key(self) -> str:
        """What sorts it newest first, and tells it from others of the same moment."""
        return interaction_id(self.at, self.message_id)


def listed_of(message: Message, kpi: Kpi) -> Listed:
    """Return the row of a message with its counts."""
    would_be = follow_state(wanted=message.follow, enabled=True, recipients=message.record_types)
    return Listed(
        message_id=message.id,
        subject=message.subject[:LONGEST_SUBJECT],
        sender=message.sender,
        recipients=_recipients(message.recipients),
        regarding=message.regarding,
        template_id=message.template_id,
        status=message.status,
        follow_state=message.follow_state or would_be,
        ambiguous=message.ambiguous,
        created_at=message.created_at,
        send_at=message.send_at,
        sending_at=message.sending_at,
        sent_at=message.sent_at,
        kpi=kpi,
    )


def records_of(message: Message) -> set[tuple[str, str]]:
    """Return type and id of every record whose activity the message is."""
    records = [message.regarding, *(recipient.record for recipient in message.recipients)]
    return {(record.type, record.id) for record in records if record is not None}


def _recipients(recipients: tuple[Recipient, ...]) -> str:
    shown = [(item.name or item.email)[:LONGEST_NAME] for item in recipients[:SHOWN_RECIPIENTS]]
    more = len(recipients) - len(shown)
    return ", ".join([*shown, f"+{more}"] if more else shown)
