"""Sending: a draft's copies are handed back to the CRM, or over to what sends them, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engagement.domain.attachment import Attachment
from engagement.domain.copy import Copy
from engagement.domain.follow import FollowState, follow_state
from engagement.domain.message import Message, Status, check_sendable
from engagement.domain.organization import Organization
from engagement.errors import (
    ConflictError,
    EngagementError,
    NotFoundError,
    UnprocessableError,
)
from engagement.remote.mime import MimeAttachment
from engagement.services.handing_over import GRAPH, SMTP, HandingOver, in_doubt
from engagement.services.rendering import Rendered, Rendering
from engagement.storage.blobs import Blobs
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

CRM = "crm"
DELIVERIES = (CRM, SMTP, GRAPH)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent, its copies, and the files that travel with each of them."""

    message: Message
    copies: tuple[Copy, ...]
    attached: tuple[Attachment, ...]


class Sending:
    """Hands messages over; *clock* tells the moment of the hand-over, aware UTC."""

    def __init__(
        self,
        messages: Messages,
        blobs: Blobs,
        settings: SettingsRows,
        rendering: Rendering,
        handing_over: HandingOver,
        clock: Callable[[], datetime],
    ) -> None:
        self.messages = messages
        self.blobs = blobs
        self.settings = settings
        self.rendering = rendering
        self.handing_over = handing_over
        self.clock = clock

    async def send(
        self, organization: Organization, message_id: str, delivery: str, idempotency_key: str
    ) -> Sent:
        """Send a draft; the same Idempotency-Key again gets the same copies, and nothing is sent.

        Raises UnprocessableError for what cannot be sent so, ConflictError if it was sent already
        or may have been, RemoteError if what sends it took none of it.
        """
        message = await self.messages.read(organization.key, message_id)
        key = _send_key(delivery, idempotency_key)
        same_request = key is not None and key == message.send_key
        if same_request and message.status is Status.SENT:
            return _sent(message, await self.rendering.render(organization, message))
        check_sendable(message, self.clock(), same_request=same_request)
        self._check(message, delivery)
        claimed = await self._claimed(organization, message, delivery, key)
        rendered = await self._rendered(organization, claimed)
        # From here on nobody else can change or send it.
        claimed = await self.messages.replace(organization.key, message, claimed)
        return await self._hand_over(organization, claimed, rendered)

    async def _rendered(self, organization: Organization, message: Message) -> Rendered:
        try:
            return await self.rendering.render(organization, message)
        except NotFoundError as error:
            raise ConflictError("Somebody else changed this at the same time.") from error

    def _check(self, message: Message, delivery: str) -> None:
        if not message.recipients:
            raise UnprocessableError("The message has no recipient.", "recipients")
        if delivery != CRM:
            self.handing_over.check(message, delivery)

    async def _claimed(
        self, organization: Organization, message: Message, delivery: str, key: str | None
    ) -> Message:
        settings, _ = await self.settings.read(organization.key)
        state = follow_state(
            wanted=message.follow,
            enabled=settings.follow_enabled,
            recipients=message.record_types,
        )
        return replace(
            message,
            status=Status.SENDING,
            sending_at=self.clock(),
            delivery=delivery,
            follow_state=state,
            failure=None,
            send_key=key,
        )

    async def _hand_over(
        self, organization: Organization, message: Message, rendered: Rendered
    ) -> Sent:
        refused: dict[str, str] = {}
        try:
            await self.messages.write_links(organization.key, message, rendered.links)
            if message.delivery != CRM:
                files = await self._files(organization, _sent(message, rendered).attached)
                doubtful = replace(message, ambiguous=True)
                message = await self.messages.replace(organization.key, message, doubtful)
                refused = await self.handing_over.deliver(
                    message, rendered.copies, files, self.clock()
                )
        except EngagementError as error:
            failed = replace(
                message, status=Status.FAILED, failure=error.detail, ambiguous=in_doubt(error)
            )
            await self.messages.replace(organization.key, message, failed)
            raise
        done = replace(
            message,
            status=Status.SENT,
            ambiguous=False,
            sent_at=self.clock(),
            recipients=tuple(
                replace(item, refusal=refused.get(item.email)) for item in message.recipients
            ),
        )
        done = await self.messages.replace(organization.key, message, done)
        return _sent(replace(done, links=rendered.links), rendered)

    async def _files(
        self, organization: Organization, attached: tuple[Attachment, ...]
    ) -> list[MimeAttachment]:
        return [
            MimeAttachment(
                item.name, item.content_type, await self.blobs.read(organization.key, item.blob)
            )
            for item in attached
        ]


def _sent(message: Message, rendered: Rendered) -> Sent:
    linked = message.follow_state is FollowState.FOLLOWED
    attached = tuple(item for item in message.attachments if not (linked and item.followed))
    return Sent(message, rendered.copies, attached)


def _send_key(delivery: str, idempotency_key: str) -> str | None:
    if not idempotency_key:
        return None
    return hashlib.sha256(f"{delivery}\0{idempotency_key}".encode()).hexdigest()
