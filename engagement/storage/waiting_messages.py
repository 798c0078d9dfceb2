"""Messages whose time has come and that the CRM is to send, the longest waiting first."""

from __future__ import annotations

from engagement.domain.messages.message import Message
from engagement.storage import keys
from engagement.storage.account import Account, storage_call


class WaitingMessages:
    """A list by the key of the organization; it may name a message that waits no more."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def add(self, organization: str, message: Message) -> None:
        """Have a message wait; again changes nothing."""
        row_key = place_of(message)
        if row_key is not None:
            row = {"PartitionKey": keys.DUE, "RowKey": row_key, "message_id": message.id}
            async with storage_call():
                await self.account.table(keys.table(organization)).upsert_entity(row)

    async def remove(self, organization: str, message: Message) -> None:
        """Have a message wait no more."""
        row_key = place_of(message)
        if row_key is not None:
            async with storage_call():
                await self.account.table(keys.table(organization)).delete_entity(keys.DUE, row_key)

    async def page(self, organization: str, *, after: str, size: int) -> list[tuple[str, str]]:
        """Return up to *size* pairs of a place and a message id, behind the place *after*."""
        rows = self.account.table(keys.table(organization)).query_entities(
            "PartitionKey eq @partition and RowKey gt @after",
            parameters={"partition": keys.DUE, "after": after},
            results_per_page=size,
        )
        found: list[tuple[str, str]] = []
        async with storage_call():
            async for row in rows:
                found.append((row["RowKey"], row["message_id"]))
                if len(found) == size:
                    break
        return found


def place_of(message: Message) -> str | None:
    """Return where a message stands in the list, None if it waits for no time."""
    return None if message.send_at is None else keys.waiting_row(message.send_at, message.id)
