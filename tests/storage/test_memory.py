"""What an instance remembers: not asked again for a while, and served while the store is down."""

from __future__ import annotations

import asyncio
import gc

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


class Slow(Store):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.ready = asyncio.Event()

    async def read(self):
        await self.ready.wait()
        return await super().read()


async def asking(memory, store, number):
    """So many who have all begun to ask."""
    tasks = [asyncio.create_task(memory.get("key", store.read)) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_at_the_same_time_share_a_read():
    memory, store = Memory(60, 10), Slow()
    tasks = await asking(memory, store, 16)
    store.ready.set()

    assert await asyncio.gather(*tasks) == ["value"] * 16
    assert store.asked == 1
    assert not memory.reads.under_way


async def test_whoever_stops_waiting_for_a_shared_read_stops_nobody_else():
    memory, store = Memory(60, 10), Slow()
    first, *others = await asking(memory, store, 3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    store.ready.set()

    assert await asyncio.gather(*others) == ["value"] * 2
    assert store.asked == 1


async def test_a_read_that_fails_when_nobody_waits_for_it_any_more_is_nobodys_fault():
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    memory, store = Memory(60, 10), Slow()
    store.answer = StorageError("down")
    (asker,) = await asking(memory, store, 1)
    (read,) = memory.reads.under_way.values()
    asker.cancel()
    await asyncio.wait([asker])
    store.ready.set()
    await asyncio.wait([read])
    # asyncio tells of it when the task goes, which those who know it keep.
    del asker, read
    gc.collect()
    assert told == []


async def test_all_who_share_a_read_that_fails_are_told_and_the_next_one_reads_again():
    memory, store = Memory(60, 10), Slow()
    store.answer = StorageError("down")
    tasks = await asking(memory, store, 3)
    store.ready.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in found] == [StorageError] * 3
    assert store.asked == 1

    store.answer = "value"
    assert await memory.get("key", store.read) == "value"


async def test_what_was_asked_for_before_a_change_is_not_kept_after_it():
    memory, old, new = Memory(60, 10), Slow(), Slow()
    (before,) = await asking(memory, old, 1)
    memory.forget("key")
    (after,) = await asking(memory, new, 1)
    new.answer = "new value"
    new.ready.set()
    assert await after == "new value"
    old.ready.set()
    assert await before == "value"

    assert memory.last("key", None) == "new value"
