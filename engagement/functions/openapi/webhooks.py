"""Webhooks, described: their routes, and what they are sent."""

from __future__ import annotations

from engagement.domain.messages.message import Status
from engagement.domain.messages.reminder import Condition
from engagement.domain.webhooks.webhook import ENDPOINT_ID, DisabledReason, EndpointState
from engagement.domain.webhooks.webhook_event import EVENT_ID, EventType
from engagement.domain.webhooks.webhook_patch import LONGEST_LINE, LONGEST_USER_ID, SUBSCRIBABLE
from engagement.functions.openapi.messages import COUNTS, ID
from engagement.functions.openapi.operation import (
    DONE,
    IDEMPOTENCY_KEY,
    PAGE,
    Answer,
    Operation,
    Subject,
    found,
    made,
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
    one_of,
    page_of,
    read,
    ref,
    text,
)

TAG = "Webhooks"

URL = text(LONGEST_LINE, description="An https URL on the public internet.")
TYPES = nullable(
    items(one_of(SUBSCRIBABLE), minItems=1, maxItems=2 * len(SUBSCRIBABLE))
    | {"description": "null for all."}
)
SECRET = nullable({**TEXT, "description": "Signs what is sent; shown only now."})
WEBHOOK: dict[str, Schema] = {
    "url": URL,
    "event_types": TYPES,
    "state": one_of(EndpointState),
    "notify_user_id": nullable(text(LONGEST_USER_ID)),
}
ENDPOINT: dict[str, Schema] = {
    "id": matching(ENDPOINT_ID.pattern),
    **WEBHOOK,
    "disabled_reason": nullable(one_of(DisabledReason)),
    "created_at": MOMENT,
    "failing_since": nullable(MOMENT),
    "failure": nullable(TEXT),
}
#: What events tell; which type tells what, docs/webhooks.md says.
MESSAGE_DATA: dict[str, Schema] = {
    "message_id": ID,
    "subject": TEXT,
    "sender": ref("Sender"),
    "regarding": nullable(ref("Record")),
    "status": one_of(Status),
    "send_at": nullable(MOMENT),
    "sent_at": nullable(MOMENT),
    "kpis": answered({**COUNTS, "reply_count": COUNT}),
}
REMINDER_DATA = answered({"condition": one_of(Condition), "remind_by": MOMENT})

SUBJECT = Subject(
    TAG,
    "URLs of an organization's own that are told what happens (Standard Webhooks).",
    {
        "get_webhooks": Operation(
            tag=TAG, summary="List the webhooks", answers=found("WebhookPage")
        ),
        "post_webhook": Operation(
            tag=TAG,
            summary="Add a webhook and show its secret",
            parameters=(IDEMPOTENCY_KEY,),
            request=ref("NewWebhook"),
            answers=made("SubscribedWebhook", "The webhook with its secret."),
            problems=(422,),
        ),
        "get_webhook": Operation(tag=TAG, summary="Read a webhook", answers=found("Webhook")),
        "patch_webhook": Operation(
            tag=TAG,
            summary="Change, disable or enable a webhook",
            request=ref("WebhookPatch"),
            answers=found("Webhook", "It was changed."),
            problems=(409, 422),
        ),
        "delete_webhook": Operation(
            tag=TAG,
            summary="Delete a webhook with its dead letters",
            answers=DONE,
            problems=(409,),
        ),
        "rotate_webhook_secret": Operation(
            tag=TAG,
            summary="Give a webhook another secret, and show it",
            answers=found("SubscribedWebhook", "The webhook with its new secret."),
            problems=(409, 422),
        ),
        "test_webhook": Operation(
            tag=TAG,
            summary="Send a webhook a test",
            answers={202: Answer("It will be sent.", ref("QueuedEvent"))},
            problems=(409,),
        ),
        "get_dead_letters": Operation(
            tag=TAG,
            summary="List what could not be delivered",
            description="Newest first.",
            parameters=PAGE,
            answers=found("DeadLetterPage", "A page of the list."),
        ),
        "replay_webhook": Operation(
            tag=TAG,
            summary="Deliver again what could not be delivered",
            request=ref("Replay"),
            answers={202: Answer("It will be delivered.", ref("Replayed"))},
            problems=(409,),
        ),
    },
    {
        "NewWebhook": read(
            WEBHOOK,
            needed=["url"],
            examples=[{"url": "https://hooks.contoso.example/engagement"}],
        ),
        "WebhookPatch": read(WEBHOOK, examples=[{"state": "disabled"}]),
        "Webhook": answered(ENDPOINT),
        "WebhookPage": page_of("Webhook"),
        "SubscribedWebhook": answered({**ENDPOINT, "secret": SECRET}),
        "QueuedEvent": answered({"event_id": matching(EVENT_ID.pattern)}),
        "MessageData": answered(MESSAGE_DATA),
        "DueData": answered(
            {name: MESSAGE_DATA[name] for name in ("message_id", "subject")}
            | {"send_at": nullable(MOMENT)}
        ),
        "ReminderData": answered(
            {name: MESSAGE_DATA[name] for name in ("message_id", "subject", "sender")}
            | {"reminder": REMINDER_DATA}
        ),
        "TestData": answered({"webhook_id": TEXT}),
        "EventData": {
            "anyOf": [ref(f"{name}Data") for name in ("Message", "Due", "Reminder", "Test")],
            "description": "What the type of the event tells.",
        },
        "Event": answered(
            {"type": one_of(EventType), "timestamp": MOMENT, "data": ref("EventData")},
            description="What a webhook is sent.",
        ),
        "DeadLetter": answered(
            {
                "event_id": matching(EVENT_ID.pattern),
                "type": one_of(EventType),
                "timestamp": MOMENT,
                "data": ref("EventData"),
                "tries": COUNT,
                "failure": TEXT,
                "given_up_at": MOMENT,
            }
        ),
        "DeadLetterPage": page_of("DeadLetter"),
        "Replay": read(
            {
                "event_id": nullable(matching(EVENT_ID.pattern)),
                "since": nullable(MOMENT),
            },
            description="Either event_id or since.",
            examples=[{"since": "2026-11-25T00:00:00Z"}],
        ),
        "Replayed": answered({"replayed_count": COUNT, "complete": BOOLEAN}),
    },
)
