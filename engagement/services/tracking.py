"""Answering recipients: the pixel, the redirect, the attachment. See docs/concepts.md."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engagement.domain.attachment import Attachment
from engagement.domain.byte_range import ByteRange, read_range
from engagement.domain.destination import location
from engagement.domain.file_name import content_disposition
from engagement.domain.interaction import (
    Interaction,
    InteractionType,
    interaction_id,
    printable_user_agent,
)
from engagement.domain.tracking_token import Kind, TokenSigner, TrackingToken, trim
from engagement.domain.verdict import RULES_VERSION, classify
from engagement.errors import NotFoundError, StorageError, UnprocessableError
from engagement.services.recording import Recording
from engagement.storage.blobs import Blobs
from engagement.storage.memory import Memory
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

logger = logging.getLogger(__name__)

#: Seconds. A destination never changes, so a stale one is served while the store is down.
LINK_LIFE = 300.0
SETTINGS_LIFE = 60.0
#: Seconds that the switch of an organization may hold a recipient up.
SETTINGS_PATIENCE = 0.4

TYPES = {
    Kind.OPEN: InteractionType.OPEN,
    Kind.CLICK: InteractionType.CLICK,
    Kind.ATTACHMENT: InteractionType.ATTACHMENT_VIEW,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One request of somebody unknown."""

    method: str
    #: Mapping, names in lower case
    headers: Mapping[str, str]
    at: datetime
    #: str, random, made once per request
    nonce: str


@dataclass(frozen=True, slots=True)
class Download:
    """An attachment as it is answered: the bytes, or where to read them."""

    attachment: Attachment
    data: bytes
    #: ByteRange or None, the part that *data* is, when a part was asked for
    part: ByteRange | None
    #: str or None, a short-lived URL for what is too large to pass through a function
    url: str | None


class Tracking:
    """Answers hits on tracked URLs; the answer never depends on the verdict."""

    def __init__(
        self,
        signer: TokenSigner,
        messages: Messages,
        blobs: Blobs,
        settings: SettingsRows,
        recording: Recording,
        stream_limit_bytes: int,
    ) -> None:
        self.signer = signer
        self.messages = messages
        self.blobs = blobs
        self.settings = settings
        self.recording = recording
        self.stream_limit_bytes = stream_limit_bytes
        self.links: Memory[str] = Memory(LINK_LIFE, 10_000)
        self.attachments: Memory[Attachment] = Memory(LINK_LIFE, 1_000)
        self.switches: Memory[bool] = Memory(SETTINGS_LIFE, 10_000)

    async def open(self, text: str, hit: Hit) -> None:
        """Note an open; raises InvalidTokenError, which the pixel does not show."""
        await self._record(self.signer.verify(trim(text), Kind.OPEN), hit)

    async def click(self, text: str, hit: Hit) -> str:
        """Note a click and return the Location to send the visitor to.

        Raises InvalidTokenError or NotFoundError for a link that leads nowhere, StorageError when
        that cannot be known now.
        """
        token = self.signer.verify(trim(text), Kind.CLICK)
        place = (token.organization, token.message_id, token.target)
        url = await self.links.get(
            place, lambda: self.messages.read_destination(*place), down=self._down
        )
        try:
            destination = location(url)
        except UnprocessableError as error:
            logger.error("a stored link must not be followed", extra={"target": token.target})  # noqa: TRY400
            raise NotFoundError("This link leads nowhere.") from error
        await self._record(token, hit)
        return destination

    async def download(self, text: str, hit: Hit) -> Download:
        """Note an attachment view and return the file, or the part that was asked for.

        Raises like :meth:`click`; a fetch that begins behind the first byte goes on with an
        earlier one and is not noted again.
        """
        token = self.signer.verify(trim(text), Kind.ATTACHMENT)
        place = (token.organization, token.message_id, token.target)
        attachment = await self.attachments.get(
            place, lambda: self.messages.read_attachment(*place), down=self._down
        )
        part = read_range(hit.headers.get("range"), attachment.size)
        download = await self._read(token, attachment, part, hit)
        if part is None or part.first == 0:
            await self._record(token, hit)
        return download

    async def _read(
        self, token: TrackingToken, attachment: Attachment, part: ByteRange | None, hit: Hit
    ) -> Download:
        if attachment.size > self.stream_limit_bytes:
            url = await self.blobs.read_only_url(
                token.organization,
                attachment.blob,
                disposition=content_disposition(attachment.name),
                content_type=attachment.content_type,
                now=hit.at,
            )
            return Download(attachment, b"", None, url)
        if hit.method == "HEAD":
            return Download(attachment, b"", part, None)
        data = await self.blobs.read_at_once(
            token.organization,
            attachment.blob,
            part.first if part else 0,
            part.length if part else None,
        )
        return Download(attachment, data, part, None)

    async def _record(self, token: TrackingToken, hit: Hit) -> None:
        """Keep what happened; a failure here is ours and never the recipient's."""
        try:
            if await self._enabled(token.organization):
                await self.recording.record(token.organization, _interaction(token, hit))
        except Exception:
            logger.exception("an interaction could not be recorded")

    async def _enabled(self, organization: str) -> bool:
        """Whether the organization wants interactions: as last known, else yes."""
        if self._down:
            return self.switches.last(organization, default=True)
        try:
            return await self.switches.get(organization, lambda: self._switch(organization))
        except StorageError:
            return True
        except Exception:
            logger.exception("the switch of an organization cannot be read")
            return True

    async def _switch(self, organization: str) -> bool:
        settings = await self.settings.read_at_once(organization, SETTINGS_PATIENCE)
        return settings.follow_enabled

    @property
    def _down(self) -> bool:
        """Whether the tables are known to be down, so that nobody is to wait for them."""
        return not self.recording.table_breaker.closed


def _interaction(token: TrackingToken, hit: Hit) -> Interaction:
    judgement = classify(hit.method, hit.headers)
    return Interaction(
        id=interaction_id(hit.at, hit.nonce),
        message_id=token.message_id,
        type=TYPES[token.kind],
        at=hit.at,
        recipient=token.recipient,
        target=token.target,
        verdict=judgement.verdict,
        via=judgement.via,
        reasons=judgement.reasons,
        rules=RULES_VERSION,
        user_agent=printable_user_agent(hit.headers.get("user-agent")),
    )
