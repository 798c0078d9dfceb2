"""Whether tables, blobs and queues answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.queues import Queue

#: Seconds that a store may take; all are asked at the same time.
PATIENCE = 3.0
#: Seconds that an answer is remembered: anybody may ask, and must not keep the stores busy.
LIFE = 5.0
SDKS = ("azure.data.tables.aio", "azure.storage.blob.aio")


class Readiness:
    """Asks the stores, and remembers for some seconds what they answered."""

    def __init__(self, account: Account, queue: Queue) -> None:
        self.account = account
        self.queue = queue
        self.lock = asyncio.Lock()
        self.asked_at = float("-inf")
        self.failure: BaseException | None = None

    async def check(self) -> None:
        """Raise StorageError unless all stores answer, or did so some seconds ago."""
        async with self.lock:
            if time.monotonic() - self.asked_at > LIFE:
                self.failure = await self._ask()
                self.asked_at = time.monotonic()
        if self.failure is not None:
            raise StorageError("The stores do not answer.") from self.failure

    async def _ask(self) -> BaseException | None:
        for sdk in SDKS:
            # In a thread, as those who are being served would wait for it.
            await asyncio.to_thread(__import__, sdk)
        answers = await asyncio.gather(
            self._tables(), self._blobs(), self._queues(), return_exceptions=True
        )
        return next((answer for answer in answers if answer is not None), None)

    # Each asks for what the app's roles let it read, and a 404 is an answer as well.

    async def _tables(self) -> None:
        with suppress(NotFoundError):
            async with storage_call(PATIENCE):
                await self.account.table(keys.REGISTRY).get_entity("-", "-", retry_total=0)

    async def _blobs(self) -> None:
        with suppress(NotFoundError):
            async with storage_call(PATIENCE):
                container = self.account.container(keys.container("0"))
                await container.get_container_properties(retry_total=0)

    async def _queues(self) -> None:
        await self.queue.check(PATIENCE)
