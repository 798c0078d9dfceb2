"""What happens without anybody asking; timers plan and call, services do."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.functions.background import in_background
from engagement.services import Services

#: Seconds; a message may be a minute late, and the next run goes on where this one stopped.
DISPATCH_SECONDS = 40.0
#: Seconds after which rolling up leaves the rest to the next minute.
ROLL_UP_SECONDS = 50.0


def blueprint(services: Services) -> func.Blueprint:
    """Return the timers; each may run late, twice at once, or stop half-way."""
    bp = func.Blueprint()

    @bp.timer_trigger(arg_name="timer", schedule="20 * * * * *")
    @in_background
    async def roll_up(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding
        await services.rolling_up.run(datetime.now(UTC), ROLL_UP_SECONDS)

    @bp.timer_trigger(arg_name="timer", schedule="0 17 * * * *")
    @in_background
    async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding
        await services.sweeping.sweep(datetime.now(UTC))

    @bp.timer_trigger(arg_name="timer", schedule="*/15 * * * * *")
    @in_background
    async def dispatch(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding
        await services.dispatching.run(lambda: datetime.now(UTC), DISPATCH_SECONDS)

    @bp.timer_trigger(arg_name="timer", schedule="45 */5 * * * *")
    @in_background
    async def watch_queues(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding
        await services.watching.watch(datetime.now(UTC))

    return bp
