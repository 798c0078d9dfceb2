"""Interactions of a message, newest first, and how one is written as an entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.interaction import INFERRED, Interaction
from engagement.domain.verdicts.kpi import Fact
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import ConflictError, NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.interaction_rows import (
    entity_of,
    interaction_of,
    judgement_row,
    sdk_row,
)
from engagement.storage.queries import Queries, between
from engagement.storage.transactions import LARGEST, deleting, transact, unchanged

#: What counting needs, and what tells of people's habits; fewer columns are read faster.
FACT_COLUMNS = (
    "type",
    "verdict",
    "at",
    "recipient",
    "target",
    "actor",
    "reasons",
    "replied_by",
    "utc_offset_minutes",
)


class Interactions:
    """Reads interactions by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def page(
        self, organization: str, message_id: str, *, after: str, size: int
    ) -> list[Interaction]:
        """Return up to *size* interactions older than that with id *after* ("" for none)."""
        query = interactions_between(message_id, after)
        rows = await self.queries.first_rows(keys.table(organization), query, size)
        return [interaction_of(row) for row in rows]

    async def facts(self, organization: str, message_id: str) -> list[Fact]:
        """Return what counting needs of every interaction of a message, newest first."""
        pages = self.queries.pages(
            keys.table(organization), interactions_between(message_id, ""), select=FACT_COLUMNS
        )
        return [_fact(row) async for page in pages for row in page]

    async def of_message(
        self, organization: str, message_id: str, most: int
    ) -> tuple[list[Interaction], bool]:
        """Return the newest *most* interactions of a message, and whether these are all."""
        found = await self.page(organization, message_id, after="", size=most + 1)
        return found[:most], len(found) <= most

    async def message_ids(self, organization: str, *, after: str, size: int) -> list[str]:
        """Return up to *size* ids, in order, of messages with interactions, behind *after*."""
        rows = self.account.table(keys.table(organization)).query_entities(
            "PartitionKey gt @after and PartitionKey lt @behind "
            "and RowKey gt @first and RowKey lt @end",
            parameters={
                "after": after,
                "behind": keys.MESSAGES_END,
                "first": keys.INTERACTION,
                "end": keys.INTERACTION_END,
            },
            select=["PartitionKey"],
        )
        found: list[str] = []
        async with storage_call(60):
            async for row in rows:
                if row["PartitionKey"] != after:
                    after = row["PartitionKey"]
                    found.append(after)
                if len(found) == size:
                    break
        return found

    async def change(
        self,
        organization: str,
        message_id: str,
        *,
        judged: Sequence[Interaction],
        added: Sequence[Interaction] = (),
        removed: Sequence[Interaction] = (),
    ) -> None:
        """Store judgements, add and remove inferred opens; raises ConflictError if one changed."""
        operations = [
            *(("update", judgement_row(x), {**unchanged(x.etag), "mode": "merge"}) for x in judged),
            *(("upsert", sdk_row(entity_of(x)), {"mode": "replace"}) for x in added),
            *(
                deleting({"PartitionKey": message_id, "RowKey": keys.INTERACTION + x.id}, x.etag)
                for x in removed
            ),
        ]
        table = self.account.table(keys.table(organization))
        for start in range(0, len(operations), LARGEST):
            try:
                await transact(table, operations[start : start + LARGEST])
            except NotFoundError as error:
                # What is to be removed has been; if the table is gone, the next read says so.
                raise ConflictError("Somebody else changed this at the same time.") from error

    async def add_once(
        self, organization: str, interaction: Interaction, requests: Mapping[str, str]
    ) -> Interaction:
        """Store an interaction, or return the one that one of the same *requests* stored before.

        Their keys are what a repetition is known by, their values what it must agree in; raises
        ConflictError if it does not.
        """
        table = self.account.table(keys.table(organization))
        memos = [_memo(interaction, *request) for request in requests.items()]
        rows = [sdk_row(entity_of(interaction)), *memos]
        try:
            await transact(table, [("create", row) for row in rows])
        except ConflictError:
            first = await self._of_requests(organization, interaction.message_id, requests)
            if first is None:
                raise
            return first
        return interaction

    async def _of_requests(
        self, organization: str, message_id: str, requests: Mapping[str, str]
    ) -> Interaction | None:
        table = self.account.table(keys.table(organization))
        for key, agreement in requests.items():
            with suppress(NotFoundError):
                async with storage_call():
                    memo = await table.get_entity(message_id, keys.REQUEST + key)
                if memo["agreement"] != agreement:
                    raise ConflictError("This Idempotency-Key came with another body.")
                async with storage_call():
                    row = await table.get_entity(message_id, keys.INTERACTION + memo["id"])
                return interaction_of(row)
        return None


def interactions_between(message_id: str, after: str) -> str:
    """Return the query for a message's interactions that are older than *after* ("" for all)."""
    return between(message_id, keys.INTERACTION + after, keys.INTERACTION_END)


def _memo(interaction: Interaction, key: str, agreement: str) -> dict[str, Any]:
    return {
        "PartitionKey": interaction.message_id,
        "RowKey": keys.REQUEST + key,
        "id": interaction.id,
        "agreement": agreement,
    }


def _fact(row: Mapping[str, Any]) -> Fact:
    return Fact(
        type=InteractionType(row["type"]),
        verdict=Verdict(row["verdict"]),
        at=datetime.fromisoformat(row["at"]),
        recipient=row["recipient"],
        target=row["target"],
        # A column that is asked for and not there may come as null.
        actor=row.get("actor") or "",
        inferred=row["reasons"] == INFERRED,
        replied_by=row.get("replied_by"),
        utc_offset_minutes=row.get("utc_offset_minutes"),
    )
