"""What an instance remembers: not asked again for a while, and served while the store is down."""

from __future__ import annotations

import pytest

from engagement.errors import NotFoundError, StorageError
from engagement.storage.memory import Memory


class Store:
    """Answers, or raises, and counts."""

    def __init__(self):
        self.answer = "value"
        self.asked = 0

    async def read(self):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_value_is_read_once_while_it_is_fresh():
    memory, store = Memory(60, 10), Store()

    assert [await memory.get("key", store.read) for _ in range(3)] == ["value"] * 3
    assert store.asked == 1


async def test_a_stale_value_is_read_again_and_serves_while_the_store_is_down():
    memory, store = Memory(0, 10), Store()
    await memory.get("key", store.read)
    store.answer = StorageError("down")
    assert [await memory.get("key", store.read) for _ in range(3)] == ["value"] * 3
    # One visitor waited for the store to fail; the others were not made to.
    assert store.asked == 2


async def test_while_the_store_is_known_to_be_down_it_is_not_asked():
    memory, store = Memory(0, 10), Store()
    await memory.get("key", store.read)

    assert await memory.get("key", store.read, down=True) == "value"
    assert store.asked == 1


async def test_a_value_that_is_gone_is_not_served_any_more():
    memory, store = Memory(0, 10), Store()
    await memory.get("key", store.read)
    store.answer = NotFoundError("gone")

    with pytest.raises(NotFoundError):
        await memory.get("key", store.read)


async def test_what_was_never_known_is_an_error():
    memory, store = Memory(60, 10), Store()
    store.answer = StorageError("down")

    with pytest.raises(StorageError):
        await memory.get("key", store.read)
    assert memory.last("key", "default") == "default"


async def test_the_oldest_value_goes_first():
    memory, store = Memory(60, 2), Store()
    for key in ("a", "b", "c"):
        await memory.get(key, store.read)

    assert [memory.last(key, "gone") for key in ("a", "b", "c")] == ["gone", "value", "value"]
