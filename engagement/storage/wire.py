"""The requests that a recipient waits for, signed by hand: one entity inserted, one message queued.

The SDKs spend 2 to 3 ms of CPU on either, a hand-signed request 0.3 ms, and their default retries
would hold a recipient for minutes. Protocol: "Authorize with Shared Key" (Shared Key Lite) of the
Storage services' REST API, version 2020-12-06, the first in which tables take tokens.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import urlsplit

import aiohttp

from engagement.errors import ConfigurationError, StorageError
from engagement.storage.account import Account, storage_call

VERSION = "2020-12-06"
SCOPE = "https://storage.azure.com/.default"

#: Status, headers, and of a GET the body.
Answer = tuple[int, Mapping[str, str], bytes]

#: Azurite and load balancers close idle connections; the first write on a closed one is repeated.
DROPPED = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientPayloadError,
    aiohttp.ClientConnectionResetError,
)

#: The client's own timers cost each request something, and the caller's are shorter.
UNTIMED = aiohttp.ClientTimeout()

#: Parts of a connection string that are needed.
PARTS = ("TableEndpoint", "QueueEndpoint", "AccountName", "AccountKey")
ENDPOINT = re.compile(
    r"https?://(?:\[[0-9a-f:]+\]|[^\s/:\[\]]+)(?::[0-9]{1,5})?(?:/[^\s?#]*)?", re.IGNORECASE
)


class Wire:
    """Sends requests to tables and queues over connections that are kept."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.session: aiohttp.ClientSession | None = None
        data = account.data
        if data.connection_string:
            self.tables, self.queues, self.name, self.key = _parse(data.connection_string)
        else:
            self.tables, self.queues = str(data.table_url), str(data.queue_url)
            self.name, self.key = "", b""
        self.token, self.token_until = "", 0.0

    async def table(self, path: str, body: bytes, headers: dict[str, str], seconds: float) -> int:
        """Post to the Table service and return the status within *seconds*.

        Raises StorageError if it hangs. Is sent twice if the connection drops.
        """
        url = f"{self.tables}/{path}"
        date = _date(int(time.time()))
        text = f"{date}\n{self._resource(url)}"
        status, _, _ = await self._within(seconds, "POST", url, (body, headers, date, text))
        return status

    async def queue(self, method: str, path: str, body: bytes, seconds: float) -> int:
        """Send a request to the Queue service, like :meth:`table`."""
        status, _, _ = await self._queue(method, path, body, seconds)
        return status

    async def read_queue(self, path: str, seconds: float) -> Answer:
        """Return what the Queue service says of something, like :meth:`table`."""
        return await self._queue("GET", path, b"", seconds)

    async def close(self) -> None:
        """Give the connections back."""
        if self.session is not None:
            await self.session.close()

    async def _queue(self, method: str, path: str, body: bytes, seconds: float) -> Answer:
        url = f"{self.queues}/{path}"
        kind = "application/xml" if body else "application/octet-stream"
        date = _date(int(time.time()))
        stamps = f"x-ms-date:{date}\nx-ms-version:{VERSION}"
        text = f"{method}\n\n{kind}\n\n{stamps}\n{self._resource(url)}"
        return await self._within(seconds, method, url, (body, {"Content-Type": kind}, date, text))

    async def _within(
        self, seconds: float, method: str, url: str, request: tuple[bytes, dict[str, str], str, str]
    ) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._send(method, url, *request)
                except aiohttp.ClientConnectorError:
                    raise
                except DROPPED:
                    return await self._send(method, url, *request)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StorageError("The store did not answer.") from error

    async def _send(
        self, method: str, url: str, body: bytes, headers: dict[str, str], date: str, text: str
    ) -> Answer:
        if self.session is None:
            self.session = aiohttp.ClientSession(headers={"x-ms-version": VERSION}, timeout=UNTIMED)
        stamped = {**headers, "x-ms-date": date, "Authorization": await self._authorization(text)}
        async with self.session.request(method, url, data=body, headers=stamped) as answer:
            content = await answer.read() if method == "GET" else b""
            return answer.status, answer.headers, content

    def _resource(self, url: str) -> str:
        parts = urlsplit(url)
        # Of the query only what names a part of the resource is signed.
        return f"/{self.name}{parts.path}" + (f"?{parts.query}" if "comp=" in parts.query else "")

    async def _authorization(self, text: str) -> str:
        if not self.key:
            return f"Bearer {await self._bearer()}"
        signature = base64.b64encode(hmac.digest(self.key, text.encode(), hashlib.sha256)).decode()
        return f"SharedKeyLite {self.name}:{signature}"

    async def _bearer(self) -> str:
        # Fetched five minutes before its end, as its clock may differ from ours.
        if time.time() > self.token_until - 300:
            async with storage_call():
                token = await self.account.credential.get_token(SCOPE)
            self.token, self.token_until = token.token, float(token.expires_on)
        return self.token


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _parse(connection_string: str) -> tuple[str, str, str, bytes]:
    pairs = (part.partition("=") for part in connection_string.split(";"))
    parts = {name.strip(): value.strip() for name, _, value in pairs}
    for name in PARTS:
        if not parts.get(name):
            raise ConfigurationError(f"ENGAGEMENT_DATA: the connection string lacks {name}.")
        if name.endswith("Endpoint") and not ENDPOINT.fullmatch(parts[name]):
            raise ConfigurationError(f"ENGAGEMENT_DATA: {name} is no URL of a service.")
    tables, queues, account, key = (parts[name] for name in PARTS)
    try:
        return tables.rstrip("/"), queues.rstrip("/"), account, base64.b64decode(key, validate=True)
    except ValueError as error:
        raise ConfigurationError("ENGAGEMENT_DATA: the account's key is not base64.") from error
