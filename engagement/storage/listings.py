"""Rows by which messages are listed: of all, of a sender, of a template, of a record."""

from __future__ import annotations

from typing import Any, NamedTuple

from engagement.domain.messages.message import Message
from engagement.domain.reports.listed import Listed, records_of
from engagement.domain.reports.selection import LAST_KEY, RecordKey, Selection
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.listing_rows import COLUMN, listed_of, text_of
from engagement.storage.queries import Queries, between
from engagement.storage.transactions import deleting, replacing, transact


class Place(NamedTuple):
    """Where a row stands."""

    partition: str
    key: str


class Listings:
    """Reads and writes rows of lists, by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def page(
        self, organization: str, partition: str, *, after: str, end: str = LAST_KEY, size: int
    ) -> list[Listed]:
        """Return up to *size* rows between the keys *after* ("" for the first) and *end*."""
        query = between(partition, after, end)
        rows = await self.queries.first(keys.table(organization), query, size, select=[COLUMN])
        return [listed_of(row[COLUMN]) for row in rows]

    async def etag(self, organization: str, place: Place) -> str:
        """Return the version of a row, "" if it is not there."""
        try:
            async with storage_call():
                row = await self.account.table(keys.table(organization)).get_entity(
                    *place, select=["RowKey"]
                )
        except NotFoundError:
            return ""
        return str(row.metadata["etag"])

    async def write(self, organization: str, place: Place, listed: Listed, etag: str) -> str:
        """Write the row that has the version *etag* ("" for none) and return its new version.

        Raises ConflictError or NotFoundError if somebody else wrote or removed it meanwhile.
        """
        row = {**_keyed(place), COLUMN: text_of(listed)}
        operation = replacing(row, etag) if etag else ("create", row)
        return await transact(self.account.table(keys.table(organization)), [operation])

    async def remove(self, organization: str, place: Place, etag: str) -> None:
        """Remove the row that has the version *etag*; raises like :meth:`write`."""
        table = self.account.table(keys.table(organization))
        await transact(table, [deleting(_keyed(place), etag)])


def partition_of(selection: Selection) -> str:
    """Return the partition, the narrowest there is, that holds what is selected."""
    if selection.record is not None:
        return partition_of_record(selection.record)
    if selection.sender is not None:
        return keys.list_of_sender(selection.sender)
    if selection.template is not None:
        return keys.list_of_template(selection.template)
    return keys.LIST_ALL


def partition_of_record(record: RecordKey) -> str:
    """Return the partition of a record's activities."""
    return keys.list_of_record(record.type, record.id)


def places_of(message: Message, listed: Listed) -> set[Place]:
    """Return where a message stands: its records', and those of followed emails once it is one."""
    partitions = {keys.list_of_record(*record) for record in records_of(message)}
    if listed.followed:
        partitions |= {keys.LIST_ALL, keys.list_of_sender(message.sender.user_id)}
        if message.template_id is not None:
            partitions.add(keys.list_of_template(message.template_id))
    return {Place(partition, listed.key) for partition in partitions}


def _keyed(place: Place) -> dict[str, Any]:
    return {"PartitionKey": place.partition, "RowKey": place.key}
