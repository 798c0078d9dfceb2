"""What became of the messages of each template, and of all: one row each, in one partition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from engagement.domain.reports.cohort import Cohort, TemplateTotals
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.queries import Queries

#: Characters in one column; Azure Tables takes 32 Ki. Beyond them the smallest segments are left
#: out, and they are too small to be compared anyway.
LONGEST_COLUMN = 30_000


class TemplateTotalsRows:
    """Stores totals by the key of their organization; None stands for all of its messages.

    They are made by the rollups and can be made again at any time.
    """

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def read(self, organization: str, template_id: str | None) -> TemplateTotals:
        """Return the totals of a template; nothing while nothing was counted."""
        try:
            row = await self.queries.row(
                keys.table(organization), keys.TEMPLATE_TOTALS, keys.template_totals(template_id)
            )
        except NotFoundError:
            return TemplateTotals()
        return _totals(row)

    async def read_all(self, organization: str) -> Mapping[str | None, TemplateTotals]:
        """Return the totals of every template that has any, by its id, and those of all."""
        async with storage_call():
            rows = self._table(organization).query_entities(
                "PartitionKey eq @partition", parameters={"partition": keys.TEMPLATE_TOTALS}
            )
            return {row.get("template_id"): _totals(row) async for row in rows}

    async def write(
        self, organization: str, template_id: str | None, totals: TemplateTotals
    ) -> None:
        """Store totals in the place of earlier ones."""
        row = {
            "PartitionKey": keys.TEMPLATE_TOTALS,
            "RowKey": keys.template_totals(template_id),
            "template_id": template_id,
            "all": json.dumps(astuple(totals.all)),
            "segments": _segments_text(totals.segments),
        }
        async with storage_call():
            await self._table(organization).upsert_entity(row, mode="replace")

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _segments_text(segments: Mapping[tuple[str, str], Cohort]) -> str:
    largest = sorted(segments.items(), key=lambda item: (-item[1].followed_count, item[0]))
    parts: list[str] = []
    room = LONGEST_COLUMN - len("[]")
    for key, cohort in largest:
        part = json.dumps([*key, *astuple(cohort)])
        room -= len(part) + len(",")
        if room < 0:
            break
        parts.append(part)
    return f"[{','.join(parts)}]"


def _totals(row: Any) -> TemplateTotals:
    return TemplateTotals(
        all=Cohort(*json.loads(row["all"])),
        segments={
            (kind, value): Cohort(*rest) for kind, value, *rest in json.loads(row["segments"])
        },
    )
