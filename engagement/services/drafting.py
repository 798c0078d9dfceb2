"""Drafts: made, changed and read until they are sent."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime

from engagement.domain.messages.content import Content
from engagement.domain.messages.copy import plan_links
from engagement.domain.messages.draft import (
    Draft,
    changed_draft,
    changed_while_waiting,
    check_times,
)
from engagement.domain.messages.due_time import to_remind, to_send
from engagement.domain.messages.message import Message, Status, check_draft
from engagement.domain.organizations.organization import Organization
from engagement.domain.tracking.destination import check_destination
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.errors import ConflictError, NotFoundError
from engagement.services.projecting import Projecting
from engagement.storage import keys
from engagement.storage.blobs import Blobs
from engagement.storage.due_times import DueTimes
from engagement.storage.messages import Messages
from engagement.storage.waiting_messages import WaitingMessages


class Drafting:
    """What the CRM does with a message before it is sent."""

    def __init__(
        self,
        messages: Messages,
        blobs: Blobs,
        urls: TrackedUrls,
        due_times: DueTimes,
        waiting: WaitingMessages,
        projecting: Projecting,
    ) -> None:
        self.messages = messages
        self.blobs = blobs
        self.urls = urls
        self.due_times = due_times
        self.waiting = waiting
        self.projecting = projecting

    async def create(
        self, organization: Organization, draft: Draft, request: tuple[str, bytes], now: datetime
    ) -> str:
        """Store a draft and return its id.

        *request* is its Idempotency-Key ("" for none) and body; the same request again returns the
        id of the first message. Raises UnprocessableError for a link that must not be followed,
        ConflictError for a key that came with another body.
        """
        key, body = request
        first = await self._made_before(organization, key) if key else None
        if first is None:
            check_times(draft, ("send_at", "reminder"), now)
        self._check_links(draft)
        message = _message(
            draft,
            message_id=_message_id(organization, key),
            fingerprint=hashlib.sha256(body).hexdigest() if key else None,
            now=now,
        )
        if first is None:
            await self.blobs.write_content(organization.key, message.content_blob, draft.content)
            await self._note_due(organization, message, now)
            try:
                async with self.projecting.change(organization.key, message.id):
                    await self.messages.create(organization.key, message)
            except ConflictError:
                first = await self.messages.read(organization.key, message.id)
        if first is not None and first.fingerprint != message.fingerprint:
            raise ConflictError("This Idempotency-Key came with another body.")
        return message.id

    async def _made_before(self, organization: Organization, key: str) -> Message | None:
        """Return the message that an earlier request with the same key made."""
        try:
            return await self.messages.read(organization.key, _message_id(organization, key))
        except NotFoundError:
            return None

    async def change(
        self, organization: Organization, message_id: str, changes: object, now: datetime
    ) -> None:
        """Change some fields of a draft, or the times of a message that waits for its own.

        Raises ConflictError once it is on its way.
        """
        old = await self.messages.read(organization.key, message_id)
        if old.status is Status.SCHEDULED:
            await self._change_waiting(organization, old, changes, now)
            return
        check_draft(old, now)
        draft = changed_draft(old, await self._content(organization, old), changes, now)
        self._check_links(draft)
        new = replace(
            _message(draft, message_id=old.id, fingerprint=old.fingerprint, now=now),
            created_at=old.created_at,
            last_attachment=old.last_attachment,
            attachments=old.attachments,
        )
        await self.blobs.write_content(organization.key, new.content_blob, draft.content)
        await self._note_due(organization, new, now)
        async with self.projecting.change(organization.key, message_id):
            await self.messages.replace(organization.key, old, new)
        await self.blobs.delete(organization.key, old.content_blob)

    async def _change_waiting(
        self, organization: Organization, old: Message, changes: object, now: datetime
    ) -> None:
        new = changed_while_waiting(old, changes, now)
        # Noted first: what the message does not bear out is thrown away when its time comes.
        await self._note_due(organization, new, now)
        async with self.projecting.change(organization.key, old.id):
            await self.messages.replace(organization.key, old, new)
        if new.send_at != old.send_at:
            await self.waiting.remove(organization.key, old)

    async def _content(self, organization: Organization, message: Message) -> Content:
        try:
            return await self.blobs.read_content(organization.key, message.content_blob)
        except NotFoundError as error:
            stored = await self.messages.read(organization.key, message.id)
            if stored.etag != message.etag:
                raise ConflictError("Somebody else changed this at the same time.") from error
            # It was lost, and the change has to bring another.
            return Content(None, None)

    async def _note_due(self, organization: Organization, message: Message, now: datetime) -> None:
        """Note when the message is to be looked at."""
        for due in (to_send, to_remind):
            await self.due_times.add(due(organization.key, message, now))

    def _check_links(self, draft: Draft) -> None:
        if draft.follow:
            plan_links(draft.content, self._destination)

    def _destination(self, url: str, field: str) -> str | None:
        return None if self.urls.own(url) else check_destination(url, field)


def _message(draft: Draft, *, message_id: str, fingerprint: str | None, now: datetime) -> Message:
    return Message(
        id=message_id,
        subject=draft.subject,
        sender=draft.sender,
        regarding=draft.regarding,
        template_id=draft.template_id,
        segment=draft.segment,
        follow=draft.follow,
        copies=draft.copies,
        status=Status.DRAFT,
        created_at=now,
        content_blob=keys.blob(now, message_id, secrets.token_hex(8)),
        fingerprint=fingerprint,
        send_at=draft.send_at,
        reminder=draft.reminder,
        recipients=draft.recipients,
    )


def _message_id(organization: Organization, idempotency_key: str) -> str:
    """Make an id of 96 bits: random, or of the request's key, so that its repetition collides."""
    if not idempotency_key:
        return secrets.token_hex(12)
    seed = f"message\0{organization.key}\0{idempotency_key}"
    return hashlib.sha256(seed.encode()).digest()[:12].hex()
