"""Due times of all organizations in one table, in order: a timer asks once, whoever has some."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from engagement.domain.messages.due_time import DueTime, Task
from engagement.errors import ConflictError, NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import deleting, transact


class DueTimes:
    """Notes when messages are to be looked at; repeating each call changes nothing."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def add(self, due: DueTime | None) -> None:
        """Note a due time; nothing for None."""
        if due is None:
            return
        try:
            await self._upsert(due)
        except NotFoundError:
            # Made when it is first needed; two who make it at once both get it.
            async with storage_call():
                await self.account.tables.create_table_if_not_exists(keys.DUE_TIMES)
            await self._upsert(due)

    async def remove(self, due: DueTime) -> None:
        """Take a due time off the table, unless it was noted again meanwhile."""
        operation = deleting(_row(due), due.etag)
        with suppress(ConflictError, NotFoundError):
            await transact(self.account.table(keys.DUE_TIMES), [operation])

    async def page(self, now: datetime, *, after: DueTime | None, size: int) -> list[DueTime]:
        """Return up to *size* of those whose time has come, in order, behind the one *after*."""
        query = "PartitionKey le @minute and due_at le @now"
        parameters: dict[str, Any] = {"minute": keys.due_partition(now), "now": now}
        if after is not None:
            # The SDK finds parameters between spaces only.
            query += (
                " and ( PartitionKey gt @last or ( PartitionKey eq @last and RowKey gt @row ) )"
            )
            row = _row(after)
            parameters |= {"last": row["PartitionKey"], "row": row["RowKey"]}
        found: list[DueTime] = []
        try:
            async with storage_call(60):
                rows = self.account.table(keys.DUE_TIMES).query_entities(
                    query, parameters=parameters, results_per_page=size
                )
                async for row in rows:
                    found.append(_due_time(row))
                    if len(found) == size:
                        break
        except NotFoundError:
            return []
        return found

    async def _upsert(self, due: DueTime) -> None:
        async with storage_call():
            await self.account.table(keys.DUE_TIMES).upsert_entity(_row(due), mode="replace")


def _row(due: DueTime) -> dict[str, Any]:
    return {
        "PartitionKey": keys.due_partition(due.at),
        "RowKey": keys.due_row(due.at, due.organization, due.message_id, due.task),
        "due_at": due.at,
        "organization": due.organization,
        "message_id": due.message_id,
        "task": due.task.value,
        "noted_at": due.noted_at,
        "tries": due.tries,
    }


def _due_time(row: Any) -> DueTime:
    return DueTime(
        at=row["due_at"],
        organization=row["organization"],
        message_id=row["message_id"],
        task=Task(row["task"]),
        noted_at=row["noted_at"],
        tries=row["tries"],
        etag=row.metadata["etag"],
    )
