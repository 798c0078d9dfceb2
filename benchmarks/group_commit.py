"""A prototype of group commit, to measure what it would bring; the product does without it.

While a write of a partition is under way, the rows that come for it meanwhile gather, and go
together in one transaction; each is acknowledged when its transaction is committed. Why that stays
a prototype is in docs/adr/0021-no-group-commit.md.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any

from benchmarks.inserting import PATIENCE
from engagement.storage import keys
from engagement.storage.appends import HEADERS, Appends

#: Most rows of a transaction (Azure Tables).
LARGEST = 100

Waiting = list[tuple[dict[str, Any], "asyncio.Future[None]"]]


class GroupCommit:
    """Appends that go together where they come together; *url* is that of the Table service."""

    def __init__(self, appends: Appends, url: str) -> None:
        self.appends = appends
        self.url = url
        self.gathering: dict[tuple[str, str], Waiting] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def append(self, organization: str, row: dict[str, Any]) -> None:
        """Return when *row* is committed; raises what its transaction failed with."""
        place = (organization, row["PartitionKey"])
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if place in self.gathering:
            self.gathering[place].append((row, done))
        else:
            self.gathering[place] = []
            task = asyncio.create_task(self._write(place, [(row, done)]))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        await done

    async def _write(self, place: tuple[str, str], batch: Waiting) -> None:
        organization, _ = place
        while batch:
            error: Exception | None = None
            try:
                await self._commit(organization, [row for row, _ in batch])
            except Exception as failure:  # noqa: BLE001 - it is for those who wait
                error = failure
            for _, done in batch:
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
            gathered = self.gathering[place]
            batch, self.gathering[place] = gathered[:LARGEST], gathered[LARGEST:]
        del self.gathering[place]

    async def _commit(self, organization: str, rows: Sequence[dict[str, Any]]) -> None:
        if len(rows) == 1:
            await self.appends.append(organization, rows[0], PATIENCE)
            return
        batch, changes = f"batch_{uuid.uuid4()}", f"changeset_{uuid.uuid4()}"
        body = _transaction(f"{self.url}/{keys.table(organization)}", rows, batch, changes)
        headers = {**HEADERS, "Content-Type": f"multipart/mixed; boundary={batch}"}
        answer = await self.appends.wire.table("$batch", body, headers, PATIENCE)
        # One row that fails fails all, and says so within an answer of 202.
        if answer.status != 202 or answer.body.count(b"HTTP/1.1 204") != len(rows):
            raise RuntimeError(f"The store answered {answer.status}: {answer.body[:500]!r}")


def _transaction(url: str, rows: Sequence[dict[str, Any]], batch: str, changes: str) -> bytes:
    """Return an Entity Group Transaction of inserts (Table service's REST API)."""
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    around = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    parts = [f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n\r\n"]
    parts += [
        f"--{changes}\r\n{around}"
        f"POST {url} HTTP/1.1\r\nContent-ID: {number}\r\n{head}\r\n{json.dumps(row)}\r\n"
        for number, row in enumerate(rows)
    ]
    return "".join([*parts, f"--{changes}--\r\n\r\n--{batch}--\r\n"]).encode()
