"""Interactions of a message, newest first, and how one is written as an entity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from engagement.domain.interaction import Interaction, InteractionType
from engagement.domain.verdict import Verdict, Via
from engagement.errors import ConflictError
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
        self, organization: str, interaction: Interaction, request: tuple[str, str] | None
    ) -> Interaction:
        """Store an interaction, or return the one that the same request stored before.

        *request* is what a repetition is known by and what it must agree in; raises ConflictError
        if it does not.
        """
        table = self.account.table(keys.table(organization))
        operations = [("create", {**_sdk_row(entity_of(interaction)), "at": interaction.at})]
        if request is not None:
            operations.append(("create", _memo(interaction, *request)))
        try:
            await transact(table, operations)
        except ConflictError:
            if request is None:
                raise
            return await self._of_request(organization, interaction.message_id, *request)
        return interaction

    async def _of_request(
        self, organization: str, message_id: str, key: str, agreement: str
    ) -> Interaction:
        table = self.account.table(keys.table(organization))
        async with storage_call():
            memo = await table.get_entity(message_id, keys.REQUEST + key)
            if memo["agreement"] != agreement:
                raise ConflictError("This Idempotency-Key came with another body.")
            return interaction_of(await table.get_entity(message_id, keys.INTERACTION + memo["id"]))

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
