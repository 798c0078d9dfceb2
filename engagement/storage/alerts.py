"""Alerts by user, and the note in a message's partition that its first open has one."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from engagement.domain.alerts.alert import PUBLIC_ID, SHOWN, Alert, AlertType, user_key
from engagement.domain.alerts.first_open import FirstOpen, Stage
from engagement.domain.verdicts.interaction import interaction_id
from engagement.errors import ConflictError, NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import LARGEST, deleting, replacing, transact

#: What the ids of urgent alerts and of all others begin with.
RANKS = ("0", "1")
#: Alerts that one sweep removes at the most; the next goes on.
MOST_REMOVED = 10_000


class Alerts:
    """Stores alerts by the key of their organization, each once."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def add(self, organization: str, alert: Alert) -> None:
        """Store an alert; one that is there already stays as it is, dismissed or not."""
        with suppress(ConflictError):
            await transact(self._table(organization), [("create", _row(alert))])

    async def remove(self, organization: str, user_id: str, alert_id: str) -> None:
        """Take back an alert that was wrong."""
        partition = keys.alerts(user_key(user_id))
        async with storage_call():
            await self._table(organization).delete_entity(partition, alert_id)

    async def remove_before(self, organization: str, moment: datetime) -> int:
        """Remove what happened before *moment*, of all users, and return how many alerts it was."""
        by_user: defaultdict[str, list[Any]] = defaultdict(list)
        for row in await self._older(organization, moment):
            by_user[row["PartitionKey"]].append(("delete", row))
        for rows in by_user.values():
            for start in range(0, len(rows), LARGEST):
                # Another sweep may be at it, too.
                with suppress(NotFoundError):
                    await transact(self._table(organization), rows[start : start + LARGEST])
        return sum(map(len, by_user.values()))

    async def _older(self, organization: str, moment: datetime) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        async with storage_call(120):
            rows = self._table(organization).query_entities(
                "PartitionKey ge @first and PartitionKey lt @end and at lt @moment",
                parameters={"first": keys.ALERTS, "end": keys.ALERTS_END, "moment": moment},
                select=["PartitionKey", "RowKey"],
            )
            async for row in rows:
                found.append({name: row[name] for name in ("PartitionKey", "RowKey")})
                if len(found) == MOST_REMOVED:
                    break
        return found

    async def page(
        self, organization: str, user_id: str, now: datetime, *, after: str, size: int
    ) -> list[Alert]:
        """Return up to *size* alerts to show *now*, behind the one named *after*.

        Urgent ones come first, and then newest first.
        """
        found: list[Alert] = []
        for rank in RANKS:
            if after[:1] <= rank:
                start = max(after, f"{rank}-")
                found += await self._of_rank(
                    organization, user_id, now, rank=rank, after=start, size=size - len(found)
                )
            if len(found) == size:
                break
        return found

    async def _of_rank(
        self, organization: str, user_id: str, now: datetime, *, rank: str, after: str, size: int
    ) -> list[Alert]:
        rows = self._table(organization).query_entities(
            "PartitionKey eq @partition and RowKey gt @after and RowKey lt @oldest "
            "and dismissed eq false and due_at le @now",
            parameters={
                "partition": keys.alerts(user_key(user_id)),
                "after": after,
                "oldest": f"{rank}-{interaction_id(now - SHOWN, 'g')}",
                "now": now,
            },
        )
        found: list[Alert] = []
        async with storage_call():
            async for row in rows:
                found.append(_alert(row))
                if len(found) == size:
                    break
        return found

    async def read(self, organization: str, alert_id: str) -> Alert:
        """Return an alert; raises NotFoundError."""
        match = _named(alert_id)
        async with storage_call():
            row = await self._table(organization).get_entity(
                keys.alerts(match["user"]), match["id"]
            )
        return _alert(row)

    async def change(self, organization: str, alert_id: str, **columns: Any) -> Alert:
        """Change columns of an alert and return it; raises NotFoundError."""
        match = _named(alert_id)
        table, partition = self._table(organization), keys.alerts(match["user"])
        async with storage_call():
            row = await table.get_entity(partition, match["id"])
            row.update(columns)
            await table.update_entity({**columns, "PartitionKey": partition, "RowKey": match["id"]})
        return _alert(row)

    async def read_first_open(self, organization: str, message_id: str) -> FirstOpen | None:
        """Return what is noted of the alert of a message's first open."""
        try:
            async with storage_call():
                row = await self._table(organization).get_entity(message_id, keys.FIRST_OPEN)
        except NotFoundError:
            return None
        return _first_open(row)

    async def claim_first_open(self, organization: str, claim: FirstOpen) -> FirstOpen:
        """Note that an alert will be made; raises ConflictError if somebody else has."""
        etag = await transact(self._table(organization), [("create", _claim_row(claim))])
        return replace(claim, etag=etag)

    async def move_first_open(
        self, organization: str, claim: FirstOpen, stage: Stage
    ) -> FirstOpen | None:
        """Note the next stage and return the note, None if it is not as *claim* any more."""
        moved = replace(claim, stage=stage)
        try:
            etag = await transact(
                self._table(organization), [replacing(_claim_row(moved), claim.etag)]
            )
        except (ConflictError, NotFoundError):
            return None
        return replace(moved, etag=etag)

    async def forget_first_open(self, organization: str, claim: FirstOpen) -> None:
        """Take the note away, unless it has changed."""
        with suppress(ConflictError, NotFoundError):
            await transact(self._table(organization), [deleting(_claim_row(claim), claim.etag)])

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _named(alert_id: str) -> re.Match[str]:
    match = PUBLIC_ID.fullmatch(alert_id)
    if match is None:
        raise NotFoundError("There is no such alert.")
    return match


def _claim_row(claim: FirstOpen) -> dict[str, Any]:
    return {
        "PartitionKey": claim.message_id,
        "RowKey": keys.FIRST_OPEN,
        "user_id": claim.user_id,
        "alert": claim.alert_id,
        "open": claim.open_id,
        "recipient": claim.recipient,
        "inferred": claim.inferred,
        "stage": claim.stage.value,
    }


def _first_open(row: Any) -> FirstOpen:
    return FirstOpen(
        message_id=row["PartitionKey"],
        user_id=row["user_id"],
        alert_id=row["alert"],
        open_id=row["open"],
        recipient=row["recipient"],
        inferred=row["inferred"],
        stage=Stage(row["stage"]),
        etag=row.metadata["etag"],
    )


def _row(alert: Alert) -> dict[str, Any]:
    row = {
        "PartitionKey": keys.alerts(user_key(alert.user_id)),
        "RowKey": alert.id,
        "type": alert.type.value,
        "user_id": alert.user_id,
        "message_id": alert.message_id,
        "subject": alert.subject,
        "at": alert.at,
        "due_at": alert.due_at,
        "who": alert.who,
        "client": alert.client,
        "inferred": alert.inferred,
        "dismissed": alert.dismissed,
        "note": alert.note,
        "comment": alert.comment,
    }
    return {name: value for name, value in row.items() if value is not None}


def _alert(row: Any) -> Alert:
    return Alert(
        id=row["RowKey"],
        type=AlertType(row["type"]),
        user_id=row["user_id"],
        message_id=row.get("message_id"),
        subject=row.get("subject"),
        at=row["at"],
        due_at=row["due_at"],
        who=row.get("who"),
        client=row.get("client"),
        inferred=row["inferred"],
        dismissed=row["dismissed"],
        note=row.get("note"),
        comment=row.get("comment"),
    )
