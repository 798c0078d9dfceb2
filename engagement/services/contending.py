"""Contending: several do the same at the same time, and each has to come to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from engagement.errors import ConflictError

T = TypeVar("T")


async def insist(work: Callable[[], Awaitable[T]], pauses: Sequence[float]) -> T:
    """Do *work*, again after each of *pauses* (seconds) while others change the same.

    Raises ConflictError if they go on doing so.
    """
    for pause in pauses:
        with suppress(ConflictError):
            return await work()
        await asyncio.sleep(pause)
    return await work()


async def all_of(works: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all, and raise what one of them raised only then.

    So none goes on behind the back of whoever does it again.
    """
    done = await asyncio.gather(*works, return_exceptions=True)
    found: list[T] = []
    for result in done:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found
