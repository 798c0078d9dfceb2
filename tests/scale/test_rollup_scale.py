"""L5 whole: 100,000 events are rolled up within the timer's budget, run by run.

Run by ``make scale`` and by ``make soak``.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

import pytest
from deployment import settings
from history import later, new_history
from two_sizes import tell

from engagement.config import Config
from engagement.functions.timers import ROLL_UP_SECONDS
from engagement.wiring import build_services

#: Azurite looks at every row of a table for every query, so one table of all events would measure
#: Azurite.
ORGANIZATIONS, MESSAGES, EVENTS = 10, 200, 10_000
#: The timer runs each minute.
MOST_RUNS = 30


@pytest.mark.scale
@pytest.mark.soak
async def test_L5_a_hundred_thousand_events_are_rolled_up_run_by_run(azurite):
    async with AsyncExitStack() as stack:
        services = build_services(Config.from_environment(settings(azurite.connection_string)))
        stack.push_async_callback(services.close)
        histories = [await new_history(services, seed) for seed in range(ORGANIZATIONS)]
        for history in histories:
            await history.happen(await history.send(MESSAGES), EVENTS)

        runs, seconds = 0, 0.0
        # Azurite drops connections at times; what a run could not do is left to the next.
        while any([await history.left() for history in histories]):
            began = time.monotonic()
            report = await services.rolling_up.run(later(), ROLL_UP_SECONDS)
            runs, seconds = runs + 1, seconds + time.monotonic() - began
            print(report)  # noqa: T201
            assert runs < MOST_RUNS
        events, share = ORGANIZATIONS * EVENTS, seconds / ROLL_UP_SECONDS

        for history in histories:
            assert await history.stored() == await history.recounted()
        tell("L5", events=events, rolled_up=events, runs=runs, budgets_of_one=f"{share:.2f}")
