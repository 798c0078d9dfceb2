"""One act on a followed message: an open, a click, an attachment view or a reply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from engagement.domain.verdict import Verdict, Via

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MILLISECOND = 9_999_999_999_999

#: Longest user agent kept, in characters; real ones stay below 300.
LONGEST_USER_AGENT = 512


class InteractionType(StrEnum):
    """What was done."""

    OPEN = "open"
    CLICK = "click"
    ATTACHMENT_VIEW = "attachment_view"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One act as it is stored; *id* is made once, so that a repeated write is recognised."""

    id: str
    message_id: str
    type: InteractionType
    #: datetime, aware UTC
    at: datetime
    #: int, number of the recipient, 0 when the copy was shared ("someone")
    recipient: int
    #: int, number of the link or attachment, 0 for opens and replies
    target: int
    verdict: Verdict
    via: Via
    reasons: tuple[str, ...]
    #: int, version of the rule set that judged
    rules: int
    #: str or None, as sent, made printable and cut; hostile input
    user_agent: str | None = None
    #: str or None, address of whoever answered
    replied_by: str | None = None


def interaction_id(at: datetime, nonce: str) -> str:
    """Make an id that sorts newest first; *nonce* keeps two acts of one millisecond apart."""
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    return f"{LAST_MILLISECOND - milliseconds:013d}-{nonce}"


def printable_user_agent(value: str | None) -> str | None:
    """Return what is kept of a User-Agent header: printable, cut; None if nothing is left."""
    if not value:
        return None
    kept = "".join(char if char.isprintable() else " " for char in value[:LONGEST_USER_AGENT])
    return kept.strip() or None
