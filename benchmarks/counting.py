"""What an operation asks of a store: a server in front of it that counts requests and bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

#: Most bytes of a request's body; a transaction has four MiB.
LARGEST_BODY = 8 * 1024**2
#: Headers of an answer that say how it came, and not what it is.
OF_THE_WAY = ("Transfer-Encoding", "Content-Encoding", "Content-Length")


@dataclass(slots=True)
class Asked:
    """What a store was asked for and answered, by whoever takes the port for its own."""

    port: int
    requests: int = 0
    #: int, of the bodies in both directions
    bytes: int = 0

    def take(self) -> tuple[int, int]:
        """Return requests and bytes since the last time."""
        taken = self.requests, self.bytes
        self.requests = self.bytes = 0
        return taken


@asynccontextmanager
async def counted(port: int) -> AsyncIterator[Asked]:
    """Stand in front of the store at *port* of this machine until the block ends."""
    asked = Asked(0)
    async with aiohttp.ClientSession(auto_decompress=False) as http:

        async def forward(request: web.Request) -> web.Response:
            body = await request.read()
            url = URL(f"http://127.0.0.1:{port}{request.raw_path}", encoded=True)
            async with http.request(
                request.method,
                url,
                headers=request.headers,
                data=body or None,
                # A header that the caller did not sign makes the store refuse the signature.
                skip_auto_headers=("Accept", "Content-Type"),
            ) as answer:
                content = await answer.read()
            asked.requests += 1
            asked.bytes += len(body) + len(content)
            headers = answer.headers.copy()
            for name in OF_THE_WAY:
                headers.popall(name, None)
            return web.Response(status=answer.status, headers=headers, body=content)

        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        asked.port = runner.addresses[0][1]
        try:
            yield asked
        finally:
            await runner.cleanup()
