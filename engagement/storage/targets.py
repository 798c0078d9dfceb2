"""What tracked URLs point at: one row each of a message's partition."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engagement.domain.messages.attachment import Attachment
from engagement.storage import keys
from engagement.storage.attachment_rows import COLUMNS, attachment_of
from engagement.storage.points import Points

#: Seconds that a recipient may wait for one.
SECONDS = 1.0


class Targets:
    """Reads single rows of messages, by the key of their organization."""

    def __init__(self, points: Points) -> None:
        self.points = points

    async def read_destination(self, organization: str, message_id: str, number: int) -> str:
        """Return where link *number* leads; raises NotFoundError, StorageError."""
        row = await self._read(organization, (message_id, keys.link(number)), ["url"])
        url: str = row["url"]
        return url

    async def read_attachment(self, organization: str, message_id: str, number: int) -> Attachment:
        """Return attachment *number*; raises NotFoundError, StorageError."""
        place = (message_id, keys.attachment(number))
        row = await self._read(organization, place, COLUMNS)
        return attachment_of({**row, "created_at": datetime.fromisoformat(row["created_at"])})

    async def _read(
        self, organization: str, place: tuple[str, str], columns: list[str]
    ) -> dict[str, Any]:
        return await self.points.read(organization, place, columns, SECONDS)
