"""Calls the endpoints of webhooks: URLs of strangers, so nothing of ours may be reached by them.

A name is looked up once; unless every address that it leads to is public, nothing is called. The
connection goes to one of these addresses and no other: no second look-up, no redirect, no proxy,
no connection that is kept for the next. Of the answer only the head is read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from engagement.domain.webhooks.public_address import is_public

USER_AGENT = "Engagement-Webhooks/1"
#: Seconds from the look-up of the name to the head of the answer.
PATIENCE = 15.0
#: Bytes of one line of the answer's head.
LONGEST_LINE = 4_096
#: Connections at a time to one host, so that a slow one does not hold up the others.
MOST_PER_HOST = 8

#: Returns the addresses of a host name; raises OSError.
Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call."""

    #: int or None, HTTP status, None if there was no answer
    status: int | None
    #: str, a few words of ours; nothing that the other side wrote
    detail: str
    #: str or None, its Retry-After
    retry_after: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the endpoint took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants nothing any more (Standard Webhooks)."""
        return self.status == HTTPStatus.GONE


class NotPublicError(Exception):
    """An address that must not be called."""


class Webhooks:
    """Calls endpoints; with *allow_private* (one machine) at any address."""

    def __init__(self, *, allow_private: bool, resolve: Resolve | None = None) -> None:
        self.allow_private = allow_private
        self.resolve = resolve or look_up
        self.session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request to *url*, as check_webhook_url returned it, and say how that went."""
        target = URL(url, encoded=True)
        try:
            if _is_address(target.host or ""):
                self.check(str(target.host))  # as it is not looked up
            async with self._opened().post(
                target, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return Answer(
                    answer.status, _words(answer.status), answer.headers.get("Retry-After")
                )
        except (aiohttp.ClientError, NotPublicError, OSError, ValueError) as error:
            # ValueError: a head that cannot be read, a name that the resolver cannot encode.
            return Answer(None, _cause(error))

    async def close(self) -> None:
        """Give the connections back."""
        if self.session is not None:
            await self.session.close()

    def check(self, address: str) -> None:
        """Refuse an address that must not be called."""
        if not self.allow_private and not is_public(address):
            raise NotPublicError

    def _opened(self) -> aiohttp.ClientSession:
        if self.session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self),
                socket_factory=self._socket,
                use_dns_cache=False,
                force_close=True,
                limit_per_host=MOST_PER_HOST,
                ssl=ssl.create_default_context(),
            )
            self.session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                headers={"User-Agent": USER_AGENT, "Content-Type": "application/json"},
                # Whoever may send compressed answers may send bombs.
                skip_auto_headers=("Accept-Encoding",),
                auto_decompress=False,
                trust_env=False,
                max_line_size=LONGEST_LINE,
                max_field_size=LONGEST_LINE,
            )
        return self.session

    def _socket(self, info: Any) -> socket.socket:
        """Make the socket that is about to be connected: the last word on its address."""
        family, kind, protocol, _, address = info
        self.check(address[0])
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Looks a name up for one connection; every address has to be allowed."""

    def __init__(self, webhooks: Webhooks) -> None:
        self.webhooks = webhooks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family  # both
        addresses = await self.webhooks.resolve(host, port)
        for address in addresses:
            self.webhooks.check(address)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Has nothing to give back."""


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver knows of *host*; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _result(host: str, address: str, port: int) -> ResolveResult:
    six = ":" in address
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if six else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _words(status: int) -> str:
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    return f"{words}; redirects are not followed" if 300 <= status < 400 else words


def _cause(error: Exception) -> str:
    sentences: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
        (NotPublicError, "The host leads to an address that must not be called."),
        (TimeoutError, f"There was no answer within {PATIENCE:.0f} seconds."),
        (aiohttp.ClientConnectorDNSError, "The host name was not found."),
        (aiohttp.ClientConnectorCertificateError, "The certificate is not trusted."),
        (aiohttp.ClientSSLError, "The TLS connection failed."),
        (aiohttp.ClientConnectorError, "The host could not be reached."),
        (aiohttp.ServerDisconnectedError, "The connection was closed without an answer."),
        (OSError, "The connection broke."),
        (Exception, "The answer was not HTTP."),
    ]
    return next(text for kind, text in sentences if isinstance(error, kind))
