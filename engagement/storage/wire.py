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
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from engagement.errors import ConfigurationError, StorageError
from engagement.storage.account import REFUSALS, Account, storage_call
from engagement.storage.connections import (
    Answer,
    AnswerError,
    Connections,
    DroppedError,
    Origin,
    Request,
)
from engagement.storage.sharing import Sharing

VERSION = "2020-12-06"
SCOPE = "https://storage.azure.com/.default"

CONFLICT = 409

#: Parts of a connection string that are needed.
PARTS = ("TableEndpoint", "QueueEndpoint", "AccountName", "AccountKey")
ENDPOINT = re.compile(
    r"https?://(?:\[[0-9a-f:]+\]|[^\s/:\[\]]+)(?::[0-9]{1,5})?(?:/[^\s?#]*)?", re.IGNORECASE
)


class Service(NamedTuple):
    """Where the tables are, or the queues."""

    origin: Origin
    #: str, what the path of every request begins with, e.g. the account in the emulator
    path: str

    @classmethod
    def of(cls, url: str) -> Service:
        """Return the service at *url*; raises ConfigurationError."""
        try:
            return cls(Origin.of(url), urlsplit(url).path.rstrip("/"))
        except ValueError as error:
            raise ConfigurationError("ENGAGEMENT_DATA: an endpoint is no URL.") from error


class Wire:
    """Sends requests to tables and queues over connections that are kept."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.connections = Connections()
        data = account.data
        if data.connection_string:
            tables, queues, self.name, self.key = _parse(data.connection_string)
        else:
            tables, queues = data.table_url or "", data.queue_url or ""
            self.name, self.key = "", b""
        self.tables, self.queues = Service.of(tables), Service.of(queues)
        self.token, self.token_until = "", 0.0
        self.tokens: Sharing[None] = Sharing()

    async def table(
        self, path: str, body: bytes, headers: dict[str, str], seconds: float
    ) -> Answer:
        """Post to the Table service and return its answer within *seconds*.

        Raises StorageError if it hangs. Is sent twice if the connection drops.
        """
        return await self._table("POST", path, body, headers, seconds)

    async def read_table(self, path: str, headers: dict[str, str], seconds: float) -> Answer:
        """Return what the Table service says of something, like :meth:`table`."""
        return await self._table("GET", path, b"", headers, seconds)

    async def queue(self, method: str, path: str, body: bytes, seconds: float) -> int:
        """Send a request to the Queue service, like :meth:`table`."""
        return (await self._queue(method, path, body, seconds)).status

    async def read_queue(self, path: str, seconds: float) -> Answer:
        """Return what the Queue service says of something, like :meth:`table`."""
        return await self._queue("GET", path, b"", seconds)

    async def close(self) -> None:
        """Give the connections back."""
        await self.connections.close()

    async def _table(
        self, method: str, path: str, body: bytes, headers: dict[str, str], seconds: float
    ) -> Answer:
        target, date = f"{self.tables.path}/{path}", _date(int(time.time()))
        request = Request(method, target, {**headers, "x-ms-date": date}, body)
        text = f"{date}\n{self._resource(target)}"
        return await self._send(self.tables.origin, request, text, seconds)

    async def _queue(self, method: str, path: str, body: bytes, seconds: float) -> Answer:
        target, date = f"{self.queues.path}/{path}", _date(int(time.time()))
        kind = "application/xml" if body else "application/octet-stream"
        request = Request(method, target, {"Content-Type": kind, "x-ms-date": date}, body)
        stamps = f"x-ms-date:{date}\nx-ms-version:{VERSION}"
        text = f"{method}\n\n{kind}\n\n{stamps}\n{self._resource(target)}"
        return await self._send(self.queues.origin, request, text, seconds)

    async def _send(self, origin: Origin, request: Request, text: str, seconds: float) -> Answer:
        """Send *request*, signed by *text*."""
        if not self.key:
            # Not within the time: it happens once, before anything can be asked.
            await self.account.import_identity()
        try:
            async with asyncio.timeout(seconds):
                request.headers["x-ms-version"] = VERSION
                request.headers["Authorization"] = await self._authorization(text)
                data = request.encode(origin)
                try:
                    return await self.connections.request(origin, data)
                except DroppedError:
                    # Idle connections are closed by the other side, at times just as one is used.
                    return await self.connections.request(origin, data, fresh=True)
        except (OSError, AnswerError) as error:
            raise StorageError("The store did not answer.") from error

    def _resource(self, target: str) -> str:
        path, _, query = target.partition("?")
        # Of the query only what names a part of the resource is signed.
        return f"/{self.name}{path}" + (f"?{query}" if query.startswith("comp=") else "")

    async def _authorization(self, text: str) -> str:
        if not self.key:
            return f"Bearer {await self._bearer()}"
        return f"SharedKeyLite {self.name}:{_signature(self.key, text)}"

    async def _bearer(self) -> str:
        # Fetched five minutes before its end, as its clock may differ from ours.
        if time.time() > self.token_until - 300:
            await self.tokens.get("", self._fetch_token)
        return self.token

    async def _fetch_token(self) -> None:
        async with storage_call():
            token = await self.account.credential.get_token(SCOPE)
        self.token, self.token_until = token.token, float(token.expires_on)


def is_gone(answer: Answer) -> bool:
    """Whether what was asked for, or its table, is not there, or is still being deleted."""
    return answer.status == 404 or (answer.status == CONFLICT and b"BeingDeleted" in answer.body)


def ensure_read(answer: Answer) -> None:
    """Refuse what is no answer to a read.

    Raises StorageError where the store cannot answer now, ValueError where it does not understand.
    """
    if answer.status in REFUSALS or answer.status >= 500:
        raise StorageError("The store cannot answer now.")
    if answer.status != 200:
        raise ValueError(f"The store answered {answer.status} to a read.")


@lru_cache(maxsize=100)
def _signature(key: bytes, text: str) -> str:
    """Sign *text*, which is the same for all that is asked of one resource in one second."""
    return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()


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
