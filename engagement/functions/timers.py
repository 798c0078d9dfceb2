"""What happens without anybody asking; timers plan and call, services do."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.services import Services

#: Seconds; a message may be a minute late, and the next run goes on where this one stopped.
DISPATCH_SECONDS = 40.0


def blueprint(services: Services) -> func.Blueprint:
    """Return the timers; each may run late, twice at once, or stop half-way."""
    bp = func.Blueprint()

    @bp.timer_trigger(arg_name="timer", schedule="0 17 * * * *")
    async def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding
        await services.sweeping.sweep(datetime.now(UTC))

    @bp.timer_trigger(arg_name="timer", schedule="*/15 * * * * *")
    async def dispatch(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding
        await services.dispatching.run(lambda: datetime.now(UTC), DISPATCH_SECONDS)

    return bp
