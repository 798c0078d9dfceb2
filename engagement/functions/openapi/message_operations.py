"""What is done with one message, described."""

from __future__ import annotations

from engagement.domain.mailbox_address import ADDRESS_LIMIT
from engagement.domain.messages.reminder import LONGEST_COMMENT, Condition, ReminderStatus
from engagement.domain.messages.reply import LONGEST_LINE
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.verdict import Verdict, Via
from engagement.functions.openapi.messages import RECIPIENT, SCHEMAS
from engagement.functions.openapi.operation import (
    ANY_TYPE,
    DONE,
    IDEMPOTENCY_KEY,
    PAGE,
    VIEWER,
    Operation,
    Subject,
    file_of,
    flag,
    found,
    made,
    query,
)
from engagement.functions.openapi.schema import (
    BOOLEAN,
    MOMENT,
    TEXT,
    Schema,
    answered,
    items,
    nullable,
    one_of,
    page_of,
    read,
    ref,
    text,
)

TAG = "Messages"

REMINDER: dict[str, Schema] = {
    "condition": one_of(Condition),
    "remind_by": MOMENT,
    "comment": nullable({"type": "string", "maxLength": LONGEST_COMMENT}),
}
NOW = "Now, unless given."

OPERATIONS = {
    "post_message": Operation(
        tag=TAG,
        summary="Create a draft",
        parameters=(IDEMPOTENCY_KEY,),
        request=ref("NewMessage"),
        answers=made("Message"),
        problems=(422,),
    ),
    "get_message": Operation(
        tag=TAG,
        summary="Read a message with its KPIs",
        parameters=VIEWER,
        answers=found("Message"),
    ),
    "patch_message": Operation(
        tag=TAG,
        summary="Change a draft, or the times of a message that waits",
        request=ref("MessagePatch"),
        answers=found("Message", "It was changed."),
        problems=(409, 422),
    ),
    "delete_message": Operation(
        tag=TAG, summary="Delete a message that was not sent", answers=DONE, problems=(409,)
    ),
    "send_message": Operation(
        tag=TAG,
        summary="Send a message, or have it wait for its time",
        description=(
            "With delivery crm, the answer holds the copies that the CRM is to send. A message "
            "with a send_at ahead is scheduled, and has no copies yet."
        ),
        parameters=(IDEMPOTENCY_KEY,),
        request=ref("SendOrder"),
        answers=found("SentMessage", "It was sent, or waits for its time."),
        problems=(422,),
    ),
    "cancel_message": Operation(
        tag=TAG,
        summary="Make a message that waits a draft again",
        answers=found("Message", "It is a draft again, without a time."),
        problems=(409,),
    ),
    "get_due_messages": Operation(
        tag=TAG,
        summary="List what the CRM is to send now",
        description="The longest waiting first.",
        parameters=PAGE,
        answers=found("DueMessagePage", "A page of the list."),
    ),
    "put_reminder": Operation(
        tag=TAG,
        summary="Set or change the reminder of a message",
        request=ref("NewReminder"),
        answers=found("Reminder", "It is set."),
        problems=(409, 422),
    ),
    "delete_reminder": Operation(
        tag=TAG, summary="Remove the reminder of a message", answers=DONE, problems=(409,)
    ),
    "get_timeline": Operation(
        tag=TAG,
        summary="List the interactions of a message",
        description="Newest first, with verdicts: who opened it, selected a link, or answered.",
        parameters=PAGE,
        answers=found("InteractionPage", "A page of the timeline."),
    ),
    "post_reply": Operation(
        tag=TAG,
        summary="Report a reply to a message",
        parameters=(IDEMPOTENCY_KEY,),
        request=ref("NewReply"),
        answers=made("Interaction", "The reply as it stands in the timeline."),
    ),
    "post_attachment": Operation(
        tag=TAG,
        summary="Attach a file to a draft",
        description="The body is the file, with its Content-Type.",
        parameters=(
            query("name", {**TEXT, "minLength": 1}, "The name of the file.", required=True),
            flag("followed", "Send it as a link, so that views are known.", default=False),
            IDEMPOTENCY_KEY,
        ),
        reads_file=True,
        answers=made("Attachment", "It is attached."),
        problems=(409, 413, 422),
    ),
    "get_attachment": Operation(
        tag=TAG,
        summary="Read a file of a message",
        answers={200: file_of(ANY_TYPE, "The file.", "Content-Disposition")},
    ),
    "delete_attachment": Operation(
        tag=TAG, summary="Remove a file from a draft", answers=DONE, problems=(409,)
    ),
}

SUBJECT = Subject(
    TAG,
    "One message: draft, files, sending, reminder, timeline, replies.",
    OPERATIONS,
    {
        **SCHEMAS,
        "NewReminder": read(
            REMINDER,
            needed=["condition", "remind_by"],
            examples=[{"condition": "no_reply_by", "remind_by": "2026-11-25T09:00:00Z"}],
        ),
        "Reminder": answered(
            {**REMINDER, "status": one_of(ReminderStatus), "decided_at": nullable(MOMENT)}
        ),
        "DueMessage": answered(
            {"id": TEXT, "subject": TEXT, "sender": ref("Sender"), "send_at": nullable(MOMENT)}
        ),
        "DueMessagePage": page_of("DueMessage"),
        "NewReply": read(
            {
                "replied_by": text(ADDRESS_LIMIT, description="The address of whoever answered."),
                "at": nullable({**MOMENT, "description": NOW}),
                "internet_message_id": nullable(text(LONGEST_LINE)),
                "automatic": {**BOOLEAN, "description": "An out-of-office note, or a bounce."},
                "date_header": nullable(
                    text(LONGEST_LINE, description="The raw Date header of the reply (RFC 5322).")
                ),
            },
            needed=["replied_by"],
            examples=[{"replied_by": "ann@fabrikam.example"}],
        ),
        "Interaction": answered(
            {
                "id": TEXT,
                "type": one_of(InteractionType),
                "at": MOMENT,
                "recipient": nullable(ref("KnownRecipient")),
                "verdict": one_of(Verdict),
                "via": one_of(Via),
                "reasons": items(TEXT),
                "rules": nullable({**TEXT, "description": "Version of the rules that judged."}),
                "link": nullable(ref("Link")),
                "attachment": nullable(ref("ViewedAttachment")),
                "client": nullable({**TEXT, "description": "Mail program or browser."}),
                "replied_by": nullable(TEXT),
            }
        ),
        "KnownRecipient": answered(RECIPIENT),
        "ViewedAttachment": answered({"id": TEXT, "name": TEXT}),
        "InteractionPage": page_of("Interaction"),
    },
)
