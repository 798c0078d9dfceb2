"""How a message of a list is written as columns, and read from them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from engagement.domain.follow import FollowState
from engagement.domain.kpi import Counts, Kpi
from engagement.domain.listed import Listed
from engagement.domain.message import Record, Sender, Status

TIMES = ("created_at", "send_at", "sending_at", "sent_at")
COLUMNS = (
    "subject",
    "sender",
    "recipients",
    "regarding",
    "template_id",
    "status",
    "follow_state",
    "ambiguous",
    *TIMES,
    "open_count",
    "click_count",
    "attachment_view_count",
    "reply_count",
    "first_opened_at",
    "last_opened_at",
    "others",
)


def columns_of(listed: Listed) -> dict[str, Any]:
    """Return the columns of a row, without its keys."""
    kpi = listed.kpi
    columns = {
        "subject": listed.subject,
        "sender": json.dumps(asdict(listed.sender)),
        "recipients": listed.recipients,
        "regarding": None if listed.regarding is None else json.dumps(asdict(listed.regarding)),
        "template_id": listed.template_id,
        "status": listed.status.value,
        "follow_state": listed.follow_state.value,
        "ambiguous": listed.ambiguous,
        **{name: getattr(listed, name) for name in TIMES},
        **asdict(kpi.people),
        "reply_count": kpi.reply_count,
        "first_opened_at": kpi.first_opened_at,
        "last_opened_at": kpi.last_opened_at,
        # Nobody sorts or filters by these in the store, so they share a column.
        "others": json.dumps(
            {
                "inferred_open_count": kpi.inferred_open_count,
                "unsure": asdict(kpi.unsure),
                "automated": asdict(kpi.automated),
            }
        ),
    }
    return {name: value for name, value in columns.items() if value is not None}


def listed_of(message_id: str, row: Any) -> Listed:
    """Read a row; what an older version did not write is as if nothing had happened."""
    regarding = row.get("regarding")
    return Listed(
        message_id=message_id,
        subject=row["subject"],
        sender=Sender(**json.loads(row["sender"])),
        recipients=row["recipients"],
        regarding=None if regarding is None else Record(**json.loads(regarding)),
        template_id=row.get("template_id"),
        status=Status(row["status"]),
        follow_state=FollowState(row["follow_state"]),
        ambiguous=bool(row.get("ambiguous")),
        kpi=_kpi(row),
        **{name: row.get(name) for name in TIMES},
    )


def _kpi(row: Any) -> Kpi:
    others = json.loads(row.get("others") or "{}")
    return Kpi(
        people=Counts(**{name: row.get(name) or 0 for name in Counts.__slots__}),
        unsure=Counts(**others.get("unsure", {})),
        automated=Counts(**others.get("automated", {})),
        reply_count=row.get("reply_count") or 0,
        first_opened_at=row.get("first_opened_at"),
        last_opened_at=row.get("last_opened_at"),
        inferred_open_count=others.get("inferred_open_count", 0),
    )
