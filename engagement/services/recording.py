"""Keeping an interaction, whatever the stores do: table, else queue, else this machine's disk."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from engagement.domain.breaker import Breaker
from engagement.domain.interaction import Interaction
from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.appends import Appends
from engagement.storage.interaction_queue import InteractionQueue
from engagement.storage.interactions import entity_of
from engagement.storage.spill import Spill

logger = logging.getLogger(__name__)

#: Seconds; together below the 2 s that a recipient may wait while everything hangs.
TABLE_SECONDS = 1.0
QUEUE_SECONDS = 0.5
#: Seconds that the queue function and the drain may take: nobody waits for them.
PATIENT_SECONDS = 10.0
DRAIN_PAUSE = 2.0
#: Seconds after which a queued interaction is tried again, doubled each time up to the longest.
FIRST_DELAY, LONGEST_DELAY = 4, 600

MOST_MARKERS = 10_000
RECORD_VERSION = 1


class Recording:
    """Stores interactions, each exactly once: the row key is made before the first try."""

    def __init__(self, appends: Appends, queue: InteractionQueue, spill: Spill) -> None:
        self.appends = appends
        self.queue = queue
        self.spill = spill
        self.table_breaker = Breaker()
        self.queue_breaker = Breaker()
        self.marked: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self.background: set[asyncio.Task[Any]] = set()
        self.draining = False
        self.leftover_checked = False
        #: int, interactions that nothing would take since this process began
        self.lost = 0

    async def record(self, organization: str, interaction: Interaction) -> None:
        """Keep *interaction*; never raises for a store's sake, and never waits above about 2 s."""
        entity = entity_of(interaction)
        self._drain_leftovers()
        if self.table_breaker.closed:
            if await self._store(organization, entity, TABLE_SECONDS):
                return
        elif self.table_breaker.trial_due(time.monotonic()):
            # The trial costs nobody time: this interaction goes the other way as well, and the
            # row key makes one of the two writes an answer of 409.
            self._start(self._store(organization, entity, TABLE_SECONDS))
        await self._set_aside(organization, entity)

    async def take(self, record: str) -> None:
        """Place an interaction from the queue, or put it back for later while the table is down.

        Raises ValueError for a record that cannot be read: only such go to the poison queue.
        """
        try:
            await self.place(record)
        except StorageError:
            value = json.loads(record)
            tries = value.get("tries", 0)
            again = json.dumps({**value, "tries": tries + 1})
            delay = min(FIRST_DELAY * 2**tries, LONGEST_DELAY)
            await self.queue.put(again, PATIENT_SECONDS, delay=delay)

    async def place(self, record: str) -> None:
        """Put an interaction that was set aside in its place; raises StorageError, ValueError."""
        organization, entity = _read_record(record)
        try:
            await self._write(organization, entity, PATIENT_SECONDS)
        except NotFoundError:
            logger.warning("interaction of a deleted organization dropped")

    async def mark(
        self, organization: str, message_id: str, seconds: float = PATIENT_SECONDS
    ) -> None:
        """Say that a message changed in this minute, so that only such are counted up again."""
        minute = keys.marker_partition(datetime.now(UTC))
        mark = (organization, message_id, minute)
        if mark in self.marked:
            return
        marker = {"PartitionKey": minute, "RowKey": message_id}
        await self.appends.append(organization, marker, seconds)
        self.marked[mark] = None
        if len(self.marked) > MOST_MARKERS:
            self.marked.popitem(last=False)

    async def drain(self) -> bool:
        """Place what lies on this machine's disk; True when nothing is left."""
        for file in self.spill.claim():
            for record in self.spill.read(file):
                try:
                    await self.place(record)
                except StorageError:
                    return False
                except ValueError:
                    logger.exception("a spilled interaction cannot be read")
            self.spill.done(file)
        return self.spill.empty()

    async def close(self) -> None:
        """Stop what runs in the background; what is on disk stays there for the next process."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)

    async def _store(self, organization: str, entity: Mapping[str, Any], seconds: float) -> bool:
        try:
            await self._write(organization, entity, seconds)
        except NotFoundError:
            logger.warning("interaction of a deleted organization dropped")
        except StorageError as error:
            self.table_breaker.failed(time.monotonic(), hung=error.hung)
            logger.warning("table refuses interactions", extra={"cause": type(error).__name__})
            return False
        except Exception:
            # Whatever it is, the interaction is kept.
            self.table_breaker.failed(time.monotonic(), hung=False)
            logger.exception("table cannot be written to")
            return False
        self.table_breaker.succeeded()
        return True

    async def _write(self, organization: str, entity: Mapping[str, Any], seconds: float) -> None:
        await asyncio.gather(
            self.appends.append(organization, entity, seconds),
            self.mark(organization, entity["PartitionKey"], seconds),
        )

    async def _set_aside(self, organization: str, entity: Mapping[str, Any]) -> None:
        record = _record(organization, entity)
        if await self._enqueue(record):
            return
        if self.spill.add(record):
            self._start_draining()
            logger.warning("interaction spilled to disk")
            return
        self.lost += 1
        logger.error("interaction lost", extra={"lost": self.lost})

    async def _enqueue(self, record: str) -> bool:
        if self.queue_breaker.closed:
            return await self._put(record)
        if self.queue_breaker.trial_due(time.monotonic()):
            self._start(self._put(record))
        return False

    async def _put(self, record: str) -> bool:
        try:
            await self.queue.put(record, QUEUE_SECONDS)
        except StorageError as error:
            self.queue_breaker.failed(time.monotonic(), hung=error.hung)
            return False
        except Exception:
            self.queue_breaker.failed(time.monotonic(), hung=False)
            logger.exception("queue cannot be written to")
            return False
        self.queue_breaker.succeeded()
        return True

    def _drain_leftovers(self) -> None:
        if not self.leftover_checked:
            self.leftover_checked = True
            if not self.spill.empty():
                self._start_draining()

    def _start_draining(self) -> None:
        if not self.draining:
            self.draining = True
            self._start(self._drain_until_empty())

    async def _drain_until_empty(self) -> None:
        try:
            while not self.spill.empty():
                await asyncio.sleep(DRAIN_PAUSE)
                try:
                    await self.drain()
                except Exception:
                    logger.exception("spilled interactions cannot be placed now")
        finally:
            self.draining = False

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)


def _record(organization: str, entity: Mapping[str, Any]) -> str:
    return json.dumps({"v": RECORD_VERSION, "organization": organization, "entity": entity})


def _read_record(record: str) -> tuple[str, dict[str, Any]]:
    value = json.loads(record)
    if not isinstance(value, dict) or value.get("v") != RECORD_VERSION:
        raise ValueError("This record is of an unknown version.")
    organization, entity = value.get("organization"), value.get("entity")
    if not isinstance(organization, str) or not isinstance(entity, dict):
        raise ValueError("This record names no organization or entity.")  # noqa: TRY004 - one kind
    return organization, entity
