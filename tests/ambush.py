"""Moments at which a host is killed: a write on its way to a store, a mail that was just taken."""

from __future__ import annotations

import asyncio
import itertools
import threading

from aiohttp import web
from fault_proxy import FaultProxy, healthy


class Ambush:
    """A fault of proxies: of one write nobody ever hears again, *committed* or not."""

    def __init__(self, number: int, *, committed: bool) -> None:
        self.number = number
        self.committed = committed
        self.writes = itertools.count(1)
        #: set when that write has come
        self.sprung = threading.Event()

    async def __call__(
        self, proxy: FaultProxy, request: web.Request, body: bytes
    ) -> web.StreamResponse:
        if request.method == "GET" or next(self.writes) != self.number:
            return await healthy(proxy, request, body)
        if self.committed:
            await proxy.forward(request, body)
        self.sprung.set()
        await asyncio.Event().wait()
        raise AssertionError


class PostOffice:
    """A mail server that keeps what it took; of one mail its sender never hears."""

    def __init__(self) -> None:
        #: contents, oldest first
        self.mails: list[bytes] = []
        #: bool, whether the sender of the next mail is not to hear that it was taken
        self.silent = False
        self.sprung = threading.Event()

    def ambush(self) -> threading.Event:
        """Be silent about the next mail; returns what it sets."""
        self.sprung = threading.Event()
        self.silent = True
        return self.sprung

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope.content)
        if self.silent:
            self.silent = False
            self.sprung.set()
            # Until the sender's end closes the connection.
            await asyncio.Event().wait()
        return "250 taken"
