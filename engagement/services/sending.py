"""Sending: a message's copies are handed back to the CRM, or over to what sends them, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from engagement import telemetry
from engagement.domain.messages.attachment import Attachment
from engagement.domain.messages.copy import Copy
from engagement.domain.messages.due_time import PATIENCE
from engagement.domain.messages.follow import FollowState, follow_state
from engagement.domain.messages.message import Message, Status, check_sendable
from engagement.errors import (
    ConflictError,
    EngagementError,
    NotFoundError,
    RemoteError,
    StorageError,
    StoreMissingError,
    UnprocessableError,
)
from engagement.remote.mime import MimeAttachment
from engagement.services.handing_over import GRAPH, SMTP, HandingOver, in_doubt
from engagement.services.projecting import Projecting
from engagement.services.rendering import Rendered, Rendering
from engagement.storage.blobs import Blobs
from engagement.storage.settings import SettingsRows

Change = Callable[[Message], Message]

#: Tries to store an outcome while a seller changes the message's reminder.
TRIES = 5

CRM = "crm"
DELIVERIES = (CRM, SMTP, GRAPH)


@dataclass(frozen=True, slots=True)
class Order:
    """How a message is to be sent; *now* is to do so although it waits for its time."""

    delivery: str
    idempotency_key: str = ""
    now: bool = False

    @property
    def key(self) -> str | None:
        """What the same order is known by when it comes again."""
        if not self.idempotency_key:
            return None
        told = f"{self.delivery}\0{self.now or ''}{self.idempotency_key}"
        return hashlib.sha256(told.encode()).hexdigest()


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
        projecting: Projecting,
        blobs: Blobs,
        settings: SettingsRows,
        rendering: Rendering,
        handing_over: HandingOver,
        clock: Callable[[], datetime],
    ) -> None:
        self.projecting = projecting
        self.messages = projecting.messages
        self.blobs = blobs
        self.settings = settings
        self.rendering = rendering
        self.handing_over = handing_over
        self.clock = clock

    async def send(self, organization: str, message: Message, order: Order) -> Sent:
        """Send a message now; the same order again gets the same copies, and nothing is sent.

        Raises UnprocessableError for what cannot be sent so, ConflictError if it was sent already
        or may have been, RemoteError if what sends it took none of it.
        """
        same_request = order.key is not None and order.key == message.send_key
        if same_request and message.status is Status.SENT:
            return _sent(message, await self.rendering.render(organization, message))
        check_sendable(message, self.clock(), same_request=same_request)
        # What waited goes on waiting if trying again may help: its note is still there.
        waited = message.status is Status.SCHEDULED
        return await self._send(organization, message, order.delivery, order.key, waited=waited)

    async def send_due(self, organization: str, message: Message) -> Sent:
        """Send a message whose time has come, as it was told to be sent.

        Raises like :meth:`send`; where trying again may help, the message goes on waiting.
        """
        delivery, key = message.delivery or CRM, message.send_key
        return await self._send(organization, message, delivery, key, waited=True)

    async def rehearse(self, organization: str, message: Message, delivery: str) -> None:
        """Raise what sending the message would raise before anything is handed over."""
        self._check(message, delivery)
        await self._rendered(
            organization, await self._claimed(organization, message, delivery, None)
        )

    async def _send(
        self, organization: str, message: Message, delivery: str, key: str | None, *, waited: bool
    ) -> Sent:
        self._check(message, delivery)
        claimed = await self._claimed(organization, message, delivery, key)
        rendered = await self._rendered(organization, claimed)
        async with self.projecting.change(organization, message.id):
            # From here on nobody else can change or send it.
            claimed = await self.messages.replace(organization, message, claimed)
            return await self._hand_over(organization, claimed, rendered, waited=waited)

    async def _rendered(self, organization: str, message: Message) -> Rendered:
        try:
            return await self.rendering.render(organization, message)
        except StoreMissingError:
            raise
        except NotFoundError as error:
            stored = await self.messages.read(organization, message.id)
            if stored.etag != message.etag:
                raise ConflictError("Somebody else changed this at the same time.") from error
            # Nobody did, so trying again finds no more: whoever wants it sent gives it another.
            raise UnprocessableError("The content of the message is missing.") from error

    def _check(self, message: Message, delivery: str) -> None:
        if not message.recipients:
            raise UnprocessableError("The message has no recipient.", "recipients")
        if delivery != CRM:
            self.handing_over.check(message, delivery)

    async def _claimed(
        self, organization: str, message: Message, delivery: str, key: str | None
    ) -> Message:
        settings, _ = await self.settings.read(organization)
        state = follow_state(
            wanted=message.follow,
            enabled=settings.follow_enabled,
            recipients=message.record_types,
        )
        return replace(
            message,
            status=Status.SENDING,
            sending_at=self.clock(),
            tried_since=message.tried_since or self.clock(),
            delivery=delivery,
            follow_state=state,
            failure=None,
            send_key=key,
        )

    async def _hand_over(
        self, organization: str, message: Message, rendered: Rendered, *, waited: bool
    ) -> Sent:
        refused: dict[str, str] = {}
        try:
            await self.messages.write_links(organization, message, rendered.links)
            if message.delivery != CRM:
                files = await self._files(organization, _sent(message, rendered).attached)
                message = await self._advance(
                    organization, message, lambda old: replace(old, ambiguous=True)
                )
                refused = await self.handing_over.deliver(
                    message, rendered.copies, files, self.clock()
                )
        except EngagementError as error:
            failure = error
            done = await self._finish(
                organization, message, lambda old: self._failed(old, failure, waited=waited)
            )
            tell_delivery(done)
            raise
        done = await self._finish(
            organization, message, lambda old: _delivered(old, refused, self.clock())
        )
        tell_delivery(done)
        return _sent(replace(done, links=rendered.links), rendered)

    def _failed(self, message: Message, error: EngagementError, *, waited: bool) -> Message:
        """Return the message after a hand-over that failed: to be tried again, or not."""
        if in_doubt(error):
            status = Status.UNKNOWN
        elif waited and may_pass(error) and not self._tried_long(message):
            status = Status.SCHEDULED
        else:
            status = Status.FAILED
        return replace(message, status=status, failure=error.detail, ambiguous=in_doubt(error))

    def _tried_long(self, message: Message) -> bool:
        return self.clock() - (message.tried_since or self.clock()) >= PATIENCE

    async def _finish(self, organization: str, old: Message, change: Change) -> Message:
        if old.delivery != CRM:
            # Minutes may have passed since it was marked; the outcome is to be kept in any case.
            with suppress(StorageError):
                await self.projecting.markers.mark(organization, old.id)
        return await self._advance(organization, old, change)

    async def _advance(self, organization: str, claimed: Message, change: Change) -> Message:
        """Change a message that we are handing over; a reminder set meanwhile is kept."""
        for _ in range(TRIES):
            try:
                return await self.messages.replace(organization, claimed, change(claimed))
            except ConflictError:
                stored = await self.messages.read(organization, claimed.id)
                if (stored.status, stored.sending_at) != (claimed.status, claimed.sending_at):
                    raise
                claimed = replace(claimed, reminder=stored.reminder, etag=stored.etag)
        raise ConflictError("Too many others are changing this message at the same time.")

    async def _files(
        self, organization: str, attached: tuple[Attachment, ...]
    ) -> list[MimeAttachment]:
        return [
            MimeAttachment(item.name, item.content_type, await self._file(organization, item))
            for item in attached
        ]

    async def _file(self, organization: str, item: Attachment) -> bytes:
        try:
            return await self.blobs.read(organization, item.blob)
        except StoreMissingError:
            raise
        except NotFoundError as error:
            raise UnprocessableError(
                f"The file {item.name!r} is missing.", "attachments"
            ) from error


def tell_delivery(message: Message) -> None:
    """Tell what became of a hand-over, once it is stored."""
    outcome = "retried" if message.status is Status.SCHEDULED else message.status.value
    telemetry.metric("deliveries", channel=message.delivery or CRM, outcome=outcome, value=1)


def may_pass(error: EngagementError) -> bool:
    """Whether nothing was handed over, and trying again later may help."""
    if isinstance(error, RemoteError):
        return error.retry_after is not None and not error.ambiguous
    return isinstance(error, StorageError | StoreMissingError)


def _delivered(message: Message, refused: Mapping[str, str], now: datetime) -> Message:
    return replace(
        message,
        status=Status.SENT,
        ambiguous=False,
        sent_at=now,
        recipients=tuple(
            replace(item, refusal=refused.get(item.email)) for item in message.recipients
        ),
    )


def _sent(message: Message, rendered: Rendered) -> Sent:
    linked = message.follow_state is FollowState.FOLLOWED
    attached = tuple(item for item in message.attachments if not (linked and item.followed))
    return Sent(message, rendered.copies, attached)
