"""What the timers ask of the stores while nothing happens: counted, by number of organizations."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime

import pytest
from deployment import settings
from fault_proxy import FaultProxy

from benchmarks.cost_model import (
    MONTH_SECONDS,
    SWEEP_BLOB_READS,
    WATCH_REQUESTS,
    Month,
    table_requests,
    timer_runs,
)
from devserver.backing import Azurite, connection_string
from engagement.config import Config
from engagement.wiring import build_services

#: An hour in which the sweep looks at one day only, and not at dead webhooks.
NOON = datetime.now(UTC).replace(hour=12, minute=17)


class Counted:
    """The services of a deployment whose requests to tables, blobs and queues are counted."""

    def __init__(self, services, proxies):
        self.services = services
        self.proxies = proxies

    async def cost(self, work):
        """Requests of *work*, to tables, blobs and queues."""
        for proxy in self.proxies:
            proxy.seen.clear()
        await work
        return tuple(len(proxy.seen) for proxy in self.proxies)


async def idle_costs(organizations, folder):
    """Timer to requests of a run, with so many organizations in which nothing happens."""
    async with AsyncExitStack() as stack:
        held = stack.enter_context(ExitStack())
        azurite = held.enter_context(Azurite(folder, (0, 0, 0)))
        blob, queue, table = (held.enter_context(FaultProxy(port)) for port in azurite.ports)
        data = connection_string((blob.port, queue.port, table.port))
        services = build_services(Config.from_environment(settings(data)))
        stack.push_async_callback(services.close)
        for number in range(organizations):
            await services.administering.create(f"org-{number}", "Contoso", NOON)
        counted = Counted(services, (table, blob, queue))
        return {
            "dispatch": await counted.cost(services.dispatching.run(lambda: NOON, 40)),
            "roll_up": await counted.cost(services.rolling_up.run(NOON, 600)),
            "sweep": await counted.cost(services.sweeping.sweep(NOON)),
            "watch_queues": await counted.cost(services.watching.watch(NOON)),
        }


@pytest.mark.parametrize(
    "organizations",
    [1, 7, *(pytest.param(x, marks=pytest.mark.scale) for x in (10, 100, 1000))],
)
async def test_idle_timers_ask_as_often_as_the_cost_model_says(organizations, tmp_path):
    found = await idle_costs(organizations, tmp_path)
    print(organizations, found)  # noqa: T201

    month = Month(organizations=organizations)
    runs, modelled = timer_runs(month), table_requests(month)
    for timer in ("dispatch", "roll_up", "sweep"):
        assert found[timer][0] == modelled[f"timer {timer}"] / runs[timer], timer
    assert found["sweep"][1] == SWEEP_BLOB_READS * organizations
    assert found["watch_queues"] == (0, 0, WATCH_REQUESTS)
    assert found["dispatch"][1:] == found["roll_up"][1:] == (0, 0)
    assert MONTH_SECONDS == 730 * 3600
