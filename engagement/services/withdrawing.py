"""Withdrawing messages that were not sent yet: back to a draft, or gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engagement.domain.messages.message import Message, Status, status_at
from engagement.domain.organizations.organization import Organization
from engagement.errors import ConflictError
from engagement.services.projecting import Projecting
from engagement.storage.blobs import Blobs
from engagement.storage.waiting_messages import WaitingMessages

DELETABLE = (Status.DRAFT, Status.SCHEDULED, Status.FAILED)


class Withdrawing:
    """What a seller does who does not want a message sent after all."""

    def __init__(self, projecting: Projecting, blobs: Blobs, waiting: WaitingMessages) -> None:
        self.projecting = projecting
        self.messages = projecting.messages
        self.blobs = blobs
        self.waiting = waiting

    async def cancel(self, organization: Organization, message_id: str) -> Message:
        """Make a message that waits for its time a draft without one; a draft stays as it is.

        Raises ConflictError once it is on its way.
        """
        message = await self.messages.read(organization.key, message_id)
        if message.status is Status.DRAFT:
            return message
        if message.status is not Status.SCHEDULED:
            raise ConflictError(f"The message is {message.status}; only a scheduled one waits.")
        async with self.projecting.change(organization.key, message_id):
            draft = await self.messages.replace(organization.key, message, _draft_of(message))
        await self.waiting.remove(organization.key, message)
        return draft

    async def delete(self, organization: Organization, message_id: str, now: datetime) -> None:
        """Delete a message with its content and files; raises ConflictError once it was sent.

        May be repeated after a crash, until the message is gone.
        """
        message = await self.messages.read(organization.key, message_id)
        status = status_at(message, now)
        if status not in DELETABLE:
            raise ConflictError(f"The message is {status}; only unsent ones are deleted.")
        async with self.projecting.change(organization.key, message_id):
            # From here on it does not go out, however far this gets.
            draft = await self.messages.replace(organization.key, message, _draft_of(message))
            await self.waiting.remove(organization.key, message)
            for blob in (message.content_blob, *(item.blob for item in message.attachments)):
                await self.blobs.delete(organization.key, blob)
            await self.messages.delete(organization.key, draft)


def _draft_of(message: Message) -> Message:
    return replace(
        message,
        status=Status.DRAFT,
        send_at=None,
        tried_since=None,
        delivery=None,
        send_key=None,
        failure=None,
    )
