"""Honest load: each request is sent once, and what became of each is told.

Clients of HTTP libraries repeat a request that met a dropped connection, and count one; whoever
compares what was sent with what is stored has to know. What was answered must be stored exactly
once, what was not at most once, and what was never sent not at all.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11
from azure.data.tables import TableClient
from deployment import PUBLIC_URL

from engagement.domain.tracking.tracking_token import Kind, TokenSigner
from engagement.domain.verdicts.interaction import INFERRED
from engagement.storage import keys

#: Seconds that an answer may take.
PATIENCE = 60.0
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.6 Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Mobile/15E148"
    ),
)
#: Ends a User-Agent, which is stored with the interaction: by it a request is known again.
MARK = " Visit/"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent: *target* is a tracked URL, or a path with its query."""

    target: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target as the server is asked for it."""
        return self.target.removeprefix(PUBLIC_URL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request."""

    request: Request
    #: int or None, the status of an answer that came whole
    status: int | None
    body: bytes
    #: str or None, what the connection died of
    failure: str | None
    #: bool, whether any byte of it may have reached the server
    sent: bool
    #: float, from the first byte, or the opening of the connection, to the end of the answer
    seconds: float

    @property
    def answered(self) -> bool:
        """Whether there was a whole answer, whatever it said."""
        return self.status is not None

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def visit(url: str, number: int) -> Request:
    """A person's visit to a tracked URL: each *number* has an address and a mark of its own."""
    address = f"11.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    agent = BROWSERS[number % len(BROWSERS)]
    return Request(
        url, headers={"User-Agent": f"{agent}{MARK}{number}", "X-Forwarded-For": address}
    )


def number_of(user_agent: str) -> int:
    """The number of the visit that a User-Agent is of."""
    return int(user_agent.rpartition(MARK)[2])


def organization_key(pixel: str) -> str:
    """Key of the organization that a pixel's URL is of: its table is named by it."""
    text = pixel.rpartition("/")[2].removesuffix(".gif")
    return TokenSigner({1: b"k" * 32}).verify(text, Kind.OPEN).organization


def stored_visits(data: str, organization_key: str) -> Counter[int]:
    """How often each visit is stored in an organization; inferred opens are of nobody's visit."""
    query = f"RowKey ge '{keys.INTERACTION}' and RowKey lt '{keys.INTERACTION_END}'"
    with TableClient.from_connection_string(data, keys.table(organization_key)) as table:
        rows = table.query_entities(query, select=["user_agent", "reasons"])
        return Counter(number_of(row["user_agent"]) for row in rows if row["reasons"] != INFERRED)


def exchange(
    server: str,
    requests: Iterable[Request],
    connections: int,
    *,
    per_second: float | None = None,
) -> list[Outcome]:
    """Send *requests* to a server, each once, over so many connections that are kept alive.

    Blocks until each has its outcome, in the order in which they were taken. *requests* is asked
    for the next when a connection is free, so that an iterator may say when it is enough; with
    *per_second* no faster than that.
    """
    return asyncio.run(exchange_async(server, requests, connections, per_second=per_second))


async def exchange_async(
    server: str,
    requests: Iterable[Request],
    connections: int,
    *,
    per_second: float | None = None,
) -> list[Outcome]:
    """Do the same within an event loop."""
    outcomes: list[Outcome | None] = []
    left, began = iter(requests), time.monotonic()

    async def work() -> None:
        connection = Connection(server)
        for request in left:
            place = len(outcomes)
            outcomes.append(None)
            if per_second is not None:
                await asyncio.sleep(began + place / per_second - time.monotonic())
            outcomes[place] = await connection.ask(request)
        connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return [outcome for outcome in outcomes if outcome is not None]


class Connection:
    """A connection to a server, opened again where it was closed before a request."""

    def __init__(self, server: str) -> None:
        self.host = urlsplit(server).netloc
        self.http = h11.Connection(h11.CLIENT)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Request) -> Outcome:
        """Send *request* once and wait for its answer, or for the end of the connection."""
        began, sent = time.monotonic(), False
        status, body, failure = None, b"", None
        try:
            async with asyncio.timeout(PATIENCE):
                await self._open()
                sent = True
                await self._send(request)
                status, body = await self._receive()
        except (OSError, h11.ProtocolError) as error:
            failure = type(error).__name__
            self.close()
        return Outcome(request, status, body, failure, sent, time.monotonic() - began)

    def close(self) -> None:
        """Let go of the connection."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None

    async def _open(self) -> None:
        if self.reader is not None and not self.reader.at_eof():
            return
        self.close()
        host, _, port = self.host.partition(":")
        self.http = h11.Connection(h11.CLIENT)
        self.reader, self.writer = await asyncio.open_connection(host, int(port))

    async def _send(self, request: Request) -> None:
        assert self.writer is not None
        headers = [("Host", self.host), *request.headers.items()]
        if request.body:
            headers.append(("Content-Length", str(len(request.body))))
        head = h11.Request(method=request.method, target=request.path, headers=headers)
        for event in (head, h11.Data(data=request.body), h11.EndOfMessage()):
            self.writer.write(self.http.send(event) or b"")
        await self.writer.drain()

    async def _receive(self) -> tuple[int, bytes]:
        assert self.reader is not None
        status, body = 0, bytearray()
        for event in iter(self.http.next_event, None):
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.reader.read(65_536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
        else:
            self.close()
        return status, bytes(body)


def quantiles(outcomes: Iterable[Outcome], *shares: float) -> Iterator[float]:
    """Milliseconds below which so large a share of the answers came."""
    times = sorted(outcome.seconds * 1000 for outcome in outcomes if outcome.answered)
    return (times[min(len(times) - 1, int(share * len(times)))] for share in shares)
