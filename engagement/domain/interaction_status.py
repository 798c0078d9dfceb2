"""The few words on a message's tile, as Dynamics 365 shows them ("Not yet opened")."""

from __future__ import annotations

from datetime import datetime, timedelta

from engagement.domain.follow import FollowState
from engagement.domain.kpi import Kpi
from engagement.domain.message import Status

BEFORE_SENDING = {
    Status.DRAFT: "Draft",
    Status.SCHEDULED: "Scheduled to send",
    Status.SENDING: "Sending",
    Status.FAILED: "Could not be sent",
    Status.UNKNOWN: "Not known whether it was sent",
}


def interaction_status(status: Status, follow: FollowState, kpi: Kpi, now: datetime) -> str:
    """Say in words what became of the message; days are those of UTC."""
    if status in BEFORE_SENDING:
        return BEFORE_SENDING[status]
    if kpi.reply_count:
        return "Replied"
    if follow is not FollowState.FOLLOWED:
        return "Not followed"
    if kpi.last_opened_at is not None:
        return f"Last opened {_day(kpi.last_opened_at, now)}"
    # Somebody's mail program fetched the image, and would have done so unread as well.
    return "Cannot be known" if kpi.unsure.open_count else "Not yet opened"


def _day(at: datetime, now: datetime) -> str:
    if at.date() >= now.date():
        return "today"
    if at.date() == now.date() - timedelta(days=1):
        return "yesterday"
    return f"on {at.date().isoformat()}"
