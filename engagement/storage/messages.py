"""Messages: the head, recipients, attachments and links of each, in one partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engagement.domain.identifier import MESSAGE_ID
from engagement.domain.messages.message import FollowedLink, Message
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.message_rows import link_row, message_of, rows_of
from engagement.storage.queries import Queries, between
from engagement.storage.transactions import LARGEST, deleting, replacing, transact


class Messages:
    """Stores messages by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def create(self, organization: str, message: Message) -> None:
        """Store a new message whole; raises ConflictError if its id is taken."""
        rows = rows_of(message)
        await self._transact(organization, [("create", row) for row in rows.values()])

    async def read(self, organization: str, message_id: str) -> Message:
        """Return the message; raises NotFoundError."""
        _check_id(message_id)
        query = between(message_id, "", keys.STATIC_END)
        found = self.queries.rows(keys.table(organization), query)
        rows = [row async for row in found]
        if not rows or rows[0]["RowKey"] != keys.HEAD:
            raise NotFoundError("There is no such message.")
        return message_of(rows)

    async def read_head(self, organization: str, message_id: str) -> Message:
        """Return the message without recipients, links and attachments; raises NotFoundError."""
        _check_id(message_id)
        head = await self.queries.row(keys.table(organization), message_id, keys.HEAD)
        return message_of([head])

    async def replace(self, organization: str, old: Message, new: Message) -> Message:
        """Make *new* of *old* in one step, or raise ConflictError if *old* is out of date."""
        before, after = rows_of(old), rows_of(new)
        head = after.pop(keys.HEAD)
        changed = [_upsert(row) for key, row in after.items() if row != before.get(key)]
        gone = [("delete", row) for key, row in before.items() if key not in {keys.HEAD, *after}]
        operations = [replacing(head, old.etag), *changed, *gone]
        return replace(new, etag=await self._transact(organization, operations))

    async def delete(self, organization: str, message: Message) -> None:
        """Delete a message that was not sent, or raise ConflictError if it is out of date.

        The head goes last, with all recipients: whoever comes after a crash finds the message and
        may delete it again. Its ETag goes with every step.
        """
        rows, etag = rows_of(message), message.etag
        head = rows.pop(keys.HEAD)
        rest = [*(link_row(message.id, link) for link in message.links), *reversed(rows.values())]
        room = LARGEST - 1
        while len(rest) > room:
            count = min(room, len(rest) - room)
            deletes = [("delete", row) for row in rest[:count]]
            etag = await self._transact(organization, [replacing(head, etag), *deletes])
            rest = rest[count:]
        deletes = [("delete", row) for row in rest]
        await self._transact(organization, [deleting(head, etag), *deletes])

    async def write_links(
        self, organization: str, message: Message, links: Sequence[FollowedLink]
    ) -> None:
        """Store the links of a message that is being sent, in the place of earlier ones."""
        earlier = [link for link in message.links if link.number > len(links)]
        rows = [
            *(_upsert(link_row(message.id, link)) for link in links),
            *(("delete", link_row(message.id, link)) for link in earlier),
        ]
        for start in range(0, len(rows), LARGEST):
            await self._transact(organization, rows[start : start + LARGEST])

    async def _transact(self, organization: str, operations: list[Any]) -> str:
        return await transact(self.account.table(keys.table(organization)), operations)


def _check_id(message_id: str) -> None:
    if not MESSAGE_ID.fullmatch(message_id):
        # The store would refuse some of these, and that would look like a fault of ours.
        raise NotFoundError("There is no such message.")


def _upsert(row: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return ("upsert", row, {"mode": "replace"})
