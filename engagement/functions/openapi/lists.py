"""Lists of messages, and KPIs of periods, described."""

from __future__ import annotations

from engagement.domain.messages.draft import LONGEST_ID, RECORD_TYPE
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Status
from engagement.domain.reports.rollup import GroupKind
from engagement.domain.reports.selection import LONGEST_SEARCH, NEWEST, ORDERS, VALUES, State
from engagement.functions.openapi.messages import COUNTS, ID, TALLY
from engagement.functions.openapi.operation import (
    CONTINUATION,
    PAGE,
    VIEWER,
    Operation,
    Subject,
    file_of,
    flag,
    found,
    query,
)
from engagement.functions.openapi.schema import (
    COUNT,
    DAY,
    MOMENT,
    RATE,
    TEXT,
    Schema,
    answered,
    items,
    matching,
    nullable,
    one_of,
    page_of,
    read,
    ref,
    text,
)

TAG = "Lists"

SENDER = query("sender", text(LONGEST_ID), "Only messages of this user (sender.user_id).")
TEMPLATE = query("template", text(LONGEST_ID), "Only messages that use this template.")
SELECTION = (
    flag("followed", "false, with record: every message, followed or not.", default=True),
    SENDER,
    query(
        "record",
        matching(f"{RECORD_TYPE.pattern}:.+"),
        "Only messages of this record, by type and id, such as contact:c-1.",
    ),
    TEMPLATE,
    query("from", MOMENT, "The first moment of the period in which they were sent."),
    query("to", MOMENT, "The moment behind that period."),
    query("state", one_of(State), "What became of them, by what people did."),
    query("subject", text(LONGEST_SEARCH), "What the subject holds, in whatever case."),
    query("sort", one_of(VALUES, default=NEWEST), "What they are sorted by."),
    query("order", one_of(ORDERS, default="desc"), "In which direction."),
)
ROW: dict[str, Schema] = {
    "id": ID,
    "subject": TEXT,
    "sender": ref("Sender"),
    "recipients": {**TEXT, "description": 'Such as "Ann, Ben, Cy, +2".'},
    "regarding": nullable(ref("Record")),
    "template_id": nullable(TEXT),
    "status": one_of(Status),
    "follow_state": one_of(FollowState),
    "sent_at": nullable(MOMENT),
    "kpis": ref("Kpis"),
    "interaction_status": {**TEXT, "description": "A few words for the tile."},
}
ROLLUP: dict[str, Schema] = {
    "sent_count": COUNT,
    "followed_count": COUNT,
    "opened_count": COUNT,
    "replied_count": COUNT,
    "open_rate": nullable(RATE),
    "reply_rate": nullable(RATE),
    "kpis": ref("PeriodKpis"),
}


def _distribution(places: int) -> Schema:
    counts = items(COUNT, minItems=places, maxItems=places)
    return answered({"open": counts, "click": counts, "reply": counts})


SUBJECT = Subject(
    TAG,
    "Many messages: all followed emails, activities of records, KPIs of a period.",
    {
        "get_messages": Operation(
            tag=TAG,
            summary="List all followed emails",
            description="With filters and orders; newest first unless another order is asked for.",
            parameters=(*SELECTION, *VIEWER, *PAGE),
            answers=found("ListedMessagePage", "A page of the list."),
            problems=(422,),
        ),
        "export_messages": Operation(
            tag=TAG,
            summary="Export all followed emails as a spreadsheet",
            parameters=(*SELECTION, *VIEWER),
            answers={200: file_of("text/csv", "A CSV file in UTF-8.", "Content-Disposition")},
            problems=(422,),
        ),
        "get_activities": Operation(
            tag=TAG,
            summary="List the messages of a record",
            description="Newest first, whether followed or not, from the first draft.",
            parameters=(
                query("related", TEXT, "Other records, such as account:a-1,lead:l-2."),
                *VIEWER,
                *PAGE,
            ),
            answers=found("ActivityPage", "A page of the list."),
        ),
        "get_kpis": Operation(
            tag=TAG,
            summary="Read the KPIs of a period",
            parameters=(
                query("from", DAY, "The first day, UTC; 30 days with the last unless given."),
                query("to", DAY, "The last day; today unless given."),
                query("group_by", one_of(GroupKind), "Which groups to show beside the whole."),
                SENDER,
                TEMPLATE,
            ),
            answers=found("PeriodSummary", "What became of the period."),
            problems=(422,),
        ),
        "recompute_kpis": Operation(
            tag=TAG,
            summary="Recompute the KPIs of a day",
            parameters=(CONTINUATION,),
            request=ref("DayToRecompute"),
            answers=found("RecomputedDay", "What it came to."),
            problems=(409,),
        ),
    },
    {
        "ListedMessage": answered(ROW),
        "ListedMessagePage": page_of("ListedMessage"),
        "Activity": answered(
            {
                **ROW,
                "direction": one_of(["incoming", "outgoing"]),
                "at": MOMENT,
                "send_at": nullable(MOMENT),
                "expand": answered({"message": TEXT, "timeline": TEXT}),
            }
        ),
        "ActivityPage": page_of("Activity"),
        "PeriodKpis": answered(
            {**COUNTS, "reply_count": COUNT, "inferred_open_count": COUNT, **TALLY}
        ),
        "Totals": answered(ROLLUP),
        "DayTotals": answered({"on": DAY, **ROLLUP}),
        "GroupTotals": answered(
            {"sender": TEXT, "template_id": TEXT, **ROLLUP}, maybe=["sender", "template_id"]
        ),
        "PeriodSummary": answered(
            {
                "from": DAY,
                "to": DAY,
                "totals": ref("Totals"),
                "by_hour": _distribution(24),
                "by_weekday": _distribution(7),
                "series": items(ref("DayTotals")),
                "groups": items(ref("GroupTotals")),
            },
            maybe=["groups"],
        ),
        "DayToRecompute": read({"on": DAY}, needed=["on"], examples=[{"on": "2026-11-03"}]),
        "RecomputedDay": answered(
            {
                "on": DAY,
                "message_count": COUNT,
                "totals": ref("Totals"),
                "continuation": nullable(TEXT),
            }
        ),
    },
)
