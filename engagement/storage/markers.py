"""Markers: which messages changed in which minute, and which days have to be rolled up again.

A marker that is set again has another ETag, and is deleted under the one that was read: what
changes while it is being worked off is worked off again, whatever clocks say.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from engagement.errors import ConflictError, NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.queries import Queries, literal
from engagement.storage.transactions import LARGEST, deleting, transact


@dataclass(frozen=True, slots=True)
class Marker:
    """That something changed."""

    partition: str
    row_key: str
    etag: str

    @property
    def message_id(self) -> str:
        """The message that changed."""
        return self.row_key

    @property
    def on(self) -> date:
        """The day to which something was added."""
        return date.fromisoformat(self.row_key)


class Markers:
    """Stores markers by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def mark(self, organization: str, message_id: str) -> None:
        """Say that a message changes in this minute; raises NotFoundError if all is gone."""
        minute = keys.marker_partition(datetime.now(UTC))
        await self._set(organization, [(minute, message_id)])

    async def mark_days(self, organization: str, days: Iterable[date]) -> None:
        """Say that the rollups of some days have to be recomputed."""
        await self._set(organization, [(keys.STALE_DAYS, keys.day(on)) for on in sorted(days)])

    async def pending(self, organization: str, before: datetime, most: int) -> list[Marker]:
        """Return up to *most* markers of messages, of minutes that ended by then, oldest first."""
        return await self._find(
            organization,
            f"PartitionKey gt {literal(keys.CHANGED)} "
            f"and PartitionKey lt {literal(keys.marker_partition(before))}",
            most,
        )

    async def stale_days(self, organization: str, most: int) -> list[Marker]:
        """Return up to *most* markers of days, oldest day first."""
        return await self._find(organization, f"PartitionKey eq {literal(keys.STALE_DAYS)}", most)

    async def delete(self, organization: str, markers: Collection[Marker]) -> None:
        """Delete markers, but none that was set again meanwhile."""
        by_partition: defaultdict[str, list[Marker]] = defaultdict(list)
        for marker in markers:
            by_partition[marker.partition].append(marker)
        for found in by_partition.values():
            for start in range(0, len(found), LARGEST):
                await self._delete(organization, found[start : start + LARGEST])

    async def _set(self, organization: str, names: list[tuple[str, str]]) -> None:
        table = self.account.table(keys.table(organization))
        # By themselves: a transaction fails as a whole where two set the same at the same time.
        async with storage_call():
            await asyncio.gather(
                *(table.upsert_entity({"PartitionKey": x, "RowKey": y}) for x, y in names)
            )

    async def _find(self, organization: str, query: str, most: int) -> list[Marker]:
        columns = ["PartitionKey", "RowKey"]
        rows = await self.queries.first_rows(keys.table(organization), query, most, select=columns)
        return [Marker(row["PartitionKey"], row["RowKey"], row.metadata["etag"]) for row in rows]

    async def _delete(self, organization: str, markers: list[Marker]) -> None:
        table = self.account.table(keys.table(organization))
        operations = [
            deleting({"PartitionKey": x.partition, "RowKey": x.row_key}, x.etag) for x in markers
        ]
        try:
            await transact(table, operations)
        except (ConflictError, NotFoundError):
            for operation in operations if len(operations) > 1 else ():
                with suppress(ConflictError, NotFoundError):
                    await transact(table, [operation])
