"""Interactions of a message, newest first, and how one is written as an entity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from engagement.domain.interaction import Interaction, InteractionType
from engagement.domain.verdict import Verdict, Via
from engagement.errors import ConflictError, NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import transact

#: What counting needs; reading fewer columns is most of the speed of a count.
KPI_COLUMNS = ["type", "verdict", "at"]


class Interactions:
    """Reads interactions by the key of their organization."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def page(
        self, organization: str, message_id: str, *, after: str, size: int
    ) -> list[Interaction]:
        """Return up to *size* interactions older than that with id *after* ("" for none)."""
        found: list[Interaction] = []
        async with storage_call():
            # A page of Azure Tables may be empty and still have another one behind it.
            async for row in self._query(organization, message_id, after, results_per_page=size):
                found.append(interaction_of(row))
                if len(found) == size:
                    break
        return found

    async def facts(
        self, organization: str, message_id: str
    ) -> AsyncIterator[tuple[InteractionType, Verdict, datetime]]:
        """Yield what counting needs of every interaction of a message."""
        async with storage_call(60):
            rows = [
                row async for row in self._query(organization, message_id, "", select=KPI_COLUMNS)
            ]
        for row in rows:
            yield InteractionType(row["type"]), Verdict(row["verdict"]), row["at"]

    async def add_once(
        self, organization: str, interaction: Interaction, requests: Mapping[str, str]
    ) -> Interaction:
        """Store an interaction, or return the one that one of the same *requests* stored before.

        Their keys are what a repetition is known by, their values what it must agree in; raises
        ConflictError if it does not.
        """
        table = self.account.table(keys.table(organization))
        memos = [_memo(interaction, *request) for request in requests.items()]
        rows = [{**_sdk_row(entity_of(interaction)), "at": interaction.at}, *memos]
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

    def _query(self, organization: str, message_id: str, after: str, **options: Any) -> Any:
        return self.account.table(keys.table(organization)).query_entities(
            "PartitionKey eq @id and RowKey gt @after and RowKey lt @end",
            parameters={
                "id": message_id,
                "after": keys.INTERACTION + after,
                "end": keys.INTERACTION_END,
            },
            **options,
        )


def entity_of(interaction: Interaction) -> dict[str, Any]:
    """Return the entity as JSON of the Tables protocol, for the append, the queue and the spill."""
    entity: dict[str, Any] = {
        "PartitionKey": interaction.message_id,
        "RowKey": keys.INTERACTION + interaction.id,
        "type": interaction.type.value,
        "at": interaction.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "at@odata.type": "Edm.DateTime",
        "recipient": interaction.recipient,
        "target": interaction.target,
        "verdict": interaction.verdict.value,
        "via": interaction.via.value,
        "reasons": ",".join(interaction.reasons),
        "rules": interaction.rules,
    }
    if interaction.user_agent is not None:
        entity["user_agent"] = interaction.user_agent
    if interaction.replied_by is not None:
        entity["replied_by"] = interaction.replied_by
    return entity


def _memo(interaction: Interaction, key: str, agreement: str) -> dict[str, Any]:
    return {
        "PartitionKey": interaction.message_id,
        "RowKey": keys.REQUEST + key,
        "id": interaction.id,
        "agreement": agreement,
    }


def _sdk_row(entity: dict[str, Any]) -> dict[str, Any]:
    """Return *entity* without the protocol's type notes, which the SDK makes itself."""
    return {name: value for name, value in entity.items() if "@" not in name}


def interaction_of(row: Any) -> Interaction:
    """Read an interaction from its row."""
    reasons: str = row["reasons"]
    return Interaction(
        id=row["RowKey"].removeprefix(keys.INTERACTION),
        message_id=row["PartitionKey"],
        type=InteractionType(row["type"]),
        at=row["at"],
        recipient=row["recipient"],
        target=row["target"],
        verdict=Verdict(row["verdict"]),
        via=Via(row["via"]),
        reasons=tuple(reasons.split(",")) if reasons else (),
        rules=row["rules"],
        user_agent=row.get("user_agent"),
        replied_by=row.get("replied_by"),
    )
