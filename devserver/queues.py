"""Queue triggers: reads a Storage queue as the real host does, poison queue included."""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

logger = logging.getLogger(__name__)

Attempt = Callable[[Datum, Mapping[str, Datum]], Awaitable[bool]]

SHORTEST_WAIT = 0.1
#: How long a message stays hidden while its function runs: longer than any function may.
LEASE_SECONDS = 600
TIME = "%Y-%m-%dT%H:%M:%S+00:00"


def metadata(message: QueueMessage) -> dict[str, Datum]:
    """Tell a queue function about its message in the real host's words."""
    values = {
        "Id": message.id,
        "PopReceipt": message.pop_receipt,
        "DequeueCount": str(message.dequeue_count),
        "ExpirationTime": f"{message.expires_on:{TIME}}",
        "InsertionTime": f"{message.inserted_on:{TIME}}",
        "NextVisibleTime": f"{message.next_visible_on:{TIME}}",
    }
    return {name: Datum(value, "string") for name, value in values.items()}


def seconds(clock: str) -> int:
    """Read a span of time as host.json writes it."""
    return sum(int(part) * unit for part, unit in zip(clock.split(":"), (3600, 60, 1), strict=True))


@dataclass(frozen=True)
class QueueListener:
    """Hands the messages of one queue to one function."""

    connection: str
    queue: str
    attempt: Attempt
    #: `extensions.queues` of host.json; the defaults below are the real host's.
    options: Mapping[str, Any]

    @property
    def longest_wait(self) -> int:
        """Seconds between two looks into a queue that stays empty."""
        return seconds(self.options.get("maxPollingInterval", "00:01:00"))

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
                await asyncio.sleep(self.longest_wait)

    async def poll(self, client: QueueClient) -> None:
        """Read batch after batch, more slowly the longer nothing comes."""
        wait = 0.0
        while True:
            size = self.options.get("batchSize", 16)
            messages = client.receive_messages(max_messages=size, visibility_timeout=LEASE_SECONDS)
            # All of them first: whoever stops the host in between leaves none half begun.
            batch = [message async for message in messages]
            await asyncio.gather(*(self.handle(client, message) for message in batch))
            wait = 0.0 if batch else min(max(2 * wait, SHORTEST_WAIT), self.longest_wait)
            await asyncio.sleep(wait)

    async def handle(self, client: QueueClient, message: QueueMessage) -> None:
        """Run the function for a message; then delete it, free it or move it away."""
        body = message.content.encode()
        if self.options.get("messageEncoding", "base64") == "base64":
            try:
                body = base64.b64decode(body, validate=True)
            except ValueError:
                await self.move_away(client, message)
                return
        if await self.attempt(Datum(body, "bytes"), metadata(message)):
            await client.delete_message(message)
        elif (message.dequeue_count or 0) >= self.options.get("maxDequeueCount", 5):
            await self.move_away(client, message)
        else:
            pause = seconds(self.options.get("visibilityTimeout", "00:00:00"))
            await client.update_message(message, visibility_timeout=pause)

    async def move_away(self, client: QueueClient, message: QueueMessage) -> None:
        """Move a message that cannot be processed to the poison queue."""
        async with self.open(f"{self.queue}-poison") as poison:
            await poison.send_message(message.content)
        await client.delete_message(message)
        logger.error("a message of %s went to the poison queue", self.queue)
