"""The read of one row by hand: on Azurite beside the SDK's, and what a store may answer."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest
from aiohttp import web
from fault_proxy import FaultProxy, answer_lost, once, refusing

from devserver.backing import connection_string
from engagement.config import DataAccount
from engagement.domain.messages.attachment import Attachment
from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.attachment_rows import attachment_row
from engagement.storage.points import Points
from engagement.storage.targets import Targets
from engagement.storage.wire import Wire

ORGANIZATION = secrets.token_hex(8)
FILE = Attachment(
    number=1,
    name="Größe 'A'.pdf",
    content_type="application/pdf",
    size=2**31 - 1,
    followed=True,
    blob="2026-11-22/1/2",
    suspicion=None,
    created_at=datetime(2026, 11, 22, 9, 0, 0, 123_456, tzinfo=UTC),
)
BEING_DELETED = '{"odata.error": {"code": "TableBeingDeleted"}}'


@pytest.fixture(scope="module")
async def table(azurite):
    """The SDK's client of a table."""
    account = Account(DataAccount(azurite.connection_string, None, None, None, None))
    client = account.table(keys.table(ORGANIZATION))
    await client.create_table()
    yield client
    await account.close()


@pytest.fixture(scope="module")
def proxy(azurite):
    """What stands in front of the tables."""
    with FaultProxy(azurite.ports[2]) as proxy:
        yield proxy


@pytest.fixture
async def points(azurite, proxy):
    """Reads over the proxy."""
    blob, queue, _ = azurite.ports
    data = connection_string((blob, queue, proxy.port))
    wire = Wire(Account(DataAccount(data, None, None, None, None)))
    proxy.seen.clear()
    yield Points(wire)
    await wire.close()


@pytest.mark.parametrize("key", ["a'b''c", "a b", "a%27b", "a+b&c=d", "grün", "(a,b)", "$@!;:"])
async def test_a_row_is_found_by_its_keys_whatever_is_in_them(table, points, key):
    row = {"PartitionKey": key, "RowKey": f"r{key}", "name": key, "size": 7, "other": "not asked"}
    await table.upsert_entity(row)

    found = await points.read(ORGANIZATION, (key, f"r{key}"), ["name", "size", "absent"], 10)
    assert found == {"name": key, "size": 7}


async def test_an_attachment_is_the_one_that_was_stored(table, points):
    await table.upsert_entity(attachment_row("1" * 24, FILE))

    assert await Targets(points).read_attachment(ORGANIZATION, "1" * 24, 1) == FILE


async def test_a_row_and_a_table_that_are_not_there_are_told_from_a_store_that_is_not(
    table, points
):
    for organization in (ORGANIZATION, "f" * 16):
        with pytest.raises(NotFoundError):
            await points.read(organization, ("1", "2"), ["name"], 10)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, StorageError) for status in (401, 403, 409, 429, 500, 503)),
        (400, ValueError),
        (404, NotFoundError),
    ],
)
async def test_F3_a_refused_read_is_tried_once_and_no_more(points, proxy, status, error):
    proxy.fault = refusing(status)
    with pytest.raises(error):
        await points.read(ORGANIZATION, ("1", "2"), ["name"], 10)
    assert len(proxy.seen) == 1


async def test_a_table_that_is_being_deleted_is_gone(points, proxy):
    async def being_deleted(*_):
        return web.Response(status=409, text=BEING_DELETED)

    proxy.fault = being_deleted
    with pytest.raises(NotFoundError):
        await points.read(ORGANIZATION, ("1", "2"), ["name"], 10)


async def test_F4_a_read_is_repeated_once_when_its_connection_drops(table, points, proxy):
    await table.upsert_entity({"PartitionKey": "1", "RowKey": "2", "name": "x"})
    proxy.fault = once(answer_lost)
    assert await points.read(ORGANIZATION, ("1", "2"), ["name"], 10) == {"name": "x"}
    proxy.fault = answer_lost
    proxy.seen.clear()
    with pytest.raises(StorageError):
        await points.read(ORGANIZATION, ("1", "2"), ["name"], 10)
    assert len(proxy.seen) == 2


async def test_a_read_that_hangs_says_so(points, proxy):
    async def hang(*_):
        await proxy.loop.create_future()

    proxy.fault = hang
    with pytest.raises(StorageError) as caught:
        await points.read(ORGANIZATION, ("1", "2"), ["name"], 0.05)
    assert caught.value.hung
