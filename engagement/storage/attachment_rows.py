"""How a file of a message stands in its row."""

from __future__ import annotations

from typing import Any

from engagement.domain.messages.attachment import Attachment
from engagement.storage import keys

#: What :func:`attachment_of` reads.
COLUMNS = [
    "RowKey",
    "name",
    "content_type",
    "size",
    "followed",
    "blob",
    "suspicion",
    "created_at",
    "request",
]


def attachment_of(row: Any) -> Attachment:
    """Read one attachment from its row."""
    return Attachment(
        number=keys.number(row["RowKey"], keys.ATTACHMENT),
        name=row["name"],
        content_type=row["content_type"],
        size=row["size"],
        followed=row["followed"],
        blob=row["blob"],
        suspicion=row.get("suspicion"),
        created_at=row["created_at"],
        request=row.get("request"),
    )


def attachment_row(message_id: str, attachment: Attachment) -> dict[str, Any]:
    """Row of one file of a message."""
    return {
        "PartitionKey": message_id,
        "RowKey": keys.attachment(attachment.number),
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "followed": attachment.followed,
        "blob": attachment.blob,
        "suspicion": attachment.suspicion,
        "created_at": attachment.created_at,
        "request": attachment.request,
    }
