"""Templates, described."""

from __future__ import annotations

from engagement.domain.messages.draft import LANGUAGE, LONGEST_NAME, LONGEST_SUBJECT
from engagement.domain.templates.template import LARGEST_BODY
from engagement.functions.openapi.operation import (
    DONE,
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
    RATE,
    TEXT,
    Schema,
    answered,
    items,
    matching,
    nullable,
    page_of,
    read,
    ref,
    text,
)

TAG = "Templates"

BODY = nullable(
    {"type": "string", "maxLength": LARGEST_BODY, "description": "At most 512 KiB in UTF-8."}
)
TAGGED_LANGUAGE = matching(LANGUAGE.pattern, maxLength=35)
INTERVAL = nullable(items(RATE, minItems=2, maxItems=2))
ROW: dict[str, Schema] = {
    "id": TEXT,
    "name": TEXT,
    "language": nullable(TEXT),
    "email_count": COUNT,
    "followed_count": COUNT,
    "open_rate": nullable(RATE),
    "open_rate_interval": INTERVAL,
    "reply_rate": nullable(RATE),
    "reply_rate_interval": INTERVAL,
    "recommended": BOOLEAN,
    "needs": {**COUNT, "description": "Followed messages missing until anything can be said."},
    "needs_at_this_rate": nullable(COUNT),
    "reason": {**TEXT, "description": "Why it is recommended or not."},
    "segment": nullable(ref("TemplateSegment")),
}
SEGMENTS = (
    query("language", TAGGED_LANGUAGE, "Rates among messages in this language."),
    query("industry", text(LONGEST_NAME), "Rates among messages for this industry."),
)

SUBJECT = Subject(
    TAG,
    "What messages are made of, and how it does.",
    {
        "get_templates": Operation(
            tag=TAG,
            summary="List templates with their rates",
            description="Recommended ones first.",
            parameters=(*PAGE, *SEGMENTS),
            answers=found("TemplatePage", "A page of the list."),
        ),
        "put_template": Operation(
            tag=TAG,
            summary="Register a template, or replace it whole",
            request=ref("NewTemplate"),
            answers={
                200: Answer("It was replaced.", ref("TemplateDetails")),
                201: Answer("It was registered.", ref("TemplateDetails")),
            },
            problems=(409, 422),
        ),
        "get_template": Operation(
            tag=TAG,
            summary="Read a template with its bodies and rates",
            parameters=SEGMENTS,
            answers=found("TemplateDetails"),
        ),
        "delete_template": Operation(
            tag=TAG, summary="Delete a template", answers=DONE, problems=(409,)
        ),
    },
    {
        "NewTemplate": read(
            {
                "name": text(LONGEST_NAME),
                "subject": nullable(text(LONGEST_SUBJECT)),
                "language": nullable(TAGGED_LANGUAGE),
                "html_body": BODY,
                "text_body": BODY,
            },
            needed=["name"],
            examples=[{"name": "Offer", "language": "en", "subject": "For {{ contact.name }}"}],
        ),
        "Template": answered(ROW),
        "TemplatePage": page_of("Template"),
        "TemplateDetails": answered(
            {
                **ROW,
                "subject": nullable(TEXT),
                "html_body": BODY,
                "text_body": BODY,
                "created_at": MOMENT,
                "changed_at": MOMENT,
            }
        ),
        "TemplateSegment": answered(
            {"language": TEXT, "industry": TEXT, "followed_count": COUNT, "used": BOOLEAN},
            maybe=["language", "industry"],
        ),
    },
)
