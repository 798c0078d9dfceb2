"""The alert of a message's first open: who sees to it, how far it is, and whether it is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engagement.domain.alerts.alert import Alert, credible_opens
from engagement.domain.verdicts.interaction import Interaction


class Stage(StrEnum):
    """How far the alert of a first open is; each step is taken by one judgement only."""

    CLAIMED = "claimed"
    PLACED = "placed"
    #: nobody wanted it
    NOT_WANTED = "not_wanted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class FirstOpen:
    """That somebody sees to the alert of a message's first open; there is one at most."""

    message_id: str
    user_id: str
    alert_id: str
    #: str, id of the interaction that it tells of
    open_id: str
    recipient: int
    #: bool, whether only a click tells of the open
    inferred: bool
    stage: Stage
    etag: str = ""


def tells_truly(claim: FirstOpen, interactions: Sequence[Interaction]) -> bool:
    """Whether the open that an alert tells of is still a person's.

    One that was inferred may meanwhile have been seen.
    """
    if claim.stage is Stage.WITHDRAWN:
        return False
    opens = list(credible_opens(interactions))
    return any(
        x.id == claim.open_id or (claim.inferred and x.evidence.recipient == claim.recipient)
        for x in opens
    )


def claim_of(alert: Alert, opened: Interaction, stage: Stage) -> FirstOpen:
    """Return the note of *alert*, which tells of *opened*."""
    return FirstOpen(
        message_id=opened.message_id,
        user_id=alert.user_id,
        alert_id=alert.id,
        open_id=opened.id,
        recipient=opened.evidence.recipient,
        inferred=opened.inferred,
        stage=stage,
    )
