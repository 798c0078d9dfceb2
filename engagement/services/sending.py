"""Sending: a draft's copies are handed back to the CRM, or over to a mail server, once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engagement.domain.attachment import Attachment
from engagement.domain.copy import Copy
from engagement.domain.follow import FollowState, follow_state
from engagement.domain.message import Message, Role, Status, check_sendable
from engagement.domain.organization import Organization
from engagement.domain.text_body import text_of
from engagement.errors import (
    ConflictError,
    EngagementError,
    NotFoundError,
    RemoteError,
    UnprocessableError,
)
from engagement.remote.mime import MimeAttachment, build_mime
from engagement.remote.smtp import Smtp
from engagement.services.rendering import Rendered, Rendering
from engagement.storage.blobs import Blobs
from engagement.storage.markers import Markers
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

CRM, SMTP, GRAPH = "crm", "smtp", "graph"
DELIVERIES = (CRM, SMTP, GRAPH)

#: Seconds in which the copies of a message are handed over; the front end of Azure waits for 230.
DELIVERY_SECONDS = 120.0
NO_TIME = "There was no time left to hand this copy over."


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent, its copies, and the files that travel with each of them."""

    message: Message
    copies: tuple[Copy, ...]
    attached: tuple[Attachment, ...]


class Sending:
    """Hands messages over; *clock* tells the moment of the hand-over, aware UTC."""

    def __init__(  # noqa: PLR0913, PLR0917 - each has its part in a hand-over
        self,
        messages: Messages,
        blobs: Blobs,
        settings: SettingsRows,
        rendering: Rendering,
        markers: Markers,
        smtp: Smtp | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.messages = messages
        self.blobs = blobs
        self.settings = settings
        self.rendering = rendering
        self.markers = markers
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
        rendered = await self._rendered(organization, claimed)
        # Before, so that a message that was sent is rolled up whatever happens to us.
        await self.markers.mark(organization.key, message_id)
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
        refused: dict[str, str] = {}
        try:
            await self.messages.write_links(organization.key, message, rendered.links)
            if message.delivery == SMTP:
                files = await self._files(organization, _sent(message, rendered).attached)
                doubtful = replace(message, ambiguous=True)
                message = await self.messages.replace(organization.key, message, doubtful)
                refused = await self._deliver(message, rendered, files)
        except EngagementError as error:
            failed = replace(
                message, status=Status.FAILED, failure=error.detail, ambiguous=_in_doubt(error)
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

    async def _deliver(
        self, message: Message, rendered: Rendered, files: list[MimeAttachment]
    ) -> dict[str, str]:
        """Hand every copy to the mail server; returns who was refused, with the server's words.

        Raises RemoteError if no copy was taken.
        """
        refused: dict[str, str] = {}
        errors: list[EngagementError] = []
        taken = False
        end = time.monotonic() + DELIVERY_SECONDS
        for copy in rendered.copies:
            if time.monotonic() > end:
                refused |= dict.fromkeys(_emails(message, copy), NO_TIME)
                continue
            try:
                refused |= await self._deliver_copy(message, copy, files)
                taken = True
            except EngagementError as error:
                # Whatever is wrong with one copy, those that are out already are out.
                errors.append(error)
                refused |= dict.fromkeys(_emails(message, copy), error.detail)
        if not taken:
            ambiguous = any(_in_doubt(error) for error in errors)
            raise RemoteError(errors[0].detail, ambiguous=ambiguous)
        return refused

    async def _deliver_copy(
        self, message: Message, copy: Copy, files: list[MimeAttachment]
    ) -> dict[str, str]:
        if self.smtp is None:
            raise UnprocessableError("No mail server is configured here.", "delivery")
        # In a thread, as bodies and files of some megabytes take their time.
        mime = await asyncio.to_thread(_mime, message, copy, files, self.clock())
        recipients = _emails(message, copy)
        return await self.smtp.send(mime, sender=message.sender.email, recipients=recipients)


def _in_doubt(error: EngagementError) -> bool:
    return isinstance(error, RemoteError) and error.ambiguous


def _mime(message: Message, copy: Copy, files: list[MimeAttachment], date: datetime) -> bytes:
    html = copy.content.html_body
    text = copy.content.text_body
    return build_mime(
        sender=(message.sender.name, message.sender.email),
        to=_addresses(message, Role.TO),
        cc=_addresses(message, Role.CC),
        subject=message.subject,
        html_body=html,
        # A plain-text alternative is made where the CRM gave none.
        text_body=text_of(html) if text is None and html is not None else text,
        headers=headers_of(message, copy),
        attachments=files,
        date=date,
    )


def headers_of(message: Message, copy: Copy) -> dict[str, str]:
    """Headers by which replies to a copy are recognised later."""
    return {"Message-ID": copy.message_id_header, "X-Engagement-Message": message.id}


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
