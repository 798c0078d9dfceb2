"""A store that fails on demand: an HTTP proxy in front of one of Azurite's services.

Each fault is a function; tests/test_fault_proxy.py shows what each does.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

import aiohttp
from aiohttp import web
from fake import Fake
from yarl import URL

Fault = Callable[["FaultProxy", web.Request, bytes], Awaitable[web.StreamResponse]]


async def healthy(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
    """Pass the request on, and the answer back."""
    return await proxy.forward(request, body)


async def hanging(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
    """Accept the request and never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def answer_lost(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
    """Do what was asked and drop the connection instead of answering."""
    await proxy.forward(request, body)
    reset(request)
    raise web.HTTPInternalServerError


async def cut(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
    """Do what was asked and reset the connection when half of the answer is out.

    That is half of its body; of an answer without a body, half of its status line.
    """
    answer = await proxy.forward(request, body)
    assert isinstance(answer, web.Response)
    assert request.transport is not None
    if isinstance(answer.body, bytes) and answer.body:
        half = web.StreamResponse(status=answer.status, headers=answer.headers)
        half.content_length = len(answer.body)
        await half.prepare(request)
        await half.write(answer.body[: len(answer.body) // 2])
    else:
        line = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"
        request.transport.write(line.encode()[: len(line) // 2])
    reset(request)
    raise web.HTTPInternalServerError


async def duplicated(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
    """Deliver the request twice, and answer what came to the second delivery."""
    await proxy.forward(request, body)
    return await proxy.forward(request, body)


def reset(request: web.Request) -> None:
    """Reset the connection that a request came over."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    # Without lingering, closing is a reset and no orderly end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


def dated(skew: timedelta) -> Fault:
    """Say in every answer that it is so much later."""

    async def fault(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
        answer = await proxy.forward(request, body)
        answer.headers["Date"] = format_datetime(datetime.now(UTC) + skew, usegmt=True)
        return answer

    return fault


def slow(seconds: float) -> Fault:
    """Let everything take so much longer."""

    async def fault(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await proxy.forward(request, body)

    return fault


def refusing(status: int, retry_after: str | None = None) -> Fault:
    """Answer *status* to everything."""

    async def fault(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.Response(status=status, headers=headers)

    return fault


def once(fault: Fault, then: Fault = healthy) -> Fault:
    """Do *fault* the first time, then *then*."""
    return first(1, fault, then)


def first(times: int, fault: Fault, then: Fault = healthy) -> Fault:
    """Do *fault* the first *times*, then *then*."""
    left = [times]

    async def either(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
        left[0] -= 1
        return await (fault if left[0] >= 0 else then)(proxy, request, body)

    return either


def only(wanted: Callable[[web.Request], bool], fault: Fault, otherwise: Fault = healthy) -> Fault:
    """Do *fault* to the requests that are *wanted*, and to the others what is done *otherwise*."""

    async def either(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
        return await (fault if wanted(request) else otherwise)(proxy, request, body)

    return either


class FaultProxy(Fake):
    """Forwards to a port of this machine, with the fault of the moment; keeps what it saw.

    With *tls* it is reached over TLS, and forwards so without looking at a certificate.
    """

    def __init__(self, upstream: int, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.upstream = upstream
        self.tls = tls
        self.fault: Fault = healthy
        #: (method, path with query, body) of every request, oldest first
        self.seen: list[tuple[str, str, bytes]] = []
        self.port = 0

    async def start(self) -> None:
        """Open the port."""
        self.session = aiohttp.ClientSession(auto_decompress=False)
        await self._listen()

    def refuse(self) -> None:
        """Refuse connections, and drop those that are open."""
        self._run(self.runner.cleanup())

    def accept(self) -> None:
        """Accept connections again, on the same port."""
        self._run(self._listen())

    async def forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Pass *request* on and return the answer."""
        scheme = "https" if self.tls else "http"
        url = URL(f"{scheme}://127.0.0.1:{self.upstream}{request.raw_path}", encoded=True)
        async with self.session.request(
            request.method,
            url,
            headers=request.headers,
            data=body or None,
            ssl=False,
            # A header that the caller did not sign makes the store refuse the signature.
            skip_auto_headers=("Accept", "Content-Type"),
        ) as answer:
            data = await answer.read()
            headers = answer.headers.copy()
            for name in ("Transfer-Encoding", "Content-Encoding", "Content-Length"):
                # To HEAD it is the length of what GET would get.
                if (request.method, name) != ("HEAD", "Content-Length"):
                    headers.popall(name, None)
            return web.Response(status=answer.status, headers=headers, body=data)

    async def _listen(self) -> None:
        app = web.Application(client_max_size=200 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        await self.runner.cleanup()
        await self.session.close()
        await super()._stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.method, request.raw_path, body))
        return await self.fault(self, request, body)
