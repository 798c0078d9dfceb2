"""The bytes of attachments and of message contents: one container per organization.

A blob is written before the row that names it, and never changed: what no row names is waste that
the sweep removes, never something half visible.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from engagement.domain.messages.content import Content
from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.shared_access import SharedAccess

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as the sweep sees it."""

    name: str
    #: datetime, aware UTC
    created_at: datetime

    @property
    def message_id(self) -> str:
        """Message that the blob was made for."""
        return self.name.split("/")[1]


class Blobs:
    """Stores blobs by the key of their organization and a server-made name."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.shared_access = SharedAccess(account)

    async def write(self, organization: str, name: str, data: bytes, content_type: str) -> None:
        """Store *data*; raises NotFoundError if the organization is gone."""
        from azure.storage.blob import ContentSettings

        settings = ContentSettings(content_type=content_type)
        async with storage_call(60):
            await self._blob(organization, name).upload_blob(
                data, overwrite=True, content_settings=settings
            )

    async def read(
        self, organization: str, name: str, offset: int = 0, length: int | None = None
    ) -> bytes:
        """Return *length* bytes from *offset*; raises NotFoundError."""
        return await self._read(organization, name, offset, length, 60)

    async def read_at_once(
        self, organization: str, name: str, offset: int, length: int | None, seconds: float
    ) -> bytes:
        """Like :meth:`read`, within *seconds* and without retries: a recipient is waiting."""
        await self.account.import_blobs()
        return await self._read(organization, name, offset, length, seconds, retry_total=0)

    async def _read(
        self,
        organization: str,
        name: str,
        offset: int,
        length: int | None,
        seconds: float,
        **options: Any,
    ) -> bytes:
        if length == 0:
            return b""
        async with storage_call(seconds):
            # Any range of an empty blob is refused, even that of all its bytes.
            part = (offset, length) if offset or length else ()
            stream = await self._blob(organization, name).download_blob(*part, **options)
            data: bytes = await stream.readall()
        return data

    async def delete(self, organization: str, name: str) -> None:
        """Delete a blob; may be repeated."""
        try:
            async with storage_call():
                await self._blob(organization, name).delete_blob()
        except NotFoundError:
            pass

    async def write_content(self, organization: str, name: str, content: Content) -> None:
        """Store what a message says."""
        text = json.dumps({"html_body": content.html_body, "text_body": content.text_body})
        await self.write(organization, name, text.encode(), "application/json")

    async def read_content(self, organization: str, name: str) -> Content:
        """Return what a message says."""
        return Content(**json.loads(await self.read(organization, name)))

    def list_day(self, organization: str, day: datetime) -> AsyncIterator[StoredBlob]:
        """Yield the blobs that were made for messages on one day (UTC)."""
        return self._list(organization, f"{day:%Y-%m-%d}/")

    def list_templates(self, organization: str) -> AsyncIterator[StoredBlob]:
        """Yield the blobs that were made for templates."""
        return self._list(organization, f"{keys.TEMPLATES}/")

    async def _list(self, organization: str, prefix: str) -> AsyncIterator[StoredBlob]:
        container = self.account.container(keys.container(organization))
        async with storage_call(120):
            found = [
                StoredBlob(item.name, item.creation_time)
                async for item in container.list_blobs(name_starts_with=prefix)
            ]
        for blob in found:
            yield blob

    async def read_only_url(
        self, organization: str, name: str, *, size: int, disposition: str, content_type: str
    ) -> str | None:
        """Return a URL that reads this one blob for some minutes, None if nobody can sign one now.

        Raises NotFoundError for a blob that is gone or has another *size* in bytes.
        """
        await self.account.import_blobs()
        heads: list[Any] = []
        blob = self._blob(organization, name)
        async with storage_call(2):
            # Whoever follows the URL would see the store's own words about a blob that is gone.
            stored = await blob.get_blob_properties(retry_total=0, raw_response_hook=heads.append)
        if stored.size != size:
            raise NotFoundError("The blob is not the one that was stored.")
        try:
            signature = await self.shared_access.sign(
                container=keys.container(organization),
                blob=name,
                # The store's clock, as it will say whether the signature holds.
                now=parsedate_to_datetime(heads[-1].http_response.headers["Date"]),
                disposition=disposition,
                content_type=content_type,
            )
        except StorageError:
            return None
        return f"{blob.url}?{signature}"

    def _blob(self, organization: str, name: str) -> BlobClient:
        client: Any = self.account.container(keys.container(organization)).get_blob_client(name)
        blob: BlobClient = client
        return blob
