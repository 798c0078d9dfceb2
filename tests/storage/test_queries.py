"""Rows that are read by requests of our own: all of them, typed, and whatever the store does."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest
from aiohttp import web
from fault_proxy import FaultProxy, answer_lost, healthy, once, refusing

from devserver.backing import connection_string
from engagement.config import DataAccount
from engagement.errors import NotFoundError, StorageError
from engagement.storage.account import Account
from engagement.storage.queries import Queries, between, literal
from engagement.storage.transactions import transact
from engagement.storage.wire import Wire

AT = datetime(2026, 11, 22, 9, 0, 0, 123_456, tzinfo=UTC)
WHOLE = f"PartitionKey eq {literal('p')}"


@pytest.fixture
def proxy(azurite):
    """The tables, which fail on demand."""
    with FaultProxy(azurite.ports[2]) as made:
        yield made


@pytest.fixture
async def account(azurite, proxy):
    """A client of them."""
    data = connection_string((*azurite.ports[:2], proxy.port))
    made = Account(DataAccount(data, None, None, None, None))
    yield made
    await made.close()


@pytest.fixture
async def queries(account):
    """What reads them."""
    wire = Wire(account)
    yield Queries(wire)
    await wire.close()


@pytest.fixture
async def table(account):
    """A table with five rows of a kind in each of two partitions."""
    name = f"t{secrets.token_hex(8)}"
    client = await account.tables.create_table(name)
    columns = {"text": "Zoë \U0001f600", "count": 7, "at": AT, "yes": True}
    for partition, names in (("p", [f"{number}" for number in range(5)]), ("q", ["x"])):
        rows = [{"PartitionKey": partition, "RowKey": one, **columns} for one in names]
        await transact(client, [("create", row) for row in rows])
    return name


async def read(queries, table, query=WHOLE, **options):
    """Everything that a query finds."""
    return [row async for row in queries.rows(table, query, **options)]


async def test_rows_have_the_values_and_versions_that_the_sdk_reads(account, queries, table):
    rows = await read(queries, table)
    by_the_sdk = [row async for row in account.table(table).query_entities(WHOLE)]

    assert [dict(row) for row in rows] == [dict(row) for row in by_the_sdk]
    assert [row.metadata["etag"] for row in rows] == [row.metadata["etag"] for row in by_the_sdk]


async def test_rows_come_in_order_over_as_many_pages_as_it_takes(queries, table, proxy):
    proxy.seen.clear()
    rows = await read(queries, table, select=["RowKey"], size=2)

    assert [dict(row) for row in rows] == [{"RowKey": str(number)} for number in range(5)]
    assert len(proxy.seen) == 3


async def test_plain_pages_have_times_as_text_and_no_notes(queries, table):
    pages = queries.pages(table, between("p", "1", "4"), select=["at", "count"])
    found = [row async for page in pages for row in page]

    assert [row["count"] for row in found] == [7, 7]
    assert {datetime.fromisoformat(row["at"]) for row in found} == {AT}
    assert set(found[0]) == {"at", "count"}


@pytest.mark.parametrize("name", ["it''s", "a&b$top=1", "50 %27", "x+y=z;#"])
async def test_what_is_asked_for_is_never_taken_for_something_else(account, queries, table, name):
    row = {"PartitionKey": "r", "RowKey": "0", "text": name}
    await transact(account.table(table), [("create", row)])

    query = f"PartitionKey eq 'r' and text eq {literal(name)}"
    assert [row["text"] for row in await read(queries, table, query)] == [name]
    assert await read(queries, table, f"text eq {literal(name + ' or 1 eq 1')}") == []


async def test_F18_an_empty_page_that_has_others_behind_it_is_not_the_end(queries, table, proxy):
    async def empty(proxy, request, body):
        headers = {
            "x-ms-continuation-NextPartitionKey": "1!4!cA--",
            "x-ms-continuation-NextRowKey": "1!4!MA--",
        }
        return web.json_response({"value": []}, headers=headers)

    whole = await read(queries, table)
    proxy.fault = once(empty, healthy)
    proxy.seen.clear()
    await read(queries, table)
    assert len(proxy.seen) == 2
    assert "NextRowKey=1%214%21MA--" in proxy.seen[1][1].replace("1!4!", "1%214%21")
    assert len(whole) == 5


async def test_a_store_that_fails_for_a_moment_is_asked_again(queries, table, proxy):
    for fault in (refusing(503), refusing(429), answer_lost):
        proxy.fault = once(fault)
        assert len(await read(queries, table)) == 5


@pytest.mark.parametrize(
    ("status", "error"),
    [(503, StorageError), (403, StorageError), (404, NotFoundError), (400, ValueError)],
)
async def test_what_the_store_refuses_is_told_apart(queries, table, proxy, status, error):
    proxy.fault = refusing(status)
    with pytest.raises(error):
        await read(queries, table)


async def test_one_row_is_found_by_its_keys_or_is_not_there(queries, table):
    assert (await queries.row(table, "p", "3"))["RowKey"] == "3"
    for keys in (("p", "9"), ("p'", "3")):
        with pytest.raises(NotFoundError):
            await queries.row(table, *keys)


async def test_a_table_that_is_gone_is_not_found(queries):
    with pytest.raises(NotFoundError):
        await read(queries, f"t{secrets.token_hex(8)}")
