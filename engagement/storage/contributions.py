"""What each message adds to each day: one partition a day, and in the message's own its days."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from engagement.domain.messages.message import Segment
from engagement.domain.reports.contribution import Contribution
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.queries import Queries, between, literal
from engagement.storage.rollup_rows import numbers_of, rollup_of
from engagement.storage.transactions import LARGEST, replacing, transact


@dataclass(frozen=True, slots=True)
class Days:
    """On which days a message may have contributions; how its own partition tells it."""

    message_id: str
    days: frozenset[date] = frozenset()
    #: str, what stands for all its contributions; "" while they are being written
    digest: str = ""
    #: str, "" for a message that has none yet
    etag: str = ""


class Contributions:
    """Stores contributions by the key of their organization."""

    def __init__(self, account: Account, queries: Queries) -> None:
        self.account = account
        self.queries = queries

    async def read_days(self, organization: str, message_id: str) -> Days:
        """Return on which days a message has contributions."""
        try:
            row = await self.queries.row(keys.table(organization), message_id, keys.DAYS)
        except NotFoundError:
            return Days(message_id)
        days = frozenset(date.fromisoformat(name) for name in json.loads(row["days"]))
        return Days(message_id, days, row["digest"], row.metadata["etag"])

    async def write_days(
        self, organization: str, before: Days, days: Iterable[date], digest: str
    ) -> Days:
        """Say on which days a message has contributions; raises ConflictError.

        *digest* is "" while they are being written: *days* are then those before and after.
        """
        row = {
            "PartitionKey": before.message_id,
            "RowKey": keys.DAYS,
            "days": json.dumps(sorted(keys.day(on) for on in days)),
            "digest": digest,
        }
        operation = replacing(row, before.etag) if before.etag else ("create", row)
        etag = await transact(self._table(organization), [operation])
        return Days(before.message_id, frozenset(days), digest, etag)

    async def unsettle(self, organization: str, message_id: str) -> None:
        """Say that what a message adds has to be written again, whatever is noted."""
        row = {"PartitionKey": message_id, "RowKey": keys.DAYS, "digest": ""}
        with suppress(NotFoundError):
            async with storage_call():
                await self._table(organization).update_entity(row, mode="merge")

    async def write(
        self, organization: str, changes: Iterable[tuple[date, str, Contribution | None]]
    ) -> None:
        """Replace what messages (ids) add to days; None for nothing any more."""
        written: defaultdict[date, list[Any]] = defaultdict(list)
        for on, message_id, contribution in changes:
            if contribution is not None:
                row = {**contribution_row(contribution), "PartitionKey": keys.contributions(on)}
                written[on].append(("upsert", row, {"mode": "replace"}))
            else:
                # By itself, as there may be none; that does not happen often.
                async with storage_call():
                    await self._table(organization).delete_entity(
                        keys.contributions(on), message_id
                    )
        for operations in written.values():
            for start in range(0, len(operations), LARGEST):
                await transact(self._table(organization), operations[start : start + LARGEST])

    async def of_day(self, organization: str, on: date) -> AsyncIterator[list[Contribution]]:
        """Yield what every message adds to a day, page by page."""
        pages = self.queries.pages(
            keys.table(organization),
            f"PartitionKey eq {literal(keys.contributions(on))}",
            select=["RowKey", "sender", "template_id", "segment", "numbers"],
        )
        async for page in pages:
            yield [_contribution(row) for row in page]

    async def message_ids(self, organization: str, on: date, *, after: str, size: int) -> list[str]:
        """Return up to *size* ids, in order, of messages that add to a day, behind *after*."""
        query = between(keys.contributions(on), after, keys.MESSAGES_END)
        rows = await self.queries.first(keys.table(organization), query, size, select=["RowKey"])
        return [row["RowKey"] for row in rows]

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def digest_of(contributions: Mapping[date, Contribution]) -> str:
    """Return what stands for a message's contributions, and never is ""."""
    rows = {keys.day(on): contribution_row(item) for on, item in contributions.items()}
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:32]


def contribution_row(contribution: Contribution) -> dict[str, Any]:
    """Return the row of what a message adds to a day, but for the day's partition."""
    row = {
        "RowKey": contribution.message_id,
        "sender": contribution.sender,
        "template_id": contribution.template_id,
        "segment": json.dumps(asdict(contribution.segment)),
        "numbers": numbers_of(contribution.rollup),
    }
    return {name: value for name, value in row.items() if value is not None}


def _contribution(row: Any) -> Contribution:
    return Contribution(
        message_id=row["RowKey"],
        sender=row["sender"],
        template_id=row.get("template_id"),
        segment=Segment(**json.loads(row["segment"])),
        rollup=rollup_of(row["numbers"]),
    )
