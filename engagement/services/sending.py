"""Sending: a draft's copies are handed back to the CRM, or over to a mail server, once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engagement.domain.attachment import Attachment
from engagement.domain.copy import Copy
from engagement.domain.follow import FollowState, follow_state
from engagement.domain.message import Message, Role, Status, check_sendable
from engagement.domain.organization import Organization
from engagement.domain.text_body import text_of
from engagement.errors import EngagementError, RemoteError, UnprocessableError
from engagement.remote.mime import MimeAttachment, build_mime
from engagement.remote.smtp import Smtp
from engagement.services.rendering import Rendered, Rendering
from engagement.storage.blobs import Blobs
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

CRM, SMTP, GRAPH = "crm", "smtp", "graph"
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
        smtp: Smtp | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.messages = messages
        self.blobs = blobs
        self.settings = settings
        self.rendering = rendering
        self.smtp = smtp
        self.clock = clock

    async def send(
        self, organization: Organization, message_id: str, delivery: str, idempotency_key: str
    ) -> Sent:
        """Send a draft; the same Idempotency-Key again gets the same copies, and nothing is sent.

        Raises UnprocessableError for what cannot be sent so, ConflictError if it was sent already
        or may have been, RemoteError if the mail server took none of it.
        """
        message = await self.messages.read(organization.key, message_id)
        key = _send_key(delivery, idempotency_key)
        same_request = key is not None and key == message.send_key
        if same_request and message.status is Status.SENT:
            return _sent(message, await self.rendering.render(organization, message))
        check_sendable(message, self.clock(), same_request=same_request)
        self._check(message, delivery)
        claimed = await self._claimed(organization, message, delivery, key)
        rendered = await self.rendering.render(organization, claimed)
        # From here on nobody else can change or send it.
        claimed = await self.messages.replace(organization.key, message, claimed)
        return await self._hand_over(organization, claimed, rendered)

    def _check(self, message: Message, delivery: str) -> None:
        if not message.recipients:
            raise UnprocessableError("The message has no recipient.", "recipients")
        if delivery == GRAPH:
            raise UnprocessableError("Delivery by graph is not available yet.", "delivery")
        if delivery == SMTP and self.smtp is None:
            raise UnprocessableError("No mail server is configured here.", "delivery")

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
        sent = _sent(message, rendered)
        refused: dict[str, str] = {}
        try:
            await self.messages.write_links(organization.key, message, rendered.links)
            if message.delivery == SMTP:
                refused = await self._deliver(organization, sent)
        except EngagementError as error:
            failed = replace(
                message,
                status=Status.FAILED,
                failure=error.detail,
                ambiguous=isinstance(error, RemoteError) and error.ambiguous,
            )
            await self.messages.replace(organization.key, message, failed)
            raise
        done = replace(
            message,
            status=Status.SENT,
            sent_at=self.clock(),
            recipients=tuple(
                replace(item, refusal=refused.get(item.email)) for item in message.recipients
            ),
        )
        done = await self.messages.replace(organization.key, message, done)
        return replace(sent, message=replace(done, links=rendered.links))

    async def _deliver(self, organization: Organization, sent: Sent) -> dict[str, str]:
        """Hand every copy to the mail server; returns who was refused, with the server's words."""
        files = [
            MimeAttachment(
                item.name,
                item.content_type,
                await self.blobs.read(organization.key, item.blob),
            )
            for item in sent.attached
        ]
        refused: dict[str, str] = {}
        taken = 0
        for copy in sent.copies:
            try:
                refused |= await self._deliver_copy(sent.message, copy, files)
                taken += 1
            except RemoteError as error:
                # After the first copy is out, the message is sent; who got none is written down.
                if not taken:
                    raise
                refused |= dict.fromkeys(_emails(sent.message, copy), error.detail)
        return refused

    async def _deliver_copy(
        self, message: Message, copy: Copy, files: list[MimeAttachment]
    ) -> dict[str, str]:
        if self.smtp is None:
            raise UnprocessableError("No mail server is configured here.", "delivery")
        # In a thread, as files of some megabytes take their time to encode.
        mime = await asyncio.to_thread(
            build_mime,
            sender=(message.sender.name, message.sender.email),
            to=_addresses(message, Role.TO),
            cc=_addresses(message, Role.CC),
            subject=message.subject,
            html_body=copy.content.html_body,
            text_body=_text(copy),
            headers=headers_of(message, copy),
            attachments=files,
            date=self.clock(),
        )
        recipients = _emails(message, copy)
        return await self.smtp.send(mime, sender=message.sender.email, recipients=recipients)


def headers_of(message: Message, copy: Copy) -> dict[str, str]:
    """Headers by which replies to a copy are recognised later."""
    return {"Message-ID": copy.message_id_header, "X-Engagement-Message": message.id}


def _text(copy: Copy) -> str | None:
    """Return the plain-text alternative; one is made of the HTML where the CRM gave none."""
    if copy.content.text_body is None and copy.content.html_body is not None:
        return text_of(copy.content.html_body)
    return copy.content.text_body


def _sent(message: Message, rendered: Rendered) -> Sent:
    linked = message.follow_state is FollowState.FOLLOWED
    attached = tuple(item for item in message.attachments if not (linked and item.followed))
    return Sent(message, rendered.copies, attached)


def _addresses(message: Message, role: Role) -> list[tuple[str | None, str]]:
    return [(item.name, item.email) for item in message.recipients if item.role is role]


def _emails(message: Message, copy: Copy) -> list[str]:
    return [item.email for item in message.recipients if item.number in copy.recipients]


def _send_key(delivery: str, idempotency_key: str) -> str | None:
    if not idempotency_key:
        return None
    return hashlib.sha256(f"{delivery}\0{idempotency_key}".encode()).hexdigest()
