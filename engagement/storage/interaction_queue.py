"""The queue that takes interactions while the tables are down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engagement.storage import keys
from engagement.storage.account import Account, storage_call

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient


class InteractionQueue:
    """Puts interactions into the queue, from which a function takes them later."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client: QueueClient | None = None

    async def put(self, record: str, seconds: float, *, delay: int = 0) -> None:
        """Put *record* within *seconds*, to be taken after *delay* seconds; raises StorageError."""
        from azure.core.exceptions import ResourceNotFoundError

        async with storage_call(seconds):
            client = await self._client()
            # Kept until it is placed: -1 is for ever.
            message = {"time_to_live": -1, "visibility_timeout": delay, "retry_total": 0}
            try:
                await client.send_message(record, **message)
            except ResourceNotFoundError:
                await client.create_queue(retry_total=0)
                await client.send_message(record, **message)

    async def _client(self) -> QueueClient:
        if self.client is None:
            # A first import of 300 ms must not stop the others that are being served.
            await asyncio.to_thread(__import__, "azure.storage.queue.aio")
            from azure.storage.queue import TextBase64EncodePolicy

            self.client = self.account.queues.get_queue_client(
                keys.QUEUE, message_encode_policy=TextBase64EncodePolicy()
            )
        return self.client
