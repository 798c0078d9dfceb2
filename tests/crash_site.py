"""Stores, a mail server and a disk that live on, and the hosts that come and go on them."""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email import message_from_bytes
from email.policy import default
from typing import Self

from aiosmtpd.controller import Controller
from ambush import PostOffice
from deployment import PUBLIC_URL, ROOT, HostProcess, Served, settings
from fault_proxy import FaultProxy, healthy
from traffic import Outcome, Request, exchange, visit

from devserver.backing import connection_string, free_port

TRACKED = re.compile(rf'{PUBLIC_URL}/([oca])/[^"]+')
#: Of so many visits, on average, each is one of these.
KINDS = "oooooocca"


class MortalHost(HostProcess):
    """A host that is going to be killed."""

    program = "impatient_host"


class Site(Served):
    """What outlives its hosts; called at whichever lives at the moment."""

    def __init__(self, azurite, spill) -> None:
        super().__init__()
        self.azurite = azurite
        self.proxies = [FaultProxy(port) for port in azurite.ports]
        self.mail = PostOffice()
        self.controller = Controller(self.mail, hostname="127.0.0.1", port=free_port())
        self.spill = spill
        #: int, seconds after which what a killed host had taken from a queue shows again
        self.lease = 15
        self.host: HostProcess | None = None
        #: set while a host serves
        self.up = threading.Event()
        #: bool, whether no host is going to serve any more
        self.closed = False
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        for proxy in self.proxies:
            self.stack.enter_context(proxy)
        self.controller.start()
        self.stack.callback(self.controller.stop)
        self.stack.callback(self.http.close)
        self.stack.callback(self.kill)
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True
        self.stack.close()
        # Whoever waits for a host is to learn that none will come.
        self.up.set()

    def settings_at(self, data: str) -> dict[str, str]:
        """Settings of a deployment here, whose stores are reached at *data*."""
        return settings(
            data,
            ENGAGEMENT_SMTP_HOST="127.0.0.1",
            ENGAGEMENT_SMTP_PORT=str(self.controller.port),
            ENGAGEMENT_SMTP_SECURITY="none",
            ENGAGEMENT_SPILL_FOLDER=str(self.spill),
            LEASE_SECONDS=str(self.lease),
            PYTHONPATH=str(ROOT / "tests"),
        )

    def start(self) -> None:
        """Start a host, with healthy stores behind fault proxies."""
        self.heal()
        ports = [proxy.port for proxy in self.proxies]
        self.host = MortalHost(self.settings_at(connection_string(ports))).__enter__()
        self.serve_at(self.host.url)

    def serve_at(self, url: str) -> None:
        """Let everybody call another host."""
        self.url = url
        self.up.set()

    def kill(self) -> None:
        """Kill the host; nobody has to find out by themselves."""
        self.up.clear()
        if self.host is not None:
            self.host.kill()
            self.host.__exit__()
            self.host = None

    def heal(self) -> None:
        """Have all stores, and the mail server, do what they are asked."""
        self.mail.silent = False
        for proxy in self.proxies:
            proxy.fault = healthy
            proxy.seen.clear()


class Recipients:
    """Those who got the mails, and open what they got; each visit is made once."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.chance = random.Random(seed)  # noqa: S311 - any order will do
        self.numbers = itertools.count(1)
        self.read = 0
        self.urls: dict[str, list[str]] = {kind: [] for kind in "oca"}
        self.outcomes: list[Outcome] = []

    def visit(self, connections: int, *, until: Callable[[int], bool]) -> None:
        """Visit what was mailed over so many connections *until* so many were begun in a row."""
        self.outcomes += exchange(self.site.url, self._visits(until), connections)

    def visit_all(self) -> int:
        """Visit each thing that was mailed once; from then on the host knows where it leads.

        Returns how many visits that were.
        """
        self._open_mails()
        urls = [url for kind in "oca" for url in self.urls[kind]]
        requests = [visit(url, next(self.numbers)) for url in urls]
        self.outcomes += exchange(self.site.url, requests, 4)
        return len(requests)

    def _visits(self, until: Callable[[int], bool]) -> Iterator[Request]:
        begun = 0
        while not until(begun):
            begun += 1
            yield visit(self._url(), next(self.numbers))

    def _url(self) -> str:
        self._open_mails()
        kind = self.chance.choice([kind for kind in KINDS if self.urls[kind]])
        # What came last is read most.
        urls = self.urls[kind]
        return urls[-min(len(urls), int(self.chance.expovariate(0.05)) + 1)]

    def _open_mails(self) -> None:
        for mail in self.site.mail.mails[self.read :]:
            self.read += 1
            body = message_from_bytes(mail, policy=default).get_body(("html",))
            assert body is not None
            for found in TRACKED.finditer(body.get_content()):
                self.urls[found[1]].append(found[0])
