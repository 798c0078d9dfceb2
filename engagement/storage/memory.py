"""What an instance remembers of a store, so that it need not ask for each hit."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from engagement.errors import StorageError
from engagement.storage.sharing import Sharing

T = TypeVar("T")

#: Seconds for which a stale value serves after the store failed.
PAUSE = 5.0


class Memory(Generic[T]):
    """At most *limit* values, each for *life* seconds, and longer while the store is down."""

    def __init__(self, life: float, limit: int) -> None:
        self.life = life
        self.limit = limit
        self.values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self.reads: Sharing[T] = Sharing()

    async def get(
        self, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]], *, down: bool = False
    ) -> T:
        """Return the value of *key*, from *read* if it is not known; raises what *read* raises.

        Those who ask at the same time share one *read*. While the store is *down*, a known value
        serves however old it is.
        """
        known = self.values.get(key)
        if known is not None and (down or time.monotonic() < known[0]):
            return known[1]
        return await self.reads.get(key, lambda: self._read(key, read))

    def last(self, key: Hashable, default: T) -> T:
        """Return the value of *key* however old it is, without asking the store."""
        known = self.values.get(key)
        return default if known is None else known[1]

    def forget(self, key: Hashable) -> None:
        """Have the store asked for *key* next time."""
        self.values.pop(key, None)
        self.reads.forget(key)

    async def _read(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        known = self.values.get(key)
        try:
            value = await read()
        except StorageError:
            if known is None:
                raise
            # Not every visitor is to wait for the store to fail.
            value, life = known[1], PAUSE
        else:
            life = self.life
        # What was asked for before it was to be forgotten may be old.
        if self.reads.is_current(key):
            self._keep(key, value, life)
        return value

    def _keep(self, key: Hashable, value: T, life: float) -> None:
        self.values[key] = (time.monotonic() + life, value)
        self.values.move_to_end(key)
        if len(self.values) > self.limit:
            self.values.popitem(last=False)
