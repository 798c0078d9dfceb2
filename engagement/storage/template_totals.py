"""What became of all messages of each template, and of all together."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from engagement.domain.cohort import Cohort, TemplateTotals
from engagement.domain.rollup import Group, GroupKind
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.rollup_rows import read_segments, segments_of

ALL = "organization"


class TemplateTotalsRows:
    """Stores the totals of templates by the key of their organization."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def write(
        self, organization: str, template_id: str | None, totals: TemplateTotals
    ) -> None:
        """Store the totals of a template, or of the organization as a whole (None)."""
        row = {
            "PartitionKey": keys.TEMPLATE_TOTALS,
            "RowKey": ALL if template_id is None else Group(GroupKind.TEMPLATE, template_id).digest,
            "template_id": template_id,
            "all": json.dumps(astuple(totals.all)),
            "segments": json.dumps(segments_of(totals.segments), ensure_ascii=False),
        }
        async with storage_call():
            await self._table(organization).upsert_entity(
                {name: value for name, value in row.items() if value is not None}, mode="replace"
            )

    async def read_all(self, organization: str) -> dict[str, TemplateTotals]:
        """Return the totals of every template that was used, by its id."""
        rows = self._table(organization).query_entities(
            "PartitionKey eq @partition", parameters={"partition": keys.TEMPLATE_TOTALS}
        )
        async with storage_call(60):
            return {row["template_id"]: _totals(row) async for row in rows if row["RowKey"] != ALL}

    async def read_organization(self, organization: str) -> TemplateTotals:
        """Return the totals of the organization as a whole."""
        try:
            async with storage_call():
                row = await self._table(organization).get_entity(keys.TEMPLATE_TOTALS, ALL)
        except NotFoundError:
            return TemplateTotals()
        return _totals(row)

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _totals(row: Any) -> TemplateTotals:
    return TemplateTotals(
        all=Cohort(*json.loads(row["all"])), segments=read_segments(json.loads(row["segments"]))
    )
