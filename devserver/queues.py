"""Queue triggers: reads a Storage queue as the real host does, poison queue included."""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

logger = logging.getLogger(__name__)

Attempt = Callable[[Datum, Mapping[str, Datum]], Awaitable[bool]]

SHORTEST_WAIT, LONGEST_WAIT = 0.1, 2.0
#: How long a message stays hidden while its function runs: longer than any function may.
LEASE_SECONDS = 600


def metadata(message: QueueMessage) -> dict[str, Datum]:
    """Tell a queue function about its message in the real host's words."""
    times = {
        "ExpirationTime": message.expires_on,
        "InsertionTime": message.inserted_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": Datum(message.id, "string"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "DequeueCount": Datum(message.dequeue_count, "int"),
    } | {name: Datum(at.isoformat(), "string") for name, at in times.items() if at}


class QueueListener:
    """Hands the messages of one queue to one function."""

    def __init__(
        self, connection: str, queue: str, attempt: Attempt, options: Mapping[str, Any]
    ) -> None:
        """Take the queue and the way to try its function; `options` are those of host.json."""
        self.connection, self.queue, self.attempt = connection, queue, attempt
        self.batch_size = options.get("batchSize", 16)
        self.tries = options.get("maxDequeueCount", 5)
        self.is_base64 = options.get("messageEncoding", "base64") == "base64"
        hours, minutes, seconds = map(int, options.get("visibilityTimeout", "0:0:0").split(":"))
        self.pause = hours * 3600 + minutes * 60 + seconds

    @contextlib.asynccontextmanager
    async def open(self, queue: str) -> AsyncIterator[QueueClient]:
        """Open a queue, which is made when it is missing."""
        # Without retries of its own: the loop comes back soon enough.
        async with QueueClient.from_connection_string(
            self.connection, queue, retry_total=0
        ) as client:
            with contextlib.suppress(ResourceExistsError):
                await client.create_queue()
            yield client

    async def run(self) -> None:
        """Read the queue for ever; a broken store is waited for."""
        while True:
            try:
                async with self.open(self.queue) as client:
                    await self.poll(client)
            except (AzureError, OSError) as error:
                logger.warning("queue %s cannot be read: %s", self.queue, type(error).__name__)
                await asyncio.sleep(LONGEST_WAIT)

    async def poll(self, client: QueueClient) -> None:
        """Read batch after batch, more slowly the longer nothing comes."""
        wait = SHORTEST_WAIT
        while True:
            messages = client.receive_messages(
                max_messages=self.batch_size, visibility_timeout=LEASE_SECONDS
            )
            batch = [self.handle(client, message) async for message in messages]
            await asyncio.gather(*batch)
            if batch:
                wait = SHORTEST_WAIT
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    async def handle(self, client: QueueClient, message: QueueMessage) -> None:
        """Run the function for a message; then delete it, free it or move it away."""
        try:
            text = message.content
            body = base64.b64decode(text, validate=True) if self.is_base64 else text.encode()
        except ValueError:
            logger.warning("a message of %s cannot be decoded", self.queue)
            await self.move_away(client, message)
            return
        if await self.attempt(Datum(body, "bytes"), metadata(message)):
            await client.delete_message(message)
        elif (message.dequeue_count or 0) >= self.tries:
            await self.move_away(client, message)
        else:
            await client.update_message(message, visibility_timeout=self.pause)

    async def move_away(self, client: QueueClient, message: QueueMessage) -> None:
        """Move a message that cannot be processed to the poison queue."""
        async with self.open(f"{self.queue}-poison") as poison:
            await poison.send_message(message.content)
        await client.delete_message(message)
        logger.error("a message of %s went to the poison queue", self.queue)
