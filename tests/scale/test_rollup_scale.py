"""L5 whole: 100,000 events are rolled up within the timer's budget, run by run (`make scale`)."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

from deployment import settings
from history import later, new_history

from engagement.config import Config
from engagement.functions.timers import ROLL_UP_SECONDS
from engagement.wiring import build_services

MESSAGES, EVENTS = 2_000, 100_000
#: The timer runs each minute.
MOST_RUNS = 30


async def test_L5_a_hundred_thousand_events_are_rolled_up_run_by_run(azurite):
    async with AsyncExitStack() as stack:
        services = build_services(Config.from_environment(settings(azurite.connection_string)))
        stack.push_async_callback(services.close)
        history = await new_history(services)
        messages = await history.send(MESSAGES)
        await history.happen(messages, EVENTS)

        runs, seconds = 0, 0.0
        # Azurite drops connections at times; what a run could not do is left to the next.
        while await history.left():
            began = time.monotonic()
            report = await services.rolling_up.run(later(), ROLL_UP_SECONDS)
            runs, seconds = runs + 1, seconds + time.monotonic() - began
            print(report)  # noqa: T201
            assert runs < MOST_RUNS
        share = seconds / ROLL_UP_SECONDS
        print(f"{EVENTS} events of {MESSAGES} messages in {runs} runs, {share:.2f} budgets of one")  # noqa: T201

        assert await history.stored() == await history.recounted()
