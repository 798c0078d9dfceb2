"""What tracked URLs point at: one row each of a message's partition."""

from __future__ import annotations

from typing import Any

from engagement.domain.messages.attachment import Attachment
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.attachment_rows import attachment_of


class Targets:
    """Reads single rows of messages, by the key of their organization."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def read_destination(self, organization: str, message_id: str, number: int) -> str:
        """Return where link *number* leads; raises NotFoundError."""
        row = await self._point(organization, message_id, keys.link(number))
        url: str = row["url"]
        return url

    async def read_attachment(self, organization: str, message_id: str, number: int) -> Attachment:
        """Return attachment *number*; raises NotFoundError."""
        return attachment_of(await self._point(organization, message_id, keys.attachment(number)))

    async def _point(self, organization: str, message_id: str, row_key: str) -> Any:
        # Without retries: somebody is waiting for the answer.
        await self.account.import_tables()
        async with storage_call(1):
            return await self.account.table(keys.table(organization)).get_entity(
                message_id, row_key, retry_total=0
            )
