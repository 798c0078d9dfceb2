"""Rounds of a host's life under load, each ended by SIGKILL at a moment that chance chose."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from ambush import Ambush
from crash_site import Recipients, Site
from deployment import PATIENCE
from fault_proxy import Fault, answer_lost, hanging, healthy, only, refusing
from stubborn_crm import StubbornCrm

#: What may be wrong with blobs, queues and tables while the host is killed.
TROUBLES: dict[str, tuple[Fault, Fault, Fault]] = {
    "nothing": (healthy, healthy, healthy),
    "tables refuse": (healthy, healthy, refusing(503)),
    "tables hang": (healthy, healthy, hanging),
    "tables and queues refuse": (healthy, refusing(503), refusing(500)),
    "answers get lost": (
        answer_lost,
        only(lambda request: request.method == "POST", answer_lost),
        only(lambda request: request.method == "POST", answer_lost),
    ),
}


#: Whether a round is over when so many visits have begun.
Over = Callable[[int], bool]


@dataclass
class Round:
    """How one host ended, and after how many visits."""

    moment: str
    visits: int


class Rounds:
    """Hosts that live and die on a site, while recipients visit and CRMs work."""

    def __init__(self, site: Site, recipients: Recipients, seed: int, *, connections: int) -> None:
        self.site = site
        self.recipients = recipients
        self.chance = random.Random(seed)  # noqa: S311 - any order will do
        self.connections = connections
        #: how each kind of round comes to its end: set what is wrong, and return what to wait for
        self.kinds: list[Callable[[int], tuple[str, Over]]] = [
            self.by_mail,
            self.in_trouble,
            self.by_write,
            self.by_visits,
        ]

    def play(self, number: int, most: int) -> Round:
        """Let a host live until its moment has come, for about *most* visits; kill it."""
        if self.site.host is None:
            self.site.start()
        moment, over = self.kinds[number % len(self.kinds)](most)
        before = len(self.recipients.outcomes)
        killed = threading.Event()

        def ends(begun: int) -> bool:
            if not killed.is_set() and over(begun):
                killed.set()
            return killed.is_set()

        with ThreadPoolExecutor(1) as pool:
            visiting = pool.submit(self.recipients.visit, self.connections, until=ends)
            visiting.add_done_callback(lambda _: killed.set())
            assert killed.wait(PATIENCE)
            # What is on its way now is cut off.
            self.site.kill()
            visiting.result()
        self.site.heal()
        return Round(moment, len(self.recipients.outcomes) - before)

    def by_visits(self, most: int) -> tuple[str, Over]:
        """Kill the host when so many visits have begun."""
        number = self.chance.randrange(1, most)
        return "while all was well", lambda begun: begun >= number

    def by_write(self, most: int) -> tuple[str, Over]:
        """Kill the host while a write is on its way, or its answer."""
        ambush = Ambush(self.chance.randrange(1, most), committed=self.chance.random() < 0.5)
        for proxy in self.site.proxies:
            proxy.fault = ambush
        when = "after" if ambush.committed else "before"
        return f"{when} write {ambush.number}", sprung_or(most, ambush.sprung)

    def by_mail(self, most: int) -> tuple[str, Over]:
        """Kill the host that has just handed over a mail, and does not know it yet."""
        return "after a mail", sprung_or(3 * most, self.site.mail.ambush())

    def in_trouble(self, most: int) -> tuple[str, Over]:
        """Kill the host some visits after its stores began to fail."""
        name = self.chance.choice([name for name in TROUBLES if name != "nothing"])
        begins = self.chance.randrange(1, most // 2)
        ends = begins + self.chance.randrange(10, 40)

        def over(begun: int) -> bool:
            if begun == begins:
                for proxy, fault in zip(self.site.proxies, TROUBLES[name], strict=True):
                    proxy.fault = fault
            return begun >= ends

        return f"while {name}", over


def sprung_or(most: int, sprung: threading.Event) -> Over:
    """When an ambush has sprung; after *most* visits nobody waits for it any more."""
    return lambda begun: sprung.is_set() or begun >= most


class Crowd:
    """CRMs at work, each in a thread of its own, with a *pause* (seconds) between messages."""

    def __init__(self, crms: list[StubbornCrm], pause: float) -> None:
        self.over = threading.Event()
        self.pool = ThreadPoolExecutor(len(crms))
        self.working = [self.pool.submit(crm.work, self.over, pause) for crm in crms]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.pool.shutdown(wait=False)

    def end(self) -> None:
        """Have them finish what they are at; raises what went wrong."""
        self.over.set()
        for each in self.working:
            each.result(PATIENCE)
