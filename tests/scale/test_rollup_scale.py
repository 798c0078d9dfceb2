"""L5 whole: 100,000 events are rolled up within the timer's budget, run by run (`make scale`)."""

from __future__ import annotations

import time

from deployment import settings
from history import later, new_history

from engagement.config import Config
from engagement.functions.timers import ROLL_UP_SECONDS
from engagement.wiring import build_services

MESSAGES, EVENTS = 2_000, 100_000


async def test_L5_a_hundred_thousand_events_are_rolled_up_run_by_run(azurite):
    services = build_services(Config.from_environment(settings(azurite.connection_string)))
    history = await new_history(services)
    messages = await history.send(MESSAGES)
    await history.happen(messages, EVENTS)

    runs, seconds = 0, 0.0
    unfinished = True
    while unfinished:
        began = time.monotonic()
        report = await services.rolling_up.run(later(), ROLL_UP_SECONDS)
        runs, seconds = runs + 1, seconds + time.monotonic() - began
        unfinished = report.unfinished
    print(f"{EVENTS} events of {MESSAGES} messages: {seconds:.0f} s in {runs} runs,")  # noqa: T201
    print(f"{seconds / ROLL_UP_SECONDS:.2f} of the budget of a run")  # noqa: T201

    assert await history.left() == []
    assert await history.stored() == await history.recounted()
    await services.close()
