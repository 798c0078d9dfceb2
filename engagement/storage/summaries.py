"""What the lists say of a message and where, noted in its own partition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engagement.domain.reports.listed import Listed
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.listing_rows import COLUMN, listed_of, text_of
from engagement.storage.listings import Place
from engagement.storage.queries import Queries
from engagement.storage.transactions import deleting, replacing, transact


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of one message in the lists."""

    message_id: str
    #: Listed or None, what the rows said when they last agreed
    listed: Listed | None = None
    #: version of each row; those of an unsettled summary need not be there, or be as they were
    rows: Mapping[Place, str] = field(default_factory=dict)
    #: bool, whether the rows agree; False while, or since, somebody writes them
    settled: bool = True
    #: str, version of the note itself, "" for one that is not stored
    etag: str = ""


class Summaries:
    """Reads and writes the notes, by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def read(self, organization: str, message_id: str) -> Summary:
        """Return the note of a message, an empty one if there is none."""
        try:
            row = await self.queries.row(keys.table(organization), message_id, keys.SUMMARY)
        except NotFoundError:
            return Summary(message_id)
        rows = {Place(*place): version for *place, version in json.loads(row["rows"])}
        listed = listed_of(row[COLUMN]) if COLUMN in row else None
        return Summary(message_id, listed, rows, row["settled"], str(row.metadata["etag"]))

    async def write(self, organization: str, summary: Summary) -> Summary:
        """Store a note in the place of the one with its version.

        Raises ConflictError or NotFoundError if somebody else wrote or removed it meanwhile.
        """
        row: dict[str, Any] = {
            **_keyed(summary),
            "rows": json.dumps([[*place, version] for place, version in summary.rows.items()]),
            "settled": summary.settled,
            COLUMN: None if summary.listed is None else text_of(summary.listed),
        }
        operation = replacing(row, summary.etag) if summary.etag else ("create", row)
        etag = await transact(self.account.table(keys.table(organization)), [operation])
        return replace(summary, etag=etag)

    async def remove(self, organization: str, summary: Summary) -> None:
        """Remove a note; raises like :meth:`write`."""
        table = self.account.table(keys.table(organization))
        await transact(table, [deleting(_keyed(summary), summary.etag)])


def _keyed(summary: Summary) -> dict[str, Any]:
    return {"PartitionKey": summary.message_id, "RowKey": keys.SUMMARY}
