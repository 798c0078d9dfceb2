"""What timers and queues share: a failure is told without what it quotes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeVar

from engagement import telemetry
from engagement.errors import TriggerError

Input = TypeVar("Input")


def in_background(
    handler: Callable[[Input], Awaitable[None]],
) -> Callable[[Input], Awaitable[None]]:
    """Return *handler* so that what it raises tells the host no more than that it failed.

    The host writes an exception's words into its logs, and they may quote an address or a key. It
    tries again as it would have, and moves what fails too often into the poison queue.
    """

    @wraps(handler)
    async def function(given: Input) -> None:
        try:
            await handler(given)
        except Exception as error:
            telemetry.exception("function_failed", function=handler.__name__)
            raise TriggerError(f"{handler.__name__} failed: {type(error).__name__}.") from None

    return function
