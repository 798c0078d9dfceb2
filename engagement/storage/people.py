"""What earlier messages tell of each person: one row for each message, by the person's address."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from engagement.domain.delivery.habit import ReplyOffset, Trace, combined
from engagement.domain.mailbox_address import address_key
from engagement.domain.verdicts.interaction import interaction_id
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import LARGEST, transact

#: Messages of one person that are read, the newest ones.
MOST_READ = 200


class People:
    """Keeps what is known of people's habits, by the key of their organization.

    All of it can be made again from the interactions.
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    async def write(
        self, organization: str, address: str, message_id: str, sent_at: datetime, trace: Trace
    ) -> None:
        """Put what a message tells of a person in the place of what it told before.

        Nothing is kept of a message that tells nothing.
        """
        row = _row(address, message_id, sent_at, trace)
        table = self._table(organization)
        if trace == Trace():
            with suppress(NotFoundError):
                async with storage_call():
                    await table.delete_entity(row["PartitionKey"], row["RowKey"])
        else:
            async with storage_call():
                await table.upsert_entity(row, mode="replace")

    async def forget(self, organization: str, address: str) -> None:
        """Remove everything that is kept of a person; may be repeated."""
        table = self._table(organization)
        rows = self._query(organization, address, select=["PartitionKey", "RowKey"])
        async with storage_call(60):
            found = [{name: row[name] for name in ("PartitionKey", "RowKey")} async for row in rows]
        for start in range(0, len(found), LARGEST):
            await transact(table, [("delete", row) for row in found[start : start + LARGEST]])

    async def read(self, organization: str, address: str) -> Trace:
        """Return what the newest messages tell of a person."""
        traces: list[Trace] = []
        async with storage_call():
            async for row in self._query(organization, address, results_per_page=MOST_READ):
                traces.append(_trace(row))
                if len(traces) == MOST_READ:
                    break
        return combined(traces)

    def _query(self, organization: str, address: str, **options: Any) -> Any:
        return self._table(organization).query_entities(
            "PartitionKey eq @person", parameters={"person": _partition(address)}, **options
        )

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _partition(address: str) -> str:
    return keys.person(address_key(address))


def _row(address: str, message_id: str, sent_at: datetime, trace: Trace) -> dict[str, Any]:
    row: dict[str, Any] = {
        "PartitionKey": _partition(address),
        "RowKey": interaction_id(sent_at, message_id),
        "acts": json.dumps([at.astimezone(UTC).isoformat() for at in trace.acts]),
    }
    if trace.reply_offset is not None:
        row["reply_offset_minutes"] = trace.reply_offset.minutes
        row["replied_at"] = trace.reply_offset.at
    return row


def _trace(row: Any) -> Trace:
    minutes = row.get("reply_offset_minutes")
    return Trace(
        tuple(datetime.fromisoformat(text) for text in json.loads(row["acts"])),
        None if minutes is None else ReplyOffset(minutes, row["replied_at"]),
    )
