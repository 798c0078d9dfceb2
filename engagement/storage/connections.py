"""HTTP/1.1 connections that are kept, for the few requests that a recipient waits for.

A general client spends a quarter of an open's processor time on what the stores never ask for:
cookies, redirects, proxies, compression (docs/adr/0020-connections-of-our-own.md). Answers are read
by httptools, the parser of Node.js. A connection carries one request at a time, so that an answer
belongs to the request before it: one whose answer was not read to its end is never used again.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from engagement.storage.sharing import Sharing

#: Connections to an origin that are used at the same time; whoever comes later waits for one.
MOST_OPEN = 100
#: Seconds without a request; what balances the stores' load may forget a connection after that.
LONGEST_IDLE = 15.0

#: Bytes of an answer before its body, and altogether: a page has up to 1,000 rows of some 64 KiB.
LARGEST_HEAD = 64 * 1024
LARGEST_ANSWER = 64 * 1024**2

USUAL_PORTS = {"http": 80, "https": 443}

#: Statuses whose answers have no body, and methods whose requests have none (RFC 9110).
BODILESS = (204, 304)
BODILESS_METHODS = ("GET", "DELETE")


class DroppedError(ConnectionError):
    """The connection ended before the answer did."""


class AnswerError(Exception):
    """What came is no answer, or one that is too large."""


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    #: Mapping, names in lower case; of a name that came twice the last
    headers: Mapping[str, str]
    body: bytes


class Origin(NamedTuple):
    """Who serves: what connections are kept for."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of *url*; raises ValueError if it has none."""
        parts = urlsplit(url)
        if parts.scheme not in USUAL_PORTS or not parts.hostname:
            raise ValueError("This is no URL of a server.")
        usual = USUAL_PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, usual if parts.port is None else parts.port)

    @property
    def authority(self) -> str:
        """What clients call it: the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL_PORTS[self.scheme] else f"{host}:{self.port}"


class Request(NamedTuple):
    """What is asked of a server; *target* is the path and the query, encoded."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    def encode(self, origin: Origin) -> bytes:
        """Return its bytes for *origin*; raises ValueError for what is no part of a line."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {origin.authority}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body or self.method not in BODILESS_METHODS:
            lines.append(f"Content-Length: {len(self.body)}")
        text = "".join(lines)
        # Whatever ends a line would begin another header, or another request.
        if " " in self.target or not (text.isascii() and text.isprintable()):
            raise ValueError("This cannot stand in the head of a request.")
        return "\r\n".join([*lines, "\r\n"]).encode("ascii") + self.body


class Connection(asyncio.Protocol):
    """One connection; *idle* is where it stands while nothing is asked of it."""

    def __init__(self, idle: dict[Connection, None]) -> None:
        self.idle = idle
        self.parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport | None = None
        self.waiting: asyncio.Future[Answer] | None = None
        #: float, on the monotonic clock
        self.idle_since = 0.0
        #: bool, whether it is open and may carry another request
        self.usable = False
        #: int, bytes that came since the last request
        self.received = 0
        self.answer: Answer | None = None
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []
        #: bool, whether the headers of the answer, and not of an interim one, are there
        self.headers_complete = False

    async def ask(self, request: bytes) -> Answer:
        """Send *request* and return the answer; raises DroppedError, AnswerError.

        Whoever stops waiting has to abort the connection.
        """
        if self.transport is None or not self.usable:
            raise DroppedError("The connection was closed.")
        self.received, self.answer, self.headers_complete = 0, None, False
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting

    def abort(self) -> None:
        """Close it at once; whoever waits for an answer gets none."""
        self.usable = False
        self.idle.pop(self, None)
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that it is open."""
        self.transport = cast("asyncio.Transport", transport)
        self.usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is closed, whoever closed it."""
        self.usable = False
        self.idle.pop(self, None)
        self._fail(exc if isinstance(exc, OSError) else None)

    def data_received(self, data: bytes) -> None:
        """Read on in the answer."""
        if self.waiting is None or self.waiting.done():
            # Nobody has asked for this, or nobody wants it any more.
            self.abort()
            return
        self.received += len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refuse(error)
        if self.answer is not None:
            self._deliver(self.answer)
        elif self.received > (LARGEST_ANSWER if self.headers_complete else LARGEST_HEAD):
            self._refuse(None)

    def on_message_begin(self) -> None:
        """Begin an answer."""
        if self.answer is not None:
            raise AnswerError("This answers nothing.")
        self.headers, self.chunks = {}, []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Take the end of the headers."""
        status = self.parser.get_status_code()
        self.headers_complete = status >= 200
        bodiless = status < 200 or status in BODILESS
        if not bodiless and self.headers.keys().isdisjoint(("content-length", "transfer-encoding")):
            # It would end with the connection, and so would a part of it.
            raise AnswerError("Nothing says where this answer ends.")

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        """Take the end of an answer; after an interim one (1xx) the answer is still to come."""
        if self.headers_complete:
            status = self.parser.get_status_code()
            self.answer = Answer(status, self.headers, b"".join(self.chunks))
            self.usable &= self.parser.should_keep_alive()

    def _deliver(self, answer: Answer) -> None:
        transport, waiting = self.transport, self.waiting
        self.waiting = None
        if transport is not None and (not self.usable or transport.get_write_buffer_size()):
            # Answered before all of the request was sent, or nothing is to follow.
            self.abort()
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _refuse(self, error: Exception | None) -> None:
        """Never read on; an answer that was complete before stays one."""
        self.usable = False
        if self.answer is None:
            self._fail(error, AnswerError("What the server sent is no answer."))
            self.abort()

    def _fail(self, cause: Exception | None, error: Exception | None = None) -> None:
        waiting, self.waiting = self.waiting, None
        if waiting is not None and not waiting.done():
            failure = error or DroppedError("The connection ended before the answer did.")
            failure.__cause__ = cause
            waiting.set_exception(failure)


class Connections:
    """Keeps connections by their origin."""

    def __init__(self) -> None:
        self.idle: dict[Origin, dict[Connection, None]] = {}
        # Of each its own: while one store hangs, nobody waits behind it for another one.
        self.turns = defaultdict[Origin, asyncio.Semaphore](lambda: asyncio.Semaphore(MOST_OPEN))
        self.contexts: Sharing[ssl.SSLContext] = Sharing()
        self.context: ssl.SSLContext | None = None

    async def request(self, origin: Origin, request: bytes, *, fresh: bool = False) -> Answer:
        """Send the bytes of a request and return the answer, over a *fresh* connection or any.

        Raises DroppedError if the connection ends before the answer does, another OSError if none
        can be made, AnswerError for an answer that cannot be read.
        """
        async with self.turns[origin]:
            connection = None if fresh else self._take(origin)
            if connection is None:
                connection = await self._open(origin)
            try:
                answer = await connection.ask(request)
            except BaseException:
                connection.abort()
                raise
            self._keep(connection)
            return answer

    async def close(self) -> None:
        """Close those that nobody uses."""
        for idle in self.idle.values():
            for connection in list(idle):
                connection.abort()
        # Transports close in the next turn of the loop.
        await asyncio.sleep(0)

    def _take(self, origin: Origin) -> Connection | None:
        """Return the connection that was used last, as it is the likeliest to be open still."""
        idle = self.idle.get(origin)
        if not idle:
            return None
        connection, _ = idle.popitem()
        if time.monotonic() - connection.idle_since < LONGEST_IDLE:
            return connection
        for stale in (connection, *idle):
            stale.abort()
        return None

    def _keep(self, connection: Connection) -> None:
        if not connection.usable:
            return
        connection.idle_since = now = time.monotonic()
        connection.idle[connection] = None
        oldest = next(iter(connection.idle))
        if now - oldest.idle_since > LONGEST_IDLE:
            oldest.abort()

    async def _open(self, origin: Origin) -> Connection:
        idle = self.idle.setdefault(origin, {})
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(idle), origin.host, origin.port, ssl=await self._tls(origin)
        )
        return connection

    async def _tls(self, origin: Origin) -> ssl.SSLContext | None:
        """Return what verifies certificates, made in a thread: reading the roots takes a while."""
        if origin.scheme == "http":
            return None
        if self.context is None:
            self.context = await self.contexts.get(
                "", lambda: asyncio.to_thread(ssl.create_default_context)
            )
        return self.context
