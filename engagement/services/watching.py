"""Watching for what nobody will deal with any more: messages in the poison queues."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from engagement.errors import StorageError
from engagement.storage.queues import Queue

logger = logging.getLogger(__name__)

#: Seconds that one queue may take; nobody waits for it.
PATIENT_SECONDS = 10.0


class Watching:
    """What the timer that looks at the poison queues does; it reads counts and no message."""

    def __init__(self, poison: Sequence[Queue]) -> None:
        self.poison = poison

    async def watch(self) -> dict[str, int]:
        """Log an error for each poison queue that holds messages; return about how many, by name.

        A queue that cannot be asked is left to the next run.
        """
        found: dict[str, int] = {}
        for queue in self.poison:
            try:
                count = await queue.count(PATIENT_SECONDS)
            except StorageError:
                logger.warning("queue %s cannot be counted", queue.name)
                continue
            if count:
                found[queue.name] = count
                logger.error("queue %s holds %d messages", queue.name, count)
        return found
