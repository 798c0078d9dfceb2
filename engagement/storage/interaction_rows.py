"""How an interaction is written as an entity, and read from one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.storage import keys

#: Columns of the evidence that few interactions have, and what their absence means.
RARE = {
    "method": "GET",
    "announced": False,
    "user_agent": None,
    "network": None,
    "address": None,
    "after_seconds": None,
    "messages": 1,
}


def entity_of(interaction: Interaction) -> dict[str, Any]:
    """Return the entity as JSON of the Tables protocol, for the append, the queue and the spill."""
    known = interaction.evidence
    entity: dict[str, Any] = {
        "PartitionKey": interaction.message_id,
        "RowKey": keys.INTERACTION + interaction.id,
        "type": known.type.value,
        "at": known.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "at@odata.type": "Edm.DateTime",
        "recipient": known.recipient,
        "target": known.target,
        "actor": known.actor,
        **_judgement(interaction.judgement),
    }
    for name, usual in RARE.items():
        value = getattr(known, name)
        if value != usual:
            entity[name] = value
    if interaction.replied_by is not None:
        entity["replied_by"] = interaction.replied_by
    if interaction.utc_offset_minutes is not None:
        entity["utc_offset_minutes"] = interaction.utc_offset_minutes
    return entity


def sdk_row(entity: dict[str, Any]) -> dict[str, Any]:
    """Return *entity* as the SDK takes it, which makes the protocol's notes on types itself."""
    plain = {name: value for name, value in entity.items() if "@" not in name}
    return {**plain, "at": datetime.fromisoformat(entity["at"])}


def judgement_row(interaction: Interaction) -> dict[str, Any]:
    """Return what is to be merged into the row of an interaction that was judged again."""
    return {
        "PartitionKey": interaction.message_id,
        "RowKey": keys.INTERACTION + interaction.id,
        # Of the evidence the one thing that becomes known later.
        "messages": interaction.evidence.messages,
        **_judgement(interaction.judgement),
    }


def interaction_of(row: Any) -> Interaction:
    """Read an interaction from its row."""
    reasons: str = row["reasons"]
    return Interaction(
        id=row["RowKey"].removeprefix(keys.INTERACTION),
        message_id=row["PartitionKey"],
        evidence=Evidence(
            type=InteractionType(row["type"]),
            at=row["at"],
            recipient=row["recipient"],
            target=row["target"],
            actor=row.get("actor", ""),
            **{name: row.get(name, usual) for name, usual in RARE.items()},
        ),
        judgement=Judgement(
            verdict=Verdict(row["verdict"]),
            via=Via(row["via"]),
            reasons=tuple(reasons.split(",")) if reasons else (),
            client=row.get("client") or None,
            rules=str(row["rules"]),
        ),
        replied_by=row.get("replied_by"),
        utc_offset_minutes=row.get("utc_offset_minutes"),
        etag=row.metadata["etag"],
    )


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "verdict": judgement.verdict.value,
        "via": judgement.via.value,
        "reasons": ",".join(judgement.reasons),
        # Never left out: merging must be able to take it away.
        "client": judgement.client or "",
        "rules": judgement.rules,
    }
