"""Watching the queues: how much waits, for how long, and what nobody will deal with any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engagement import telemetry
from engagement.errors import StorageError
from engagement.storage.queues import Queue

#: Seconds that one request may take; nobody waits for it.
PATIENT_SECONDS = 10.0


class Watching:
    """What the timer that looks at the queues does; of what waits it reads nothing but its time."""

    def __init__(self, queues: Sequence[Queue], poison: Sequence[Queue]) -> None:
        self.queues = queues
        self.poison = poison

    async def watch(self, now: datetime) -> dict[str, int]:
        """Tell how long each queue is and how old what waits; return what is poison, by name.

        A poison queue that holds messages is told as an error. A queue that cannot be asked is
        left to the next run.
        """
        for queue in self.queues:
            await self._look(queue, now)
        found: dict[str, int] = {}
        for queue in self.poison:
            count = await self._count(queue)
            if count is None:
                continue
            telemetry.metric("poison_count", value=count, queue=queue.name)
            if count:
                found[queue.name] = count
                telemetry.error("poison", queue=queue.name, count=count)
        return found

    async def _look(self, queue: Queue, now: datetime) -> None:
        count = await self._count(queue)
        if count is None:
            return
        telemetry.metric("queue_length", value=count, queue=queue.name)
        try:
            oldest = await queue.oldest(PATIENT_SECONDS) if count else None
        except StorageError as error:
            _unreadable(queue, error)
            return
        age = (now - oldest).total_seconds() if oldest else 0.0
        telemetry.metric("queue_age_seconds", value=max(age, 0.0), queue=queue.name)

    async def _count(self, queue: Queue) -> int | None:
        try:
            return await queue.count(PATIENT_SECONDS)
        except StorageError as error:
            _unreadable(queue, error)
            return None


def _unreadable(queue: Queue, error: StorageError) -> None:
    telemetry.warning(
        "queue_unreadable", queue=queue.name, error=type(error.__cause__ or error).__name__
    )
