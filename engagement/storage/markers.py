"""Which messages changed in which minute, so that only such are counted up again."""

from __future__ import annotations

from datetime import UTC, datetime

from engagement.storage import keys
from engagement.storage.appends import Appends

PATIENT_SECONDS = 10.0


class Markers:
    """Writes one small row per message and minute; several times in a minute is once."""

    def __init__(self, appends: Appends) -> None:
        self.appends = appends

    async def mark(self, organization: str, message_id: str) -> None:
        """Say that a message changed in this minute, or is about to.

        Raises NotFoundError if the organization is gone, StorageError if it cannot be said.
        """
        minute = keys.marker_partition(datetime.now(UTC))
        marker = {"PartitionKey": minute, "RowKey": message_id}
        await self.appends.append(organization, marker, PATIENT_SECONDS)
