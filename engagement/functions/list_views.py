"""Rows of lists, as the JSON of the contract and as the cells of a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from engagement.domain.messages.message import Status, status_at
from engagement.domain.moment import optional_moment
from engagement.domain.reports.interaction_status import interaction_status
from engagement.domain.reports.listed import Listed
from engagement.domain.reports.viewer import Viewer
from engagement.functions.views import kpi_json

#: The first are those of Microsoft's list of followed emails; ours come behind.
HEADINGS = (
    "Subject",
    "Sender",
    "Sender Email",
    "Recipients",
    "Regarding",
    "Template",
    "Sent",
    "Status",
    "Opens",
    "Last Opened Time",
    "Attachment Views",
    "Link Clicks",
    "Replies",
    "First Opened Time",
    "Inferred Opens",
    "Unsure Opens",
    "Unsure Attachment Views",
    "Unsure Link Clicks",
    "Automated Opens",
    "Automated Attachment Views",
    "Automated Link Clicks",
    "Message",
)

#: With these a spreadsheet takes a cell for a formula ("CSV Injection", OWASP); in their full-width
#: forms too. White space and what cannot be seen may stand in front of them.
FORMULA = frozenset("=+-@\t\r\n")


def row_json(row: Listed, now: datetime, viewer: Viewer) -> dict[str, Any]:
    """Return a row of all followed emails."""
    status = status_at(row, now)
    return {
        "id": row.message_id,
        "subject": row.subject,
        "sender": asdict(row.sender),
        "recipients": row.recipients,
        "regarding": None if row.regarding is None else asdict(row.regarding),
        "template_id": row.template_id,
        "status": status.value,
        "follow_state": row.follow_state.value,
        "sent_at": optional_moment(row.sent_at),
        "kpis": kpi_json(row.kpi),
        "interaction_status": interaction_status(status, row.follow_state, row.kpi, now, viewer),
    }


def tile_json(row: Listed, now: datetime, viewer: Viewer, base: str) -> dict[str, Any]:
    """Return an activity; *base* is the path of the organization's messages."""
    path = f"{base}/{row.message_id}"
    return {
        **row_json(row, now, viewer),
        "direction": "incoming" if row.status is Status.RECEIVED else "outgoing",
        "at": optional_moment(row.at),
        "send_at": optional_moment(row.send_at),
        "expand": {"message": path, "timeline": f"{path}/timeline"},
    }


def rows_csv(rows: Iterable[Listed], now: datetime, viewer: Viewer) -> bytes:
    """Return a spreadsheet of rows; the byte order mark tells Excel that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    writer.writerows([_cell(value, viewer) for value in _values(row, now, viewer)] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _values(row: Listed, now: datetime, viewer: Viewer) -> list[object]:
    kpi, regarding = row.kpi, row.regarding
    status = status_at(row, now)
    return [
        row.subject,
        row.sender.name or row.sender.user_id,
        row.sender.email,
        row.recipients,
        None if regarding is None else regarding.name or f"{regarding.type} {regarding.id}",
        row.template_id,
        row.sent_at,
        interaction_status(status, row.follow_state, kpi, now, viewer),
        kpi.people.open_count,
        kpi.last_opened_at,
        kpi.people.attachment_view_count,
        kpi.people.click_count,
        kpi.reply_count,
        kpi.first_opened_at,
        kpi.inferred_open_count,
        kpi.unsure.open_count,
        kpi.unsure.attachment_view_count,
        kpi.unsure.click_count,
        kpi.automated.open_count,
        kpi.automated.attachment_view_count,
        kpi.automated.click_count,
        row.message_id,
    ]


def _cell(value: object, viewer: Viewer) -> object:
    if isinstance(value, datetime):
        return f"{value.astimezone(viewer.zone):%Y-%m-%d %H:%M:%S}"
    if not isinstance(value, str):
        return value
    # NFKC makes a full-width sign a plain one; of what is left, what shows comes first.
    plain = unicodedata.normalize("NFKC", value)
    shown = next((char for char in plain if _shows(char)), "")
    return f"'{value}" if shown in FORMULA or value[:1] in FORMULA else value


def _shows(char: str) -> bool:
    return not char.isspace() and unicodedata.category(char) not in ("Cf", "Cc")
