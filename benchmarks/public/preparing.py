"""Followed messages of several organizations, each with a link and a small file, over the API."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from azure.data.tables import TableServiceClient

from benchmarks.processes import served
from devserver.backing import free_port

ORGANIZATIONS, MESSAGES = 4, 50
AT_ONCE = 16
LINK = "https://contoso.example/offer?a=1&b=2"
FILE = b"%PDF-1.7 offer " + b"." * 1024
#: What is asked for, by the beginning of its path.
KINDS = {"open": "o", "click": "c", "attachment": "a"}

DRAFT = {
    "subject": "Contract for signature",
    "html_body": '<p>See <a href="https://contoso.example/offer?a=1&amp;b=2">the offer</a></p>',
    "sender": {"user_id": "u-17", "email": "seller@contoso.example", "name": "Kim Seller"},
    "recipients": [
        {"role": "to", "email": "ann@fabrikam.example", "record": {"type": "contact", "id": "c-1"}}
    ],
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was sent."""

    #: Mapping of ``open``, ``click`` and ``attachment`` to the paths of tracked URLs
    paths: Mapping[str, list[str]]
    #: list of str, names of the organizations' tables
    tables: list[str]


def prepare(environment: Mapping[str, str], data: str) -> Prepared:
    """Send the messages by the private surface of a deployment whose stores are empty.

    *data* is the connection string of its stores.
    """
    port, key = free_port(), secrets.token_urlsafe(24)
    url = f"http://127.0.0.1:{port}"
    more = {"ENGAGEMENT_ADMIN_KEY": key, "ENGAGEMENT_API_LIMIT": "0"}
    with served(command("host:host", port, 2), url, {**environment, **more}):
        paths = asyncio.run(_send_all(url, key))
    with TableServiceClient.from_connection_string(data) as tables:
        names = [table.name for table in tables.list_tables()]
    # Organizations' tables are named by a key that the API never shows.
    return Prepared(paths, [name for name in names if re.fullmatch(r"org[0-9a-z]+", name)])


def command(app: str, port: int, workers: int) -> list[str]:
    """Return the command that serves a factory of this package."""
    return [sys.executable, "-m", "benchmarks.public.serve", app, str(port), str(workers)]


async def _send_all(url: str, key: str) -> dict[str, list[str]]:
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False, timeout=60) as http:

        async def send(organization: str, headers: dict[str, str]) -> str:
            async with turns:
                return await _send(http, f"/organizations/{organization}/messages", headers)

        opened = [await _organize(http, f"bench-{n}", key) for n in range(ORGANIZATIONS)]
        # In turn, so that neighbours in the list are of different organizations.
        bodies = await asyncio.gather(
            *(send(*organization) for _ in range(MESSAGES) for organization in opened)
        )
    return {
        kind: [re.findall(rf'"[a-z]+://[^/"]+(/{letter}/[^"]+)"', body)[0] for body in bodies]
        for kind, letter in KINDS.items()
    }


async def _organize(http: httpx.AsyncClient, name: str, key: str) -> tuple[str, dict[str, str]]:
    """Make an organization; return its id and what opens it."""
    path, admin = f"/organizations/{name}", {"X-Api-Key": key}
    made = await _ok(http, "PUT", path, json={"name": name}, headers=admin)
    headers = {"X-Api-Key": made["api_key"]}
    # What is opened in the seconds after its sending would all be taken for machines.
    verdicts = {"verdicts": {"delivery_window_seconds": 0}}
    await _ok(http, "PATCH", f"{path}/settings", json=verdicts, headers=headers)
    return name, headers


async def _send(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> str:
    """Send a message; return its body as the CRM is to mail it."""
    message = (await _ok(http, "POST", path, json=DRAFT, headers=headers))["id"]
    await _ok(
        http,
        "POST",
        f"{path}/{message}/attachments",
        params={"name": "offer.pdf", "followed": "true"},
        content=FILE,
        headers={**headers, "Content-Type": "application/pdf"},
    )
    how = {"delivery": "crm"}
    sent = await _ok(http, "POST", f"{path}/{message}/send", json=how, headers=headers)
    body: str = sent["copies"][0]["html_body"]
    return body


async def _ok(http: httpx.AsyncClient, method: str, path: str, **more: Any) -> dict[str, Any]:
    answer = await http.request(method, path, **more)
    if answer.is_error:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
    value: dict[str, Any] = answer.json()
    return value
