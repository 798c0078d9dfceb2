"""Rolling up: whatever happens in between, rollups come to equal a recount."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from deployment import settings
from fault_proxy import FaultProxy, healthy
from history import SENT_AT, later, new_history

from devserver.backing import Azurite, connection_string
from engagement.config import Config
from engagement.domain.messages.message import Status
from engagement.domain.reports.cohort import Cohort
from engagement.domain.reports.rollup import ORGANIZATION
from engagement.services import rolling_up
from engagement.services.rolling_up import Report
from engagement.wiring import build_services


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    """Azurite of this module's own: a run looks at every organization that there is."""
    child = Azurite(tmp_path_factory.mktemp("azurite"), (0, 0, 0))
    child.start()
    child.wait()
    yield child
    child.stop()


@pytest.fixture
async def tables(azurite):
    """What stands before the tables."""
    with FaultProxy(azurite.ports[2]) as proxy:
        yield proxy


@pytest.fixture
async def services(azurite, tables):
    """The services of a deployment whose tables can be made to fail."""
    blob, queue, _ = azurite.ports
    data = connection_string((blob, queue, tables.port))
    async with AsyncExitStack() as stack:
        made = build_services(Config.from_environment(settings(data)))
        stack.push_async_callback(made.close)
        yield made


@pytest.fixture
async def history(services):
    """An organization without messages."""
    return await new_history(services)


class Held:
    """An event of another thread's loop."""

    def __init__(self, event, loop):
        self.event = event
        self.loop = loop

    def set(self):
        """Tell the loop."""
        self.loop.call_soon_threadsafe(self.event.set)


def at_request(number, held, release=None):
    """A fault: so many requests pass, and the next one is held, for ever or until *release*."""
    left = [number]

    async def fault(proxy, request, body):
        left[0] -= 1
        if left[0] == -1:
            held.set()
            if release is None:
                await asyncio.Event().wait()
            await asyncio.to_thread(release.wait)
        return await healthy(proxy, request, body)

    return fault


async def test_P4_rollups_equal_a_recount_however_late_things_come(history):
    messages = await history.send(10)
    for number in (0, 30, 1, 30):
        await history.happen(messages, number)
        await history.roll_up()

        assert await history.stored() == await history.recounted()
        assert await history.left() == []


async def test_P4_totals_of_the_templates_equal_a_recount(history):
    await history.happen(await history.send(20), 40)
    await history.roll_up()

    rolling = history.services.rolling_up
    totals = dict(await rolling.totals.read_all(history.key))
    whole = totals.pop(None)
    expected = {}
    for groups in (await history.recounted()).values():
        for (kind, name), rollup in groups.items():
            key = (kind, name)
            expected[key] = expected.get(key, Cohort()) + rollup.cohort
    assert {("template", name): found.all for name, found in totals.items()} == {
        key: cohort for key, cohort in expected.items() if key[0] == "template"
    }
    assert whole.all == expected["organization", ""]
    assert whole.segments["industry", "Wine"] == whole.all


async def test_what_did_not_change_is_not_recomputed(history, tables):
    messages = await history.send(5)
    await history.happen(messages, 20)
    await history.roll_up()
    tables.seen.clear()
    await history.turn()
    # Are there markers of messages, and of days?
    assert len(tables.seen) == 2

    await history.services.projecting.markers.mark(history.key, messages[0])
    tables.seen.clear()
    await history.turn()
    writes = [body for method, _, body in tables.seen if method != "GET"]
    assert len(writes) == 1
    assert b"DELETE" in writes[0]


async def test_a_message_that_changed_is_rolled_up_once_its_minute_has_ended(history):
    await history.send(1)
    await history.roll_up(now=later() - timedelta(minutes=5))
    assert await history.stored() == {}
    await history.roll_up()
    assert await history.stored() == await history.recounted() != {}


async def test_F9_a_timer_that_is_late_by_a_month_makes_up_for_it(history):
    await history.happen(await history.send(10), 50)
    await history.roll_up(now=later() + timedelta(days=30))
    assert await history.stored() == await history.recounted()


async def test_F9_a_run_that_is_killed_anywhere_is_made_up_for(history, tables):
    messages = await history.send(2)
    killed = 0
    for number in range(0, 36, 3):
        await history.happen(messages, 2)
        held = asyncio.Event()
        tables.fault = at_request(number, Held(held, asyncio.get_running_loop()))
        run = asyncio.ensure_future(history.turn())
        waiting = asyncio.ensure_future(held.wait())
        await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        killed += not run.done()
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        tables.fault = healthy
        if number % 2:
            await history.roll_up()
            assert await history.stored() == await history.recounted()
            assert await history.left() == []
    assert killed >= 6


async def test_F9_two_at_once_come_to_the_same(history):
    messages = await history.send(6)
    for _ in range(2):
        await history.happen(messages, 20)
        await asyncio.gather(history.roll_up(), history.roll_up())

        await history.roll_up()
        assert await history.stored() == await history.recounted()
        assert await history.left() == []


async def test_F9_whoever_is_late_leaves_nothing_older_behind(history, tables):
    messages = await history.send(2)
    for number in range(3, 30, 4):
        await history.happen(messages, 2)
        held, release = asyncio.Event(), threading.Event()
        tables.fault = at_request(number, Held(held, asyncio.get_running_loop()), release)
        slow = asyncio.ensure_future(history.turn())
        waiting = asyncio.ensure_future(held.wait())
        await asyncio.wait({slow, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        # Meanwhile something happens, and somebody else rolls it up.
        await history.happen(messages, 2)
        await history.roll_up()
        release.set()
        await slow

        await history.roll_up()
        assert await history.stored() == await history.recounted()
        assert await history.left() == []


async def test_L5_with_hardly_any_time_each_turn_gets_on(history, monkeypatch):
    monkeypatch.setattr(rolling_up, "BATCH", 10)
    messages = await history.send(40)
    await history.happen(messages, 2_000)

    assert await history.roll_up(0.0) > 5
    assert await history.stored() == await history.recounted()
    kpis = await history.kpis()
    days = (await history.stored()).values()
    opens = sum(groups["organization", ""].people.open_count for groups in days)
    assert opens == sum(kpi.people.open_count for kpi in kpis)


async def test_a_run_gives_every_organization_its_turn_whichever_fails(services, tables):
    histories = [await new_history(services, seed) for seed in range(3)]
    for history in histories:
        await history.happen(await history.send(3), 10)
    broken = histories[1]

    async def fault(proxy, request, body):
        if f"/org{broken.key}" in request.path and request.method == "GET":
            return proxy_refusal()
        return await healthy(proxy, request, body)

    tables.fault = fault
    report = await services.rolling_up.run(later(), 30)
    tables.fault = healthy
    assert report.failure_count == 1
    for history in (histories[0], histories[2]):
        assert await history.stored() == await history.recounted()
    assert await broken.stored() == {}

    await services.rolling_up.run(later(), 30)
    assert await broken.stored() == await broken.recounted()


def proxy_refusal():
    """What a table answers that is broken."""
    return web.Response(status=400, text="{}")


async def test_a_message_that_is_being_sent_is_looked_at_again(history):
    (message_id,) = await history.send(1)
    messages = history.services.reading.messages
    sent = await messages.read(history.key, message_id)
    sending = replace(sent, status=Status.SENDING, sending_at=later(), sent_at=None)
    sending = await messages.replace(history.key, sent, sending)
    await history.turn()
    assert await history.left() == [message_id]

    await messages.replace(history.key, sending, replace(sent, etag=sending.etag))
    await history.roll_up()
    assert await history.stored() == await history.recounted() != {}


async def test_B85_what_a_message_that_is_gone_added_goes_too(history):
    (gone, _) = await history.send(2)
    await history.happen([gone], 10)
    await history.roll_up()
    table = history._table()
    rows = table.query_entities("PartitionKey eq @id", parameters={"id": gone})
    async for row in rows:
        if not row["RowKey"].startswith("4-"):
            await table.delete_entity(row)
    await history.services.projecting.markers.mark(history.key, gone)

    await history.roll_up()
    assert await history.stored() == await history.recounted()


async def test_an_organization_that_was_deleted_takes_its_markers_along(history):
    await history.send(2)
    await history.services.administering.delete(history.organization.id)
    report = await history.services.rolling_up.run(later(), 30)
    assert report.failure_count == 0


async def test_any_day_can_be_recomputed_from_what_its_messages_have(history):
    messages = await history.send(5)
    await history.happen(messages, 30)
    await history.roll_up()
    expected = await history.recounted()
    on = (SENT_AT + timedelta(days=2)).date()
    day = await history.services.rolling_up.rollups.read_day(history.key, on)
    await history.services.rolling_up.rollups.replace_day(history.key, day, {})

    recompute = history.services.rolling_up.recompute
    found = await recompute(history.organization, on, later(), after="")
    again = await recompute(history.organization, on, later(), after="")
    assert found == again
    assert found.rollup == expected[f"{on:%Y%m%d}"]["organization", ""]
    assert found.continuation is None
    await history.roll_up()
    assert await history.stored() == expected


async def test_recomputing_a_day_brings_up_what_nobody_marked(history):
    messages = await history.send(3)
    await history.happen(messages, 10)
    await history.roll_up()
    await history.happen(messages, 10, marked=False)
    for day in list(await history.stored()):
        on = SENT_AT.replace(month=int(day[4:6]), day=int(day[6:])).date()
        await history.services.rolling_up.recompute(history.organization, on, later(), after="")
    await history.roll_up()
    assert await history.stored() == await history.recounted()


async def test_recomputing_a_long_day_says_where_to_go_on(history, monkeypatch):
    monkeypatch.setattr(rolling_up, "BATCH", 2)
    monkeypatch.setattr(rolling_up, "LONGEST_CALL", -1.0)
    await history.happen(await history.send(8), 20)
    await history.roll_up()
    on = (SENT_AT + timedelta(days=2)).date()
    expected = (await history.recounted())[f"{on:%Y%m%d}"]["organization", ""]

    after, count = "", 0
    while after is not None:
        found = await history.services.rolling_up.recompute(
            history.organization, on, later(), after=after
        )
        count += found.message_count
        assert found.rollup == expected
        after = found.continuation
    day = await history.services.rolling_up.rollups.read_day(history.key, on)
    assert day.rollups[ORGANIZATION] == expected
    assert count > 2


async def test_a_report_tells_what_a_run_did(services):
    history = await new_history(services)
    await history.send(3)
    report = await services.rolling_up.run(later(), 30)
    assert report.message_count == 3
    assert report.day_count >= 1
    assert (report.failure_count, report.unfinished) == (0, False)
    assert await services.rolling_up.run(later(), 30) == Report()
