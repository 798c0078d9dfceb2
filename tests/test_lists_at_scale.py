"""L4: a page of a list costs the same, however long the list is."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from deployment import Deployment, ok, settings
from fault_proxy import FaultProxy, healthy, only, refusing
from shelf import ask, everything, fill, followed, ids, row

from devserver.backing import connection_string

RECORD = ("account", "a-1")
ACTIVITIES = "/records/account/a-1/activities"
LISTS = [
    ("/messages", {}),
    ("/messages", {"sender": "u-17"}),
    ("/messages", {"template": "t-1"}),
    ("/messages", {"record": "account:a-1", "followed": "false"}),
    ("/messages", {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}),
    (ACTIVITIES, {}),
]


@pytest.fixture(scope="module")
def tables(azurite):
    """The table service, and what it was asked."""
    with FaultProxy(azurite.ports[2]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def counting(azurite, tables, tmp_path_factory):
    """A deployment whose requests to the tables are counted."""
    blob, queue, _ = azurite.ports
    spill = str(tmp_path_factory.mktemp("spill"))
    with FaultProxy(queue) as queues:
        # Judging has requests of its own, and is left to the other deployments of this run.
        queues.fault = only(lambda request: request.method == "GET", refusing(503))
        data = connection_string((blob, queues.port, tables.port))
        with Deployment(settings(data, ENGAGEMENT_SPILL_FOLDER=spill)) as deployment:
            yield deployment


def filled(deployment, count, lists):
    """The CRM of an organization with so many messages on each list, or on two of them."""
    crm = deployment.new_crm()
    wanted = "list-" if lists == LISTS else ("list-all", "list-record")
    for start in range(0, count, 10_000):
        numbers = range(start, min(start + 10_000, count))
        rows = [row(number, template_id="t-1") for number in numbers]
        fill(crm, rows, record=RECORD, wanted=wanted)
    return crm


def walked(crm, path, filters, count):
    """What the pages of a list of *count* messages end with, all but the last."""
    numbers, ends = [], []
    page = ok(ask(crm, path, page_size=200, **filters))
    while page["continuation"]:
        numbers += ids(page)
        ends.append(page["continuation"])
        page = ok(ask(crm, path, page_size=200, continuation=ends[-1], **filters))
    assert [*numbers, *ids(page)] == list(range(count))
    return ends


def costs(tables, crm, lists, count):
    """What the first page of each list costs, one in the middle and the last."""
    for path, filters in lists:
        ends = walked(crm, path, filters, count)
        for continuation in (None, ends[len(ends) // 2], ends[-1]):
            more = {} if continuation is None else {"continuation": continuation}
            tables.seen.clear()
            page = ok(ask(crm, path, **filters, **more))
            queries = [asked for _, asked, _ in tables.seen if "list-" in asked]
            assert page["items"]
            yield path, len(tables.seen), len(queries)


def check(counting, tables, count, lists):
    """Compare the pages of long lists with those of short ones."""
    short, long = (
        list(costs(tables, filled(counting, number, lists), lists, number))
        for number in (300, count)
    )
    assert short == long
    assert {queries for _, _, queries in long} == {1}


def test_L4_a_page_of_a_long_list_costs_what_one_of_a_short_list_costs(counting, tables):
    check(counting, tables, 1_100, LISTS)


@pytest.mark.scale
def test_L4_a_page_of_100_000_messages_costs_what_one_of_300_costs(counting, tables):
    check(counting, tables, 100_000, [LISTS[0], LISTS[-1]])


def test_F18_an_empty_page_of_the_store_is_not_the_end_of_a_list(counting, tables):
    crm = counting.new_crm()
    fill(crm, [row(number) for number in range(5)], record=RECORD)
    tables.fault = only(lambda request: "list-" in request.path_qs, empty_at_first)
    try:
        for path in ("/messages", ACTIVITIES):
            assert ids(ok(ask(crm, path))) == list(range(5))
            assert everything(crm, path, page_size=2) == list(range(5))
        assert everything(crm, state="not_opened", page_size=2) == list(range(5))
        sorted_ones = {"sort": "subject", "order": "asc", "from": "2026-11-01T00:00:00Z"}
        assert ids(followed(crm, **sorted_ones)) == list(range(5))
    finally:
        tables.fault = healthy


async def empty_at_first(proxy, request, body):
    """Answer a query with nothing but where to go on, as Azure may; from there as it is."""
    url = request.url
    if "NextRowKey" not in url.query:
        headers = {
            "x-ms-continuation-NextPartitionKey": "nowhere",
            "x-ms-continuation-NextRowKey": "nowhere",
            "Content-Type": "application/json;odata=minimalmetadata",
        }
        return web.Response(headers=headers, text=json.dumps({"value": []}))
    if url.query["NextRowKey"] == "nowhere":
        request = request.clone(
            rel_url=url.without_query_params("NextPartitionKey", "NextRowKey").relative()
        )
    return await proxy.forward(request, body)


def test_F18_a_row_of_another_version_is_read_as_far_as_it_goes(counting):
    crm = counting.new_crm()
    fill(crm, [row(1)])
    key = counting.run(counting.services.administering.find(crm.organization_id)).key
    listings = counting.services.listing.listings

    async def rewrite():
        table = listings.account.table(f"org{key}")
        found = [x async for x in table.query_entities("PartitionKey eq 'list-all'")]
        value = json.loads(found[0]["listed"])
        for name in ("kpi", "template_id", "regarding", "send_at", "ambiguous"):
            del value[name]
        value["a_later_field"] = {"x": 1}
        found[0].update(listed=json.dumps(value), another="column")
        await table.upsert_entity(found[0])

    counting.run(rewrite())
    (item,) = followed(crm)["items"]
    assert (item["subject"], item["kpis"]["open_count"]) == ("Message 1", 0)
