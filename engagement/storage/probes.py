"""Whether whoever asks may read and write in the data account: something is written and removed.

Unlike :mod:`engagement.storage.readiness`, which only asks whether the stores answer. Table,
container and queue of the probes stay, empty: making one again soon after deleting it is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from engagement.errors import StorageError
from engagement.storage.account import Account, code_of, storage_call
from engagement.storage.queue_messages import QueueMessages, RefusedError
from engagement.storage.wire import Wire

#: Name of the table, container and queue.
PROBES = "doctorprobes"
SECONDS = 10.0
#: Code of a refusal by nobody but ourselves: there is no identity to show.
NO_SIGN_IN = "NoSignIn"


class Probes:
    """Tries an account. Every method raises RefusedError, or StorageError if nothing answers."""

    def __init__(self, account: Account, wire: Wire) -> None:
        self.account = account
        self.wire = wire

    async def tables(self) -> None:
        """Write, read and remove a row."""
        from azure.core.exceptions import ResourceExistsError

        table, row = self.account.table(PROBES), {"PartitionKey": "probe", "RowKey": _name()}
        async with _asked():
            with suppress(ResourceExistsError):
                await table.create_table(retry_total=0)
            await table.create_entity(row, retry_total=0)
            await table.get_entity("probe", row["RowKey"], retry_total=0)
            await table.delete_entity("probe", row["RowKey"], retry_total=0)

    async def blobs(self) -> None:
        """Write, read and remove a blob."""
        from azure.core.exceptions import ResourceExistsError

        container = self.account.container(PROBES)
        async with _asked():
            with suppress(ResourceExistsError):
                await container.create_container(retry_total=0)
            blob = container.get_blob_client(_name())
            await blob.upload_blob(b"probe", retry_total=0)
            await (await blob.download_blob(retry_total=0)).readall()
            await blob.delete_blob(retry_total=0)

    async def queues(self) -> None:
        """Put, take and delete a message."""
        messages = QueueMessages(self.wire, PROBES)
        async with _asked():
            await messages.put("")
            async for message in messages.take(1):
                await messages.delete(message)

    async def delegation_key(self, now: datetime) -> None:
        """Ask for the key that signs URLs of single blobs; *now* is aware UTC."""
        async with _asked():
            until = now + timedelta(minutes=5)
            await self.account.blobs.get_user_delegation_key(now, until, retry_total=0)

    async def clock(self) -> datetime | None:
        """Return what time it is at the store, aware UTC, whether it lets us in or not."""
        async with _asked():
            _, headers, _ = await self.wire.read_queue(f"{PROBES}?comp=metadata", SECONDS)
        date = headers.get("date")
        return parsedate_to_datetime(date) if date else None


@asynccontextmanager
async def _asked() -> AsyncIterator[None]:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    try:
        async with storage_call(SECONDS):
            yield
    except StorageError as error:
        cause = error.__cause__
        if isinstance(cause, ClientAuthenticationError) and cause.status_code is None:
            raise RefusedError(401, NO_SIGN_IN) from error
        if isinstance(cause, HttpResponseError) and cause.status_code:
            raise RefusedError(cause.status_code, code_of(cause)) from error
        raise
    except HttpResponseError as error:
        raise RefusedError(error.status_code or 0, code_of(error)) from error


def _name() -> str:
    return uuid.uuid4().hex
