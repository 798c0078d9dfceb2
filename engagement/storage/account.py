"""Clients of the data account's services, made when first needed: their SDKs are slow to import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engagement.config import DataAccount
from engagement.errors import NotFoundError, StorageError, StoreMissingError

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.data.tables.aio import TableClient, TableServiceClient
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential
    from azure.storage.blob.aio import BlobServiceClient, ContainerClient

#: The SDKs' own defaults would retry for minutes (total 10, back-off up to 120 s).
PATIENCE = {
    "retry_total": 2,
    "retry_connect": 1,
    "retry_read": 1,
    "retry_status": 2,
    "retry_backoff_factor": 0.2,
    "connection_timeout": 2,
    "read_timeout": 10,
}
#: Blobs have a retry policy of their own, which would begin with 15 s.
BLOB_PATIENCE = {**PATIENCE, "initial_backoff": 0.2, "increment_base": 2}

#: What a store says to an identity that it does not know or accept, to who would write where the
#: account or the container is read-only, and when it is too busy.
REFUSALS = (401, 403, 409, 429)
#: How its words end for a table or container that is not there, or still being deleted (409).
MISSING = ("TableNotFound", "ContainerNotFound", "BeingDeleted")


class Account:
    """The data account: Azurite by connection string, Azure by managed identity."""

    def __init__(self, data: DataAccount) -> None:
        self.data = data
        self.opened: list[Any] = []

    @cached_property
    def credential(self) -> ManagedIdentityCredential | DefaultAzureCredential:
        """The app's identity in Azure; a developer's own when none is named."""
        from azure.identity.aio import (
            DefaultAzureCredential,
            ManagedIdentityCredential,
        )

        credential: ManagedIdentityCredential | DefaultAzureCredential
        if self.data.client_id:
            credential = ManagedIdentityCredential(client_id=self.data.client_id)
        else:
            credential = DefaultAzureCredential()
        self.opened.append(credential)
        return credential

    @cached_property
    def tables(self) -> TableServiceClient:
        """Client of Azure Tables."""
        from azure.data.tables.aio import TableServiceClient

        url = self.data.table_url
        client: TableServiceClient = self._open(TableServiceClient, PATIENCE, endpoint=url)
        return client

    @cached_property
    def blobs(self) -> BlobServiceClient:
        """Client of Azure Blobs."""
        from azure.storage.blob.aio import BlobServiceClient

        url = self.data.blob_url
        client: BlobServiceClient = self._open(BlobServiceClient, BLOB_PATIENCE, account_url=url)
        return client

    async def import_identity(self) -> None:
        """Import what signs the app in, in a thread: those who are being served would wait."""
        if "credential" not in self.__dict__:
            await asyncio.to_thread(__import__, "azure.identity.aio")

    async def import_blobs(self) -> None:
        """Import the blobs' SDK in a thread, like :meth:`import_identity`."""
        if "blobs" not in self.__dict__:
            await asyncio.to_thread(__import__, "azure.storage.blob.aio")

    def table(self, name: str) -> TableClient:
        """Client of one table."""
        return self.tables.get_table_client(name)

    def container(self, name: str) -> ContainerClient:
        """Client of one blob container."""
        return self.blobs.get_container_client(name)

    async def close(self) -> None:
        """Give back every connection."""
        while self.opened:
            await self.opened.pop().close()

    def _open(self, client: Any, patience: dict[str, Any], **address: Any) -> Any:
        if self.data.connection_string:
            made = client.from_connection_string(self.data.connection_string, **patience)
        else:
            made = client(**address, credential=self.credential, **patience)
        self.opened.append(made)
        return made


@asynccontextmanager
async def storage_call(seconds: float = 20.0) -> AsyncIterator[None]:
    """Bound a call of an SDK and turn its failures into ours.

    What is not there becomes NotFoundError unless the caller expected it, StoreMissingError if its
    table or container is not; a store that refuses, fails or does not answer within *seconds*
    becomes StorageError, and so does a conflict that the caller did not expect: then the account
    cannot be written. Whatever else it says is a bug and passes.
    """
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise StorageError("The store did not answer.") from error
    except HttpResponseError as error:
        status = error.status_code
        if store_missing(error):
            raise StoreMissingError(
                "The table or container that holds this is gone, or being deleted."
            ) from error
        # 416: the part that was asked for is not in the blob.
        if status in (404, 416):
            raise NotFoundError("It does not exist, or no longer.") from error
        if status is None or status in REFUSALS or status >= 500:
            raise StorageError("The store cannot answer now.") from error
        raise
    except AzureError as error:
        raise StorageError("The store did not answer.") from error


def store_missing(error: HttpResponseError) -> bool:
    """Whether it says that a table or container is not there, or is still being deleted (409)."""
    return code_of(error).endswith(MISSING)


def code_of(error: HttpResponseError) -> str:
    """Return the store's own word for what is wrong, "" if it said none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")
