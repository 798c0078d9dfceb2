"""A file on a message: followed ones are sent as a link, the others travel with the message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file; *number* counts from 1 on its message and is what tokens carry."""

    number: int
    name: str
    content_type: str
    #: int, bytes
    size: int
    followed: bool
    #: str, server-made name of the blob that holds the bytes
    blob: str
    #: str or None, what the first bytes look like, when that is a program or not what the name says
    suspicion: str | None
    #: datetime, aware UTC
    created_at: datetime
    #: str or None, digests of the Idempotency-Key and of what came with it, to know a repetition
    request: str | None = None
