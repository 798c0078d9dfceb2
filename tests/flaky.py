"""A line to a store on which now and then something goes wrong, by chance."""

from __future__ import annotations

import asyncio
import random

from aiohttp import web
from fault_proxy import Fault, FaultProxy, answer_lost, cut, healthy, refusing, reset


async def dropped(proxy: FaultProxy, request: web.Request, body: bytes) -> web.StreamResponse:
    """Reset the connection before anything is done."""
    reset(request)
    raise web.HTTPInternalServerError


async def closed_when_idle(
    proxy: FaultProxy, request: web.Request, body: bytes
) -> web.StreamResponse:
    """Answer, and close the connection a moment later, perhaps just as it is used again."""
    transport = request.transport
    assert transport is not None
    asyncio.get_running_loop().call_later(random.random() / 50, transport.close)  # noqa: S311
    return await proxy.forward(request, body)


FAULTS = (
    dropped,
    closed_when_idle,
    closed_when_idle,
    answer_lost,
    cut,
    refusing(503, "1"),
    refusing(500),
    refusing(429, "1"),
)


class Flaky:
    """A fault of proxies: of the writes one in *every* meets a fault, and which by *seed*."""

    def __init__(self, every: int, seed: int) -> None:
        self.every = every
        self.chance = random.Random(seed)  # noqa: S311 - any order will do
        #: how many requests met one
        self.met = 0

    async def __call__(
        self, proxy: FaultProxy, request: web.Request, body: bytes
    ) -> web.StreamResponse:
        fault: Fault = healthy
        if request.method == "POST" and self.chance.randrange(self.every) == 0:
            fault, self.met = self.chance.choice(FAULTS), self.met + 1
        return await fault(proxy, request, body)
