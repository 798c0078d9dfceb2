"""Queue triggers: reads a Storage queue as the real host does, poison queue included."""

import asyncio
import base64
import binascii
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from azure.functions.meta import Datum

from devserver.settings import QueueOptions

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

logger = logging.getLogger(__name__)

Invoke = Callable[[Datum, Mapping[str, Datum]], Awaitable[bool]]

SHORTEST_WAIT, LONGEST_WAIT = 0.1, 2.0
#: How long a message stays hidden while its function runs; it is renewed at half time.
LEASE_SECONDS = 30


def decode(text: str, *, is_base64: bool) -> bytes:
    """Give a message's body; ValueError where it is not in the agreed encoding."""
    if not is_base64:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("The message is not base64.") from error


def metadata(message: "QueueMessage") -> dict[str, Datum]:
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

    def __init__(self, connection: str, queue: str, invoke: Invoke, options: QueueOptions) -> None:
        self.connection = connection
        self.queue = queue
        self.invoke = invoke
        self.options = options

    @contextlib.asynccontextmanager
    async def client(self, queue: str) -> AsyncIterator["QueueClient"]:
        """Open a queue that is made when it is missing."""
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.queue.aio import QueueClient

        # Without retries of its own: the loop comes back soon enough.
        async with QueueClient.from_connection_string(
            self.connection, queue, retry_total=0
        ) as client:
            with contextlib.suppress(ResourceExistsError):
                await client.create_queue()
            yield client

    async def run(self) -> None:
        """Read the queue for ever; a broken store is waited for."""
        from azure.core.exceptions import AzureError

        while True:
            try:
                async with self.client(self.queue) as client:
                    await self.poll(client)
            except (AzureError, OSError) as error:
                logger.warning("queue %s cannot be read: %s", self.queue, type(error).__name__)
                await asyncio.sleep(LONGEST_WAIT)

    async def poll(self, client: "QueueClient") -> None:
        """Read batch after batch, more slowly the longer nothing comes."""
        wait = SHORTEST_WAIT
        while True:
            batch = [
                message
                async for message in client.receive_messages(
                    max_messages=self.options.batch_size, visibility_timeout=LEASE_SECONDS
                )
            ]
            if batch:
                wait = SHORTEST_WAIT
                await asyncio.gather(*(self.handle(client, message) for message in batch))
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    async def handle(self, client: "QueueClient", message: "QueueMessage") -> None:
        """Run the function for a message; then delete it, free it or move it away."""
        try:
            body = decode(message.content, is_base64=self.options.base64)
        except ValueError:
            logger.warning("a message of %s cannot be decoded", self.queue)
            await self.move_away(client, message)
            return
        if await self.invoke_leased(client, message, body):
            await client.delete_message(message)
        elif (message.dequeue_count or 0) >= self.options.max_dequeue_count:
            await self.move_away(client, message)
        else:
            rest = self.options.retry_after_seconds
            await client.update_message(message, visibility_timeout=rest)

    async def invoke_leased(
        self, client: "QueueClient", message: "QueueMessage", body: bytes
    ) -> bool:
        """Run the function and keep its message hidden meanwhile."""
        renewing = asyncio.create_task(self.renew(client, message))
        try:
            return await self.invoke(Datum(body, "bytes"), metadata(message))
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def renew(self, client: "QueueClient", message: "QueueMessage") -> None:
        """Hide a message again and again, and remember its newest receipt."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 2)
            renewed = await client.update_message(message, visibility_timeout=LEASE_SECONDS)
            message.pop_receipt = renewed.pop_receipt

    async def move_away(self, client: "QueueClient", message: "QueueMessage") -> None:
        """Move a message that cannot be processed to the poison queue."""
        async with self.client(f"{self.queue}-poison") as poison:
            await poison.send_message(message.content)
        await client.delete_message(message)
        logger.error("a message of %s went to the poison queue", self.queue)
