"""Ways to insert an interaction into a table: ours, the floor by aiohttp, the Azure SDK's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from azure.data.tables.aio import TableClient

from engagement.config import DataAccount
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.appends import HEADERS, Appends
from engagement.storage.interaction_rows import entity_of, sdk_row
from engagement.storage.wire import VERSION, Wire

#: What inserts an entity; raises if it is not stored.
Insert = Callable[[dict[str, Any]], Awaitable[None]]
#: Seconds that none of them ever needs.
PATIENCE = 60.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def entity(message_id: str) -> dict[str, Any]:
    """Return an open with the 13 properties that most have, as it is stored."""
    at = datetime.now(UTC)
    evidence = Evidence(
        type=InteractionType.OPEN,
        at=at,
        recipient=1,
        user_agent=AGENT,
        address="192.0.2.0",
        actor="0123456789ab",
        after_seconds=3600,
    )
    judgement = Judgement(Verdict.PERSON, Via.DIRECT, client="Firefox", rules="1")
    return entity_of(
        Interaction(
            id=interaction_id(at, secrets.token_hex(6)),
            message_id=message_id,
            evidence=evidence,
            judgement=judgement,
        )
    )


@asynccontextmanager
async def appends(data: str) -> AsyncIterator[Appends]:
    """Give the product's appends to the account of a connection string."""
    wire = Wire(Account(DataAccount(data, None, None, None, None)))
    try:
        yield Appends(wire)
    finally:
        await wire.close()


@asynccontextmanager
async def ours(data: str, organization: str) -> AsyncIterator[Insert]:
    """Insert as the product does."""
    async with appends(data) as ready:

        async def insert(row: dict[str, Any]) -> None:
            await ready.append(organization, row, PATIENCE)

        yield insert


@asynccontextmanager
async def by_aiohttp(data: str, organization: str) -> AsyncIterator[Insert]:
    """Insert by a request signed by hand, as thin as aiohttp lets it be."""
    parts = dict(part.split("=", 1) for part in data.split(";") if part)
    url = f"{parts['TableEndpoint']}/{keys.table(organization)}"
    name, key = parts["AccountName"], base64.b64decode(parts["AccountKey"])
    resource = f"/{name}{urlsplit(url).path}"

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:

        async def post(row: dict[str, Any]) -> int:
            date = formatdate(time.time(), usegmt=True)
            signed = hmac.digest(key, f"{date}\n{resource}".encode(), hashlib.sha256)
            authorization = f"SharedKeyLite {name}:{base64.b64encode(signed).decode()}"
            stamps = {"x-ms-version": VERSION, "x-ms-date": date, "Authorization": authorization}
            body = json.dumps(row).encode()
            async with session.post(url, data=body, headers={**HEADERS, **stamps}) as answer:
                return answer.status

        async def insert(row: dict[str, Any]) -> None:
            try:
                status = await post(row)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # Azurite closes connections that were idle for 5 s.
                status = await post(row)
            if status not in (204, 409):
                raise RuntimeError(f"The store answered {status}.")

        yield insert


@asynccontextmanager
async def by_sdk(data: str, organization: str) -> AsyncIterator[Insert]:
    """Insert with the Azure SDK."""
    table = keys.table(organization)
    async with TableClient.from_connection_string(data, table, connection_timeout=60) as client:

        async def insert(row: dict[str, Any]) -> None:
            await client.create_entity(sdk_row(row))

        yield insert
