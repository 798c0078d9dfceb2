"""Doing once what several ask for at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Sharing(Generic[T]):
    """Work that is under way, by its key."""

    def __init__(self) -> None:
        self.under_way: dict[Hashable, asyncio.Task[T]] = {}

    async def get(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what *work* returns, or raise what it raises.

        Whoever asks while *key* is worked on waits for that. The work goes on to its end though
        all of them are cancelled, so it has to have one.
        """
        task = self.under_way.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(work())
            self.under_way[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    def forget(self, key: Hashable) -> None:
        """Have the work begun anew for those who ask from now on."""
        self.under_way.pop(key, None)

    def is_current(self, key: Hashable) -> bool:
        """Whether the work that asks this is the newest of its key."""
        return self.under_way.get(key) is asyncio.current_task()

    def _done(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self.under_way.get(key) is task:
            del self.under_way[key]
        if not task.cancelled():
            # Else asyncio logs a failure that nobody waited for any more as one of ours.
            task.exception()
