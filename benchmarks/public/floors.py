"""The floors: the least that a server does which answers as ours does, and stores or does not.

    python -m benchmarks.public.serve floors:constant PORT WORKERS   # stores nothing
    python -m benchmarks.public.serve floors:thin PORT WORKERS       # inserts, signed by hand
    python -m benchmarks.public.serve floors:sdk PORT WORKERS        # inserts with the Azure SDK

None of them checks a token, asks who it was, or does anything about a store that fails. What they
need of the store is in STORE, a connection string, and TABLE, a table's name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
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
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.public.preparing import FILE, LINK
from engagement.functions.public import GIF, HEADERS

Insert = Callable[[dict[str, Any]], Awaitable[None]]
Answer = Callable[[Request], Awaitable[Response]]

#: Protocol: "Insert Entity" of the Table service's REST API.
INSERTING = {
    "Accept": "application/json;odata=nometadata",
    "Content-Type": "application/json",
    "DataServiceVersion": "3.0;NetFx",
    "Prefer": "return-no-content",
    "x-ms-version": "2020-12-06",
}


def constant() -> Starlette:
    """Answer, and nothing else."""
    return Starlette(routes=_routes(None))


def thin() -> Starlette:
    """Insert one entity by a request signed by hand, over connections that are kept, and answer."""
    parts = dict(part.split("=", 1) for part in os.environ["STORE"].split(";") if part)
    url = f"{parts['TableEndpoint']}/{os.environ['TABLE']}"
    name, key = parts["AccountName"], base64.b64decode(parts["AccountKey"])
    resource = f"/{name}{urlsplit(url).path}"
    session: aiohttp.ClientSession

    async def post(body: bytes) -> int:
        date = formatdate(time.time(), usegmt=True)
        signed = hmac.digest(key, f"{date}\n{resource}".encode(), hashlib.sha256)
        authorization = f"SharedKeyLite {name}:{base64.b64encode(signed).decode()}"
        headers = {**INSERTING, "x-ms-date": date, "Authorization": authorization}
        async with session.post(url, data=body, headers=headers) as answer:
            return answer.status

    async def insert(entity: dict[str, Any]) -> None:
        body = json.dumps({**entity, "at@odata.type": "Edm.DateTime"}).encode()
        try:
            status = await post(body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # Azurite closes connections that were idle for 5 s; the row key makes it one entity.
            status = await post(body)
        if status not in (204, 409):
            raise RuntimeError(f"The store answered {status}.")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        nonlocal session
        async with aiohttp.ClientSession() as session:
            yield

    return Starlette(routes=_routes(insert), lifespan=lifespan)


def sdk() -> Starlette:
    """Insert one entity with the Azure SDK, and answer."""
    client = TableClient.from_connection_string(os.environ["STORE"], os.environ["TABLE"])

    async def insert(entity: dict[str, Any]) -> None:
        await client.create_entity({**entity, "at": datetime.fromisoformat(entity["at"])})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(routes=_routes(insert), lifespan=lifespan)


def _routes(insert: Insert | None) -> list[Route]:
    def answer(kind: str, respond: Callable[[], Response]) -> Answer:
        async def handle(request: Request) -> Response:
            if insert is not None:
                await insert(_entity(kind, request))
            return respond()

        return handle

    return [
        Route("/healthz", _healthy),
        Route("/o/{message}.gif", answer("open", _pixel)),
        Route("/c/{message}", answer("click", _redirect)),
        Route("/a/{message}/{name}", answer("attachment_view", _file)),
    ]


async def _healthy(_: Request) -> Response:
    return Response()


def _pixel() -> Response:
    return Response(GIF, headers=HEADERS, media_type="image/gif")


def _redirect() -> Response:
    return Response(status_code=302, headers={**HEADERS, "Location": LINK})


def _file() -> Response:
    return Response(FILE, headers=HEADERS, media_type="application/pdf")


def _entity(kind: str, request: Request) -> dict[str, Any]:
    """Return 13 properties, as many as an interaction of ours has, and the keys."""
    return {
        "PartitionKey": request.path_params["message"],
        "RowKey": f"5-interaction-{time.time_ns():020}-{secrets.token_hex(6)}",
        "type": kind,
        "at": datetime.now(UTC).isoformat(),
        "recipient": 1,
        "target": 1,
        "actor": secrets.token_hex(8),
        "verdict": "person",
        "via": "direct",
        "reasons": "browser",
        "client": "Firefox",
        "rules": "1",
        "user_agent": request.headers["user-agent"],
        "address": request.headers["x-forwarded-for"],
        "after_seconds": 3600,
    }
