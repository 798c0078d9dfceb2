"""One act on a followed message, as it is stored: what is known of it, and what follows from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MILLISECOND = 9_999_999_999_999

#: Reason of an open that nobody saw: whoever selects a link has the message open.
INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One act; *id* is made once, so that a repeated write is recognised."""

    id: str
    message_id: str
    evidence: Evidence
    judgement: Judgement
    #: str or None, address of whoever answered
    replied_by: str | None = None
    #: int or None, minutes by which the clock of whoever answered is ahead of UTC
    utc_offset_minutes: int | None = None
    #: str, version of the stored row, "" for one that is not stored yet
    etag: str = field(default="", compare=False)

    @property
    def inferred(self) -> bool:
        """Whether this is an open that only a click tells of."""
        return INFERRED in self.judgement.reasons


def interaction_id(at: datetime, nonce: str) -> str:
    """Make an id that sorts newest first; *nonce* keeps two acts of one millisecond apart."""
    return f"{inverted(at):013d}-{nonce}"


def inverted(at: datetime) -> int:
    """Return the milliseconds from *at* to the year 2286: the later, the smaller."""
    return LAST_MILLISECOND - (at - EPOCH) // timedelta(milliseconds=1)


def inferred_open(act: Interaction) -> Interaction:
    """Return the open that *act*, a person's click or attachment view, tells of; always the same.

    HubSpot and Keila infer opens likewise.
    """
    time, _, _ = act.id.partition("-")
    nonce = hashlib.sha256(f"{INFERRED}\0{act.id}".encode()).hexdigest()[:12]
    known = act.evidence
    return Interaction(
        id=f"{time}-{nonce}",
        message_id=act.message_id,
        evidence=Evidence(
            type=InteractionType.OPEN, at=known.at, recipient=known.recipient, actor=known.actor
        ),
        judgement=replace(
            act.judgement, verdict=Verdict.PERSON, via=Via.UNKNOWN, reasons=(INFERRED,)
        ),
    )
