"""A store that fails on demand: an HTTP proxy in front of one of Azurite's services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

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
    assert request.transport is not None
    request.transport.abort()
    raise web.HTTPInternalServerError


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


def only(wanted: Callable[[web.Request], bool], fault: Fault) -> Fault:
    """Do *fault* to the requests that are *wanted*, and pass the others."""

    async def either(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
        return await (fault if wanted(request) else healthy)(proxy, request, body)

    return either


class FaultProxy(Fake):
    """Forwards to a port of this machine, with the fault of the moment; keeps what it saw."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self.upstream = upstream
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
        url = URL(f"http://127.0.0.1:{self.upstream}{request.raw_path}", encoded=True)
        async with self.session.request(
            request.method,
            url,
            headers=request.headers,
            data=body or None,
            # A header that the caller did not sign makes the store refuse the signature.
            skip_auto_headers=("Accept", "Content-Type"),
        ) as answer:
            data = await answer.read()
            headers = answer.headers.copy()
            for name in ("Transfer-Encoding", "Content-Encoding", "Content-Length"):
                headers.popall(name, None)
            return web.Response(status=answer.status, headers=headers, body=data)

    async def _listen(self) -> None:
        app = web.Application(client_max_size=200 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
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
