"""A card in the seller's assistant: somebody opened a message, or answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engagement.domain.evidence import InteractionType
from engagement.domain.interaction import Interaction
from engagement.domain.message import Message
from engagement.domain.verdict import Verdict

#: What callers name an alert by: what stands for its user, and its own id.
PUBLIC_ID = re.compile(r"(?P<user>[0-9a-f]{32})-(?P<id>[0-9]{13}-[0-9a-f]{16})")

#: What became known later than this is no news any more.
NEWS = timedelta(days=1)
#: How long alerts are listed.
SHOWN = timedelta(days=30)


class AlertType(StrEnum):
    """What the seller is told."""

    FIRST_OPEN = "first_open"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One card; what is known is said, and nothing else."""

    #: str, sorts newest first; the same for the same event
    id: str
    type: AlertType
    user_id: str
    message_id: str
    subject: str
    #: datetime, aware UTC, when it happened
    at: datetime
    #: datetime, aware UTC; before it the card is not shown: quiet hours, or snoozed
    due_at: datetime
    #: str or None, name of the recipient; address of whoever answered; None for "someone"
    who: str | None
    #: str or None, mail program or browser
    client: str | None = None
    #: bool, whether the open is known only from a click
    inferred: bool = False
    dismissed: bool = False

    @property
    def public_id(self) -> str:
        """What callers name it by."""
        return f"{user_key(self.user_id)}-{self.id}"

    @property
    def text(self) -> str:
        """Say in a sentence what is known."""
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
    time, _, _ = act.id.partition("-")
    nonce = hashlib.sha256(f"{kind}\0{message.id}\0{act.id}".encode()).hexdigest()[:16]
    recipient = message.recipient(act.evidence.recipient)
    known = (recipient.name or recipient.email) if recipient else None
    return Alert(
        id=f"{time}-{nonce}",
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
