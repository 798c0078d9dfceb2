"""What a seller is told and advised, described: alerts and delivery times."""

from __future__ import annotations

from engagement.domain.alerts.alert import AlertType, Priority
from engagement.domain.delivery.delivery_time import Choice
from engagement.domain.delivery.phone_number import LONGEST_NUMBER
from engagement.domain.delivery.zone_evidence import ZoneEvidence
from engagement.domain.mailbox_address import ADDRESS_LIMIT
from engagement.domain.messages.message import MOST_RECIPIENTS
from engagement.domain.time_zone import LONGEST_NAME as LONGEST_ZONE
from engagement.functions.api_alerts import LONGEST_USER_ID
from engagement.functions.openapi.operation import (
    IF_MATCH,
    PAGE,
    Answer,
    Operation,
    Subject,
    found,
    query,
)
from engagement.functions.openapi.schema import (
    BOOLEAN,
    COUNT,
    MOMENT,
    TEXT,
    Schema,
    answered,
    items,
    matching,
    nullable,
    number,
    one_of,
    page_of,
    read,
    ref,
    text,
)

TAG = "Sellers"

USER = query("user_id", text(LONGEST_USER_ID), "The seller, by sender.user_id.", required=True)
ZONE = text(LONGEST_ZONE, description="A name of the IANA database, such as Europe/Berlin.")
PLACE: dict[str, Schema] = {
    "country": nullable(matching("[A-Za-z]{2}", description="ISO 3166-1 alpha-2.")),
    "region": nullable(text(6, description="ISO 3166-2, such as US-CA.")),
}
LOCAL = {**MOMENT, "description": "send_at by this one's clock, with its offset."}
EVIDENCE = one_of(ZoneEvidence)
TAGGED = {200: Answer("As they are now.", ref("AlertSettings"), headers=("ETag",))}

SUBJECT = Subject(
    TAG,
    "What a seller is told, and when a message should arrive.",
    {
        "get_alerts": Operation(
            tag=TAG,
            summary="List the alerts of a seller",
            description="Those to show now: urgent ones first, then newest first.",
            parameters=(USER, *PAGE),
            answers=found("AlertPage", "A page of the list."),
        ),
        "snooze_alert": Operation(
            tag=TAG,
            summary="Show an alert again later",
            request=ref("Snooze"),
            answers=found("Alert", "It is hidden until then."),
            problems=(409,),
        ),
        "dismiss_alert": Operation(
            tag=TAG,
            summary="Show an alert no more",
            answers=found("Alert", "It is hidden for good."),
            problems=(409,),
        ),
        "get_alert_settings": Operation(
            tag=TAG,
            summary="Read what a seller wants to be told",
            parameters=(USER,),
            answers=TAGGED,
        ),
        "patch_alert_settings": Operation(
            tag=TAG,
            summary="Change what a seller wants to be told",
            parameters=(USER, IF_MATCH),
            request=ref("AlertSettingsPatch"),
            answers=TAGGED,
            problems=(409, 412),
        ),
        "post_delivery_time": Operation(
            tag=TAG,
            summary="Recommend when a message should arrive",
            request=ref("DeliveryTimeQuestion"),
            answers=found("DeliveryTime", "The time, and why."),
        ),
    },
    {
        "Alert": answered(
            {
                "id": TEXT,
                "type": one_of(AlertType),
                "at": MOMENT,
                "due_at": {**MOMENT, "description": "From then on it is shown."},
                "user_id": TEXT,
                "priority": one_of(Priority),
                "message": nullable(ref("AlertMessage")),
                "who": nullable(TEXT),
                "client": nullable(TEXT),
                "inferred": BOOLEAN,
                "dismissed": BOOLEAN,
                "text": {**TEXT, "description": "What is known, in a sentence."},
                "comment": nullable(TEXT),
            }
        ),
        "AlertMessage": answered({"id": TEXT, "subject": TEXT}),
        "AlertPage": page_of("Alert"),
        "Snooze": read(
            {"until": MOMENT}, needed=["until"], examples=[{"until": "2026-11-23T08:00:00Z"}]
        ),
        "DeliveryTimeQuestion": read(
            {
                "time_zone": {**ZONE, "description": "The seller's time zone, an IANA name."},
                **PLACE,
                "not_before": nullable(
                    {**MOMENT, "description": "The earliest time that is wished; now unless given."}
                ),
                "recipients": items(ref("Whereabouts"), minItems=1, maxItems=MOST_RECIPIENTS),
            },
            needed=["time_zone", "recipients"],
            examples=[
                {
                    "time_zone": "Europe/Berlin",
                    "recipients": [{"email": "ann@fabrikam.example", "country": "US"}],
                }
            ],
        ),
        "Whereabouts": read(
            {
                "email": text(ADDRESS_LIMIT),
                "time_zone": nullable(ZONE),
                **PLACE,
                "phone": nullable(text(LONGEST_NUMBER)),
            },
            needed=["email"],
        ),
        "DeliveryTime": answered(
            {
                "send_at": MOMENT,
                "now_is_good": BOOLEAN,
                "choice": one_of(Choice),
                "seller": answered(
                    {"time_zone": TEXT, "local_time": LOCAL, "inside_working_hours": BOOLEAN}
                ),
                "recipients": items(ref("Reader")),
                "reasons": items(answered({"code": TEXT, "text": TEXT})),
            }
        ),
        "Reader": answered(
            {
                "email": TEXT,
                "time_zone": TEXT,
                "country": nullable(TEXT),
                "evidence": EVIDENCE,
                "narrowed_by": items(EVIDENCE),
                "certain": BOOLEAN,
                "against": items(answered({"evidence": EVIDENCE, "time_zone": TEXT})),
                "local_time": LOCAL,
                "inside_working_hours": BOOLEAN,
                "working_hours": ref("WorkingHours"),
                "holiday": nullable(TEXT),
                "history": nullable(ref("Habit")),
            }
        ),
        "Habit": answered({"acts": COUNT, "hour": number(0, 23)}),
    },
)
