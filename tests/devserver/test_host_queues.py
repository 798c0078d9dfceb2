"""Queue triggers against a real emulator."""

import asyncio
import base64

import azure.functions as func
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from devserver.backing import Azurite, connection_string, free_ports
from devserver.host import Host


class Live:
    """A host that runs its triggers, as a server makes it do."""

    def __init__(self, host):
        self.events = asyncio.Queue()
        self.task = asyncio.ensure_future(host({"type": "lifespan"}, self.events.get, self.send))

    async def send(self, event):
        assert event["type"].endswith("complete")

    async def __aenter__(self):
        self.events.put_nowait({"type": "lifespan.startup"})

    async def __aexit__(self, *_):
        self.events.put_nowait({"type": "lifespan.shutdown"})
        await self.task


def host_of(connection, queue, work, options=None):
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="DATA")
    async def take(message: func.QueueMessage) -> None:
        await work(message)

    settings = {"QUEUE": queue, "DATA": connection}
    return Host(app, settings=settings, options={"extensions": {"queues": options or {}}})


async def until(condition):
    """Wait for a condition on the store."""
    async with asyncio.timeout(20):
        while True:
            try:
                if (found := await asyncio.to_thread(condition)) is not None:
                    return found
            except ResourceNotFoundError:
                pass
            await asyncio.sleep(0.05)


def peek(azurite, queue):
    with QueueClient.from_connection_string(azurite.connection_string, queue) as client:
        return next(iter(client.peek_messages()), None)


def is_empty(azurite, queue):
    with QueueClient.from_connection_string(azurite.connection_string, queue) as client:
        return client.get_queue_properties().approximate_message_count == 0 or None


async def put(azurite, queue, content):
    def send():
        with QueueClient.from_connection_string(azurite.connection_string, queue) as client:
            return client.send_message(content)

    return await until(send)


async def test_a_message_reaches_its_function_and_is_deleted(azurite):
    got = asyncio.Queue()
    host = host_of(azurite.connection_string, "good", got.put)
    async with Live(host):
        sent = await put(azurite, "good", base64.b64encode(b"\x00body").decode())
        message = await asyncio.wait_for(got.get(), 20)
        await until(lambda: is_empty(azurite, "good"))
    assert message.get_body() == b"\x00body"
    assert (message.id, message.dequeue_count) == (sent.id, 1)
    assert message.insertion_time == sent.inserted_on
    assert message.pop_receipt


async def test_a_queue_that_is_there_already_is_read(azurite):
    got = asyncio.Queue()
    with QueueClient.from_connection_string(azurite.connection_string, "old") as client:
        client.create_queue()
        client.send_message(base64.b64encode(b"body").decode())
    async with Live(host_of(azurite.connection_string, "old", got.put)):
        assert (await asyncio.wait_for(got.get(), 20)).get_body() == b"body"


async def test_a_message_that_fails_five_times_goes_to_the_poison_queue(azurite):
    counts = []

    async def fail(message):
        counts.append(message.dequeue_count)
        raise RuntimeError("no")

    content = base64.b64encode(b"bad").decode()
    async with Live(host_of(azurite.connection_string, "bad", fail)):
        await put(azurite, "bad", content)
        poison = await until(lambda: peek(azurite, "bad-poison"))
        await until(lambda: is_empty(azurite, "bad"))
    assert counts == [1, 2, 3, 4, 5]
    assert poison.content == content


async def test_host_json_sets_tries_and_encoding(azurite):
    bodies = []

    async def fail(message):
        bodies.append(message.get_body())
        raise RuntimeError("no")

    options = {"maxDequeueCount": 2, "messageEncoding": "none", "visibilityTimeout": "00:00:00"}
    async with Live(host_of(azurite.connection_string, "plain", fail, options)):
        await put(azurite, "plain", "not base64!")
        await until(lambda: peek(azurite, "plain-poison"))
    assert bodies == [b"not base64!"] * 2


async def test_a_message_that_cannot_be_decoded_is_poison_at_once(azurite):
    async def never(message):
        raise AssertionError

    async with Live(host_of(azurite.connection_string, "odd", never)):
        await put(azurite, "odd", "not base64!")
        assert (await until(lambda: peek(azurite, "odd-poison"))).dequeue_count == 0


async def test_a_store_that_comes_back_is_read_again(tmp_path):
    got, ports = asyncio.Queue(), free_ports([0, 0, 0])
    async with Live(host_of(connection_string(ports), "late", got.put)) as _:
        with Azurite(tmp_path, ports) as azurite:
            assert azurite.ports == ports
            await put(azurite, "late", base64.b64encode(b"x").decode())
            assert (await asyncio.wait_for(got.get(), 20)).get_body() == b"x"
