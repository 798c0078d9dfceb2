"""What could not be delivered to the endpoints of webhooks, newest first for each of them."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

from engagement.domain.verdicts.interaction import EPOCH, interaction_id
from engagement.domain.webhooks.webhook import DeadLetter
from engagement.domain.webhooks.webhook_event import event_json, read_event
from engagement.errors import ConflictError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import LARGEST, transact

#: Sorts behind the id of every event.
END = "~"


class DeadLetters:
    """Stores dead letters by the key of their organization."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def add(self, organization: str, letter: DeadLetter) -> None:
        """Keep a letter; again, it is the same one."""
        with suppress(ConflictError):
            await transact(self._table(organization), [("create", _row(letter))])

    async def page(
        self, organization: str, endpoint_id: str, *, after: str = "", until: str = "", size: int
    ) -> list[DeadLetter]:
        """Return up to *size* letters, newest first, behind *after* and before *until* (ids)."""
        return await self._query(
            organization,
            "RowKey gt @after and RowKey lt @until",
            size,
            after=keys.dead_webhook(endpoint_id, after),
            until=keys.dead_webhook(endpoint_id, until or END),
        )

    async def of_event(
        self, organization: str, endpoint_id: str, event_id: str
    ) -> list[DeadLetter]:
        """Return the letters of one event; more than one if it was replayed and failed again."""
        return await self._query(
            organization,
            "RowKey gt @first and RowKey lt @last and event_id eq @event",
            LARGEST,
            first=keys.dead_webhook(endpoint_id, ""),
            last=keys.dead_webhook(endpoint_id, END),
            event=event_id,
        )

    async def remove(self, organization: str, letter: DeadLetter) -> None:
        """Forget a letter; may be repeated."""
        async with storage_call():
            await self._table(organization).delete_entity(keys.DEAD_WEBHOOKS, _row_key(letter))

    async def remove_all(self, organization: str, endpoint_id: str) -> None:
        """Forget the letters of an endpoint; may be repeated."""
        while letters := await self.page(organization, endpoint_id, size=LARGEST):
            await self._delete(organization, letters)

    async def remove_before(self, organization: str, moment: datetime) -> int:
        """Forget the letters of every endpoint that are older, and return how many they were."""
        removed = 0
        while letters := await self._query(organization, "at lt @at", LARGEST, at=moment):
            await self._delete(organization, letters)
            removed += len(letters)
        return removed

    async def _delete(self, organization: str, letters: list[DeadLetter]) -> None:
        for letter in letters:
            await self.remove(organization, letter)

    async def _query(
        self, organization: str, condition: str, size: int, **parameters: Any
    ) -> list[DeadLetter]:
        rows = self._table(organization).query_entities(
            f"PartitionKey eq @partition and {condition}",
            parameters={"partition": keys.DEAD_WEBHOOKS, **parameters},
        )
        found: list[DeadLetter] = []
        async with storage_call():
            async for row in rows:
                found.append(_letter(row))
                if len(found) == size:
                    break
        return found

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def letter_id(letter: DeadLetter) -> str:
    """Return what a page that ends with the letter ends with."""
    return interaction_id(letter.at, letter.event.id)


def first_since(moment: datetime) -> str:
    """Return an id behind those of all letters since *moment*."""
    # No letter is older, and what is older sorts elsewhere.
    return interaction_id(max(moment, EPOCH), END)


def _row_key(letter: DeadLetter) -> str:
    return keys.dead_webhook(letter.endpoint_id, letter_id(letter))


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "PartitionKey": keys.DEAD_WEBHOOKS,
        "RowKey": _row_key(letter),
        "event_id": letter.event.id,
        "event": json.dumps(event_json(letter.event)),
        "tries": letter.tries,
        "failure": letter.failure,
        "at": letter.at,
    }


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        endpoint_id=row["RowKey"].partition("-")[0],
        event=read_event(json.loads(row["event"])),
        tries=row["tries"],
        failure=row["failure"],
        at=row["at"],
    )
