"""Rollups of an organization: one partition, so that those of a day are replaced under one ETag.

Row keys are kind, day, and for senders and templates a digest of the id: a period of the
organization, and of all senders or templates, is one range.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engagement.domain.reports.rollup import ORGANIZATION, Group, GroupKind, Rollup
from engagement.errors import ConflictError, NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.queries import Queries, literal
from engagement.storage.rollup_rows import numbers_of, rollup_of
from engagement.storage.transactions import replacing, transact

#: Rows in one transaction, which holds 4 MiB: one with all segments that are kept has 40 KiB.
AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class DayRollups:
    """The rollups of one day as they are stored."""

    on: date
    rollups: Mapping[Group, Rollup] = field(default_factory=dict)
    #: str, of the organization's row, which every replacement writes; "" if there is none
    etag: str = ""


class Rollups:
    """Stores rollups by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def read_day(self, organization: str, on: date) -> DayRollups:
        """Return all rollups of a day."""
        # First, so that whatever else is read is at least as new as the ETag says.
        try:
            head = await self.queries.row(
                keys.table(organization), keys.ROLLUPS, _row_key(on, ORGANIZATION)
            )
        except NotFoundError:
            return DayRollups(on)
        found = {ORGANIZATION: rollup_of(head["numbers"])}
        for kind in (GroupKind.SENDER, GroupKind.TEMPLATE):
            rows = self.period(organization, kind, on, on)
            found |= {group: rollup async for _, group, rollup in rows}
        return DayRollups(on, found, head.metadata["etag"])

    async def replace_day(
        self, organization: str, before: DayRollups, after: Mapping[Group, Rollup]
    ) -> None:
        """Replace the rollups of a day; raises ConflictError if somebody else has meanwhile.

        The organization's row goes with every transaction, changed or not: who computed from
        something older does not get through.
        """
        if not after and not before.etag:
            return
        rows = [
            *(
                ("upsert", _row(before.on, group, rollup), {"mode": "replace"})
                for group, rollup in after.items()
                if group != ORGANIZATION and before.rollups.get(group) != rollup
            ),
            *(
                ("delete", {"PartitionKey": keys.ROLLUPS, "RowKey": _row_key(before.on, group)})
                for group in before.rollups
                if group != ORGANIZATION and group not in after
            ),
        ]
        head = _row(before.on, ORGANIZATION, after.get(ORGANIZATION, Rollup()))
        table, etag = self._table(organization), before.etag
        for start in range(0, max(len(rows), 1), AT_ONCE):
            first = replacing(head, etag) if etag else ("create", head)
            try:
                etag = await transact(table, [first, *rows[start : start + AT_ONCE]])
            except NotFoundError as error:
                # If the table is gone, the next read says so.
                raise ConflictError("Somebody else changed this at the same time.") from error

    async def period(
        self,
        organization: str,
        kind: GroupKind,
        first: date,
        last: date,
        group: Group | None = None,
    ) -> AsyncIterator[tuple[date, Group, Rollup]]:
        """Yield the rollups of a kind from day *first* to *last*, of one *group* only if given."""
        query = (
            f"PartitionKey eq {literal(keys.ROLLUPS)} "
            f"and RowKey ge {literal(f'{kind}-{keys.day(first)}')} "
            # Sorts behind the day itself and whatever follows it after a hyphen.
            f"and RowKey lt {literal(f'{kind}-{keys.day(last)}.')}"
        )
        if group is not None and group != ORGANIZATION:
            query += f" and digest eq {literal(group.digest)}"
        pages = self.queries.pages(
            keys.table(organization), query, select=["RowKey", "id", "numbers"]
        )
        async for page in pages:
            for row in page:
                on = date.fromisoformat(row["RowKey"].split("-")[1])
                yield on, Group(kind, row["id"]), rollup_of(row["numbers"])

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _row(on: date, group: Group, rollup: Rollup) -> dict[str, Any]:
    return {
        "PartitionKey": keys.ROLLUPS,
        "RowKey": _row_key(on, group),
        "id": group.id,
        "digest": group.digest,
        "numbers": numbers_of(rollup),
    }


def _row_key(on: date, group: Group) -> str:
    name = f"{group.kind}-{keys.day(on)}"
    return name if group == ORGANIZATION else f"{name}-{group.digest}"
