"""A running deployment, called as its API's clients do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from engagement.errors import ConfigurationError, RemoteError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: Seconds of a whole call: Azure's front end ends one after 230.
SECONDS = 240.0
CONNECT_SECONDS = 10.0
#: Answers that another try may better.
PASSING = (429, 502, 503, 504)
#: Seconds before the second try, the third, …
PAUSES = (1.0, 3.0)
LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a deployment answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The JSON of the body; None for a body that is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Deployment:
    """A deployment at *url*, called with *headers*, which hold the caller's credential.

    Raises ConfigurationError for a URL over which the credential would travel in the clear.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], *, pauses: Sequence[float] = PAUSES
    ) -> None:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not parts.hostname or parts.username or not (parts.scheme == "https" or plain):
            raise ConfigurationError(
                f"{parts.scheme}://{parts.hostname} is no https address of a deployment, such as "
                "https://engagement.contoso.example."
            )
        self._url = url.rstrip("/")
        self._proxies = parts.hostname not in LOOPBACK
        self._headers = dict(headers)
        self._pauses = pauses
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, path: str, body: object = None, *, repeatable: bool = True
    ) -> Reply:
        """Send a request; a *repeatable* one is tried again if it fails in passing.

        *path* is encoded already. Raises RemoteError if no answer came: ``ambiguous`` if the
        request may have been carried out.
        """
        for pause in self._pauses:
            reply = None
            try:
                reply = await self._send(method, path, body)
            except RemoteError as error:
                # What never left may be sent again, whatever it is.
                if error.ambiguous and not repeatable:
                    raise
            if reply is not None and not (repeatable and reply.status in PASSING):
                return reply
            await asyncio.sleep(_pause(reply, pause))
        return await self._send(method, path, body)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, path: str, body: object) -> Reply:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=self._proxies)
        url = URL(f"{self._url}{path}", encoded=True)
        try:
            async with self._session.request(
                method, url, json=body, headers=self._headers, allow_redirects=False
            ) as answer:
                return Reply(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RemoteError(f"{self._url} cannot be reached ({_why(error)}).") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise RemoteError(
                f"{self._url} did not answer; it may have done what was asked.", ambiguous=True
            ) from None


def phrase(status: int) -> str:
    """Return a status with its name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _pause(reply: Reply | None, pause: float) -> float:
    asked = reply.headers.get("Retry-After", "") if reply is not None else ""
    return min(float(asked[:6]), LONGEST_PAUSE) if asked.isascii() and asked.isdigit() else pause


def _why(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no answer in time"
    return "the connection failed"
