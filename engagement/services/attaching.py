"""Files on a draft: uploaded, read back and removed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engagement.domain.file_content import suspicion
from engagement.domain.file_name import blocked_extension, clean_file_name, served_content_type
from engagement.domain.messages.attachment import Attachment
from engagement.domain.messages.message import MOST_ATTACHMENTS, Message, check_draft
from engagement.domain.organizations.organization import Organization, Settings
from engagement.errors import ConflictError, NotFoundError, TooLargeError, UnprocessableError
from engagement.storage import keys
from engagement.storage.blobs import Blobs
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

#: Times that a change is tried again when somebody else changed the draft meanwhile.
TRIES = 10

#: Highest number of an attachment that fits into a tracking token.
HIGHEST_NUMBER = 65_535


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as the CRM sends it."""

    name: str
    content_type: str
    followed: bool
    data: bytes
    #: str, "" for none
    idempotency_key: str


class Attaching:
    """What the CRM does with the files of a draft."""

    def __init__(self, messages: Messages, blobs: Blobs, settings: SettingsRows) -> None:
        self.messages = messages
        self.blobs = blobs
        self.settings = settings

    async def add(
        self, organization: Organization, message_id: str, upload: Upload, now: datetime
    ) -> Attachment:
        """Store a file; the same Idempotency-Key again returns the first one.

        Raises TooLargeError, UnprocessableError for a blocked extension, ConflictError once the
        message is no draft any more.
        """
        settings, _ = await self.settings.read(organization.key)
        name = _check_upload(upload, settings)
        message = await self.messages.read(organization.key, message_id)
        request = _request_digest(upload)
        if found := _same_request(message, request):
            return found
        check_draft(message, now)
        attachment = Attachment(
            number=0,
            name=name,
            content_type=served_content_type(upload.content_type),
            size=len(upload.data),
            followed=upload.followed,
            blob=keys.blob(now, message_id, secrets.token_hex(8)),
            suspicion=suspicion(upload.data),
            created_at=now,
            request=request,
        )
        await self.blobs.write(
            organization.key, attachment.blob, upload.data, attachment.content_type
        )
        stored = await self._change(organization, message, lambda old: _with(old, attachment), now)
        return next(item for item in stored.attachments if _is(item, attachment))

    async def remove(
        self, organization: Organization, message_id: str, number: int, now: datetime
    ) -> None:
        """Remove a file from a draft; raises NotFoundError, ConflictError."""
        message = await self.messages.read(organization.key, message_id)
        blob = _find(message, number).blob
        await self._change(organization, message, lambda old: _without(old, number), now)
        await self.blobs.delete(organization.key, blob)

    async def read(
        self, organization: Organization, message_id: str, number: int
    ) -> tuple[Attachment, bytes]:
        """Return a file for the CRM; raises NotFoundError."""
        attachment = _find(await self.messages.read(organization.key, message_id), number)
        return attachment, await self.blobs.read(organization.key, attachment.blob)

    async def _change(
        self,
        organization: Organization,
        old: Message,
        change: Callable[[Message], Message],
        now: datetime,
    ) -> Message:
        for _ in range(TRIES):
            check_draft(old, now)
            new = change(old)
            try:
                return await self.messages.replace(organization.key, old, new)
            except ConflictError:
                old = await self.messages.read(organization.key, old.id)
        raise ConflictError("Too many others are changing this message at the same time.")


def _check_upload(upload: Upload, settings: Settings) -> str:
    if len(upload.data) > settings.upload_limit_bytes:
        limit = settings.upload_limit_bytes
        raise TooLargeError(f"A file may have at most {limit} bytes.")
    name = clean_file_name(upload.name)
    extension = blocked_extension(upload.name, settings.blocked_extensions)
    if extension is not None:
        raise UnprocessableError(f"Files of type .{extension} are blocked.", "name")
    return name


def _with(message: Message, attachment: Attachment) -> Message:
    _same_request(message, attachment.request)
    if any(_is(item, attachment) for item in message.attachments):
        # Another call with the same key was quicker, or our own write was answered too late.
        return message
    if len(message.attachments) >= MOST_ATTACHMENTS:
        raise UnprocessableError(f"A message may have at most {MOST_ATTACHMENTS} attachments.")
    number = message.last_attachment + 1
    if number > HIGHEST_NUMBER:
        raise UnprocessableError("Too many files were attached to this message and removed.")
    added = (*message.attachments, replace(attachment, number=number))
    return replace(message, last_attachment=number, attachments=added)


def _without(message: Message, number: int) -> Message:
    kept = tuple(item for item in message.attachments if item.number != number)
    return replace(message, attachments=kept)


def _find(message: Message, number: int) -> Attachment:
    for attachment in message.attachments:
        if attachment.number == number:
            return attachment
    raise NotFoundError("There is no such attachment.")


def _is(stored: Attachment, wanted: Attachment) -> bool:
    if wanted.request is not None:
        return stored.request == wanted.request
    return stored.blob == wanted.blob


def _request_digest(upload: Upload) -> str | None:
    """Digest of the Idempotency-Key, followed by one of what came with it."""
    if not upload.idempotency_key:
        return None
    key = hashlib.sha256(upload.idempotency_key.encode()).hexdigest()
    digest = hashlib.sha256(f"{upload.name}\0{upload.content_type}\0{upload.followed}\0".encode())
    # Apart, as a file may be large: putting the two together would copy it.
    digest.update(upload.data)
    return f"{key}:{digest.hexdigest()}"


def _same_request(message: Message, request: str | None) -> Attachment | None:
    if request is None:
        return None
    key = request.partition(":")[0]
    for attachment in message.attachments:
        if attachment.request is not None and attachment.request.startswith(key):
            if attachment.request != request:
                raise ConflictError("This Idempotency-Key came with another file.")
            return attachment
    return None
