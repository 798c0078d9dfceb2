"""What an instance remembers of a store, so that it need not ask for each hit."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from engagement.errors import StorageError

T = TypeVar("T")

#: Seconds for which a stale value serves after the store failed.
PAUSE = 5.0


class Memory(Generic[T]):
    """At most *limit* values, each for *life* seconds, and longer while the store is down."""

    def __init__(self, life: float, limit: int) -> None:
        self.life = life
        self.limit = limit
        self.values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    async def get(
        self, key: Hashable, read: Callable[[], Awaitable[T]], *, down: bool = False
    ) -> T:
        """Return the value of *key*, from *read* if it is not known; raises what *read* raises.

        While the store is *down*, a known value serves however old it is.
        """
        known = self.values.get(key)
        if known is not None and (down or time.monotonic() < known[0]):
            return known[1]
        try:
            value = await read()
        except StorageError:
            if known is None:
                raise
            # Not every visitor is to wait for the store to fail.
            self._keep(key, known[1], PAUSE)
            return known[1]
        self._keep(key, value, self.life)
        return value

    def last(self, key: Hashable, default: T) -> T:
        """Return the value of *key* however old it is, without asking the store."""
        known = self.values.get(key)
        return default if known is None else known[1]

    def forget(self, key: Hashable) -> None:
        """Have the store asked for *key* next time."""
        self.values.pop(key, None)

    def _keep(self, key: Hashable, value: T, life: float) -> None:
        self.values[key] = (time.monotonic() + life, value)
        self.values.move_to_end(key)
        if len(self.values) > self.limit:
            self.values.popitem(last=False)
