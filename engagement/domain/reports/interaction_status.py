"""The few words on a message's tile, as Dynamics 365 shows them ("Not yet opened")."""

from __future__ import annotations

from datetime import datetime, timedelta

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Status
from engagement.domain.reports.viewer import Viewer
from engagement.domain.verdicts.kpi import Kpi

#: Before a message is sent, its status says all; each has its words under its own name.
BEFORE_SENDING = (
    Status.DRAFT,
    Status.SCHEDULED,
    Status.SENDING,
    Status.FAILED,
    Status.UNKNOWN,
)


def interaction_status(
    status: Status, follow: FollowState, kpi: Kpi, now: datetime, viewer: Viewer
) -> str:
    """Say what became of the message in the viewer's words; days are those of the viewer's zone."""
    words = viewer.words
    if status in BEFORE_SENDING:
        return words[status.value]
    if kpi.reply_count:
        return words["replied"]
    if follow is not FollowState.FOLLOWED:
        return words["not_followed"]
    if kpi.last_opened_at is not None:
        return _last_opened(kpi.last_opened_at, now, viewer)
    # Somebody's mail program fetched the image, and would have done so unread as well.
    return words["cannot_be_known" if kpi.unsure.open_count else "not_yet_opened"]


def _last_opened(at: datetime, now: datetime, viewer: Viewer) -> str:
    day, today = at.astimezone(viewer.zone).date(), now.astimezone(viewer.zone).date()
    if day >= today:
        return viewer.words["opened_today"]
    if day == today - timedelta(days=1):
        return viewer.words["opened_yesterday"]
    return viewer.words["opened_on"].format(date=day.strftime(viewer.words["date"]))
