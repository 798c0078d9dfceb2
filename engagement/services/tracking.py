"""Answering recipients: the pixel, the redirect, the attachment. See docs/concepts.md."""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import dataclass

from engagement import telemetry
from engagement.domain.byte_range import ByteRange, read_range
from engagement.domain.file_name import content_disposition
from engagement.domain.messages.attachment import Attachment
from engagement.domain.tracking.destination import location
from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken, trim
from engagement.domain.verdicts.observer import Hit
from engagement.errors import InvalidTokenError, NotFoundError, StorageError, UnprocessableError
from engagement.services.observing import Observing
from engagement.services.recording import Recording
from engagement.storage.blobs import Blobs
from engagement.storage.memory import Memory
from engagement.storage.targets import Targets

#: Seconds. A destination never changes, so a stale one is served while the store is down.
LINK_LIFE = 300.0
#: Seconds that the bytes of a file may take, and of one that is too large to pass through.
READ_SECONDS = 5.0
LARGE_READ_SECONDS = 20.0


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
        targets: Targets,
        blobs: Blobs,
        observing: Observing,
        recording: Recording,
        stream_limit_bytes: int,
    ) -> None:
        self.signer = signer
        self.targets = targets
        self.blobs = blobs
        self.observing = observing
        self.recording = recording
        self.stream_limit_bytes = stream_limit_bytes
        self.links: Memory[str] = Memory(LINK_LIFE, 10_000)
        self.attachments: Memory[Attachment] = Memory(LINK_LIFE, 1_000)
        # They fill the memory of an instance, so one after the other.
        self.large_reads = asyncio.Semaphore(1)

    async def open(self, text: str, hit: Hit) -> None:
        """Note an open; raises InvalidTokenError, which the pixel does not show."""
        await self._record(self._verified(text, Kind.OPEN), hit)

    async def click(self, text: str, hit: Hit) -> str:
        """Note a click and return the Location to send the visitor to.

        Raises InvalidTokenError or NotFoundError for a link that leads nowhere, StorageError when
        that cannot be known now.
        """
        token = self._verified(text, Kind.CLICK)
        place = (token.organization, token.message_id, token.target)
        url = await self.links.get(
            place, lambda: self.targets.read_destination(*place), down=self._down
        )
        try:
            destination = location(url)
        except UnprocessableError as error:
            telemetry.error(  # noqa: TRY400
                "link_forbidden",
                organization=token.organization,
                message=token.message_id,
                target=token.target,
            )
            raise NotFoundError("This link leads nowhere.") from error
        await self._record(token, hit)
        return destination

    async def download(self, text: str, hit: Hit) -> Download:
        """Note an attachment view and return the file, or the part that was asked for.

        Raises like :meth:`click`; a fetch that begins behind the first byte goes on with an
        earlier one and is not noted again.
        """
        token = self._verified(text, Kind.ATTACHMENT)
        place = (token.organization, token.message_id, token.target)
        attachment = await self.attachments.get(
            place, lambda: self.targets.read_attachment(*place), down=self._down
        )
        part = read_range(hit.headers.get("range"), attachment.size)
        try:
            download = await self._read(token, attachment, part, hit)
        except NotFoundError:
            telemetry.warning(
                "attachment_missing",
                organization=token.organization,
                message=token.message_id,
                target=token.target,
            )
            raise
        if part is None or part.first == 0:
            await self._record(token, hit)
        return download

    def _verified(self, text: str, kind: Kind) -> TrackingToken:
        try:
            return self.signer.verify(trim(text), kind)
        except InvalidTokenError:
            tally = self.recording.tally
            tally.count("bad_tokens", kind.value)
            tally.tell(time.monotonic())
            raise

    async def _read(
        self, token: TrackingToken, attachment: Attachment, part: ByteRange | None, hit: Hit
    ) -> Download:
        large = attachment.size > self.stream_limit_bytes
        if large:
            url = await self.blobs.read_only_url(
                token.organization,
                attachment.blob,
                size=attachment.size,
                disposition=content_disposition(attachment.name),
                content_type=attachment.content_type,
            )
            if url is not None:
                return Download(attachment, b"", None, url)
        if hit.method == "HEAD":
            return Download(attachment, b"", part, None)
        data = await self._bytes(token.organization, attachment, part, large=large)
        if len(data) != (part.length if part else attachment.size):
            raise NotFoundError("The blob is not the one that was stored.")
        return Download(attachment, data, part, None)

    async def _bytes(
        self, organization: str, attachment: Attachment, part: ByteRange | None, *, large: bool
    ) -> bytes:
        first = part.first if part else 0
        length = part.length if part else None
        read = functools.partial(
            self.blobs.read_at_once, organization, attachment.blob, first, length
        )
        if not large:
            return await read(READ_SECONDS)
        try:
            async with asyncio.timeout(LARGE_READ_SECONDS), self.large_reads:
                return await read(LARGE_READ_SECONDS)
        except TimeoutError as error:
            raise StorageError("Others are reading large files.") from error

    async def _record(self, token: TrackingToken, hit: Hit) -> None:
        """Keep what happened; a failure here is ours and never the recipient's."""
        try:
            seen = await self.observing.observe(token, hit, down=self._down)
            if seen is not None:
                await self.recording.record(
                    token.organization, seen.interaction, telling=seen.telling
                )
                self.recording.ask_about(seen.crowd)
        except Exception:
            telemetry.exception("recording_failed", organization=token.organization)

    @property
    def _down(self) -> bool:
        """Whether the tables are known to be down, so that nobody is to wait for them."""
        return not self.recording.table_breaker.closed
