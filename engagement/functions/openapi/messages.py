"""Messages, described: drafts, what they are read as, their recipients and files."""

from __future__ import annotations

from engagement.domain.file_name import NAME_LIMIT
from engagement.domain.identifier import MESSAGE_ID
from engagement.domain.mailbox_address import ADDRESS_LIMIT
from engagement.domain.messages.draft import (
    LANGUAGE,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_SUBJECT,
    RECORD_TYPE,
)
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import (
    LONGEST_BODY,
    MOST_ATTACHMENTS,
    MOST_LINKS,
    MOST_RECIPIENTS,
    Copies,
    Role,
    Status,
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
    read,
    ref,
    text,
)
from engagement.services.sending import DELIVERIES

EMAIL = text(ADDRESS_LIMIT, description="One bare address, such as ann@fabrikam.example.")
NAME = nullable(text(LONGEST_NAME))
ID = matching(MESSAGE_ID.pattern)
BODY = nullable(
    {"type": "string", "maxLength": LONGEST_BODY, "description": "At most 5 MiB in UTF-8."}
)
SUBJECT_LINE = text(LONGEST_SUBJECT, least=0)
DELIVERY = one_of(
    DELIVERIES, description="The CRM sends it itself, or a mail server, or Microsoft Graph does."
)
COUNTS = {"open_count": COUNT, "click_count": COUNT, "attachment_view_count": COUNT}
TALLY = {"unsure": ref("Counts"), "automated": ref("Counts")}

SENDER = {
    "user_id": text(LONGEST_ID, description="The seller, as the CRM names users."),
    "email": EMAIL,
    "name": NAME,
}
RECORD = {
    "type": text(100, description="Such as contact, in lower case."),
    "id": text(LONGEST_ID),
    "name": NAME,
}
RECIPIENT = {
    "role": one_of(Role),
    "email": EMAIL,
    "name": NAME,
    "record": nullable(ref("Record")),
}
#: What a draft holds that the message shows as it was given.
PLAIN: dict[str, Schema] = {
    "html_body": BODY,
    "text_body": BODY,
    "template_id": nullable(text(LONGEST_ID)),
    "follow": {**BOOLEAN, "description": "Whether engagement is to be tracked."},
    "send_at": nullable({**MOMENT, "description": "When it is to be sent; null for at once."}),
}
DRAFT: dict[str, Schema] = {
    "subject": SUBJECT_LINE,
    **PLAIN,
    "sender": ref("NewSender"),
    "recipients": items(ref("NewRecipient"), maxItems=MOST_RECIPIENTS),
    "regarding": nullable(ref("NewRecord")),
    "segment": nullable(ref("NewSegment")),
    "reminder": nullable(ref("NewReminder")),
    "copies": one_of(Copies, description="One copy for all recipients, or one for each."),
}
MESSAGE: dict[str, Schema] = {
    "id": ID,
    "status": one_of(Status),
    "follow_state": one_of(FollowState),
    "follow_reason": nullable({**TEXT, "description": "Why it is not followed."}),
    "created_at": MOMENT,
    "sent_at": nullable(MOMENT),
    "delivery": nullable(DELIVERY),
    "failure": nullable({**TEXT, "description": "Why the last hand-over failed."}),
    "subject": SUBJECT_LINE,
    **PLAIN,
    "sender": ref("Sender"),
    "recipients": items(ref("Recipient"), maxItems=MOST_RECIPIENTS),
    "regarding": nullable(ref("Record")),
    "segment": ref("Segment"),
    "reminder": nullable(ref("Reminder")),
    "copies": one_of(Copies),
    "links": items(ref("Link"), maxItems=MOST_LINKS),
    "attachments": items(ref("Attachment"), maxItems=MOST_ATTACHMENTS),
    "kpis": ref("Kpis"),
    "interaction_status": {**TEXT, "description": "A few words for the tile."},
}
ATTACHMENT: dict[str, Schema] = {
    "id": matching("[0-9]{1,5}"),
    "name": text(NAME_LIMIT),
    "content_type": TEXT,
    "size": {**COUNT, "description": "Bytes."},
    "followed": {**BOOLEAN, "description": "Sent as a link, so that views of it are known."},
    "suspicion": nullable({**TEXT, "description": "What kind of program it begins like."}),
}
EXAMPLE = {
    "subject": "Contract for signature",
    "html_body": '<p>See <a href="https://contoso.example/offer">the offer</a></p>',
    "sender": {"user_id": "u-17", "email": "seller@contoso.example", "name": "Kim Seller"},
    "recipients": [
        {
            "role": "to",
            "email": "ann@fabrikam.example",
            "name": "Ann",
            "record": {"type": "contact", "id": "c-1"},
        }
    ],
}

SCHEMAS: dict[str, Schema] = {
    "NewMessage": read(
        {
            **DRAFT,
            "subject": nullable(SUBJECT_LINE),
            "values": {
                "type": ["object", "null"],
                "description": "What fills the placeholders of the template: nested objects.",
                "additionalProperties": True,
            },
        },
        needed=["sender"],
        description=(
            "Needed are the sender, a subject and one of the bodies; with template_id, subject and "
            "bodies may come from the template."
        ),
        examples=[EXAMPLE],
    ),
    "MessagePatch": read(
        DRAFT,
        description="A JSON merge patch (RFC 7396); objects in it are replaced whole.",
        examples=[{"send_at": "2026-11-24T08:00:00Z"}],
    ),
    "Message": answered(MESSAGE),
    "SentMessage": answered({**MESSAGE, "copies": items(ref("Copy"))}),
    "Copy": answered(
        {
            "recipients": items(EMAIL),
            "html_body": nullable(TEXT),
            "text_body": nullable(TEXT),
            "headers": answered({"Message-ID": TEXT, "X-Engagement-Message": ID}),
            "attachments": items(ref("CopyAttachment")),
        }
    ),
    "NewSender": read(SENDER, needed=["user_id", "email"]),
    "Sender": answered(SENDER),
    "NewRecord": read(
        {**RECORD, "type": matching(RECORD_TYPE.pattern)},
        needed=["type", "id"],
        description="A row of the CRM.",
    ),
    "Record": answered(RECORD),
    "NewRecipient": read({**RECIPIENT, "record": nullable(ref("NewRecord"))}, needed=["email"]),
    "Recipient": answered(
        {
            **RECIPIENT,
            "refusal": nullable({**TEXT, "description": "Why the mail server would not take it."}),
        }
    ),
    "NewSegment": read(
        {
            "language": nullable(matching(LANGUAGE.pattern, maxLength=35)),
            "industry": nullable(text(LONGEST_NAME)),
        }
    ),
    "Segment": answered({"language": nullable(TEXT), "industry": nullable(TEXT)}),
    "Link": answered({"id": matching("[0-9]+"), "url": TEXT}),
    "Attachment": answered(ATTACHMENT),
    "CopyAttachment": answered({**ATTACHMENT, "content_url": TEXT}),
    "Counts": answered(COUNTS),
    "Kpis": answered(
        {
            **COUNTS,
            "reply_count": COUNT,
            "first_opened_at": nullable(MOMENT),
            "last_opened_at": nullable(MOMENT),
            "inferred_open_count": COUNT,
            **TALLY,
        },
        description="What people did; beside it what cannot be known, and machines.",
    ),
    "SendOrder": read(
        {
            "delivery": DELIVERY,
            "now": {**BOOLEAN, "description": "Send it now, though it waits for its time."},
        },
        needed=["delivery"],
        examples=[{"delivery": "crm"}],
    ),
}
