"""A load of opens before, during and after each fault of the stores: answered, in time, kept once.

Times are from the first byte of a request to the last of its answer. The public surface, the
private one and the stores are processes of their own; they, the proxies and the load share the
processors of this machine. Whether it has room to judge times on is told by what asks no store,
which is asked for between the opens.
"""

from __future__ import annotations

import itertools
import sys
import time
from contextlib import ExitStack

import pytest
from deployment import HostProcess, settings, wait_until
from fault_proxy import (
    FaultProxy,
    answer_lost,
    cut,
    duplicated,
    hanging,
    healthy,
    only,
    refusing,
    slow,
)
from traffic import Request, exchange, organization_key, quantiles, stored_visits, visit

from devserver.backing import connection_string

pytestmark = pytest.mark.soak

CONNECTIONS, PER_SECOND = 16, 100
#: Seconds of load before the fault, while it begins, while it lasts, and after it.
BEFORE, BEGIN, LASTS, AFTER = 3, 3, 6, 3
#: Milliseconds within which the pixel answers, and while the app knows that a store is down.
HARD, KNOWN = 2_500, 100
#: Milliseconds that what asks no store may take; beyond, the machine is too busy to judge times.
QUIET = 30
#: Seconds until everything is in its place after a fault.
DRAIN = 300


async def refused(*_):
    """Take no connection: the test closes the port instead."""
    raise AssertionError


#: fault of the table, fault of the queue, and whether the app gets to know that the table is down
FAULTS = {
    "table refuses": (refused, healthy, True),
    "table hangs": (hanging, healthy, True),
    "table is slow": (slow(0.4), healthy, False),
    "table is too slow": (slow(1.5), healthy, True),
    "table answers 500": (refusing(500), healthy, True),
    "table answers 503 with Retry-After": (refusing(503, "60"), healthy, True),
    "table answers 429 with Retry-After": (refusing(429, "60"), healthy, True),
    "table breaks its answers off": (cut, healthy, True),
    "table loses its answers": (answer_lost, healthy, True),
    "table gets everything twice": (duplicated, healthy, False),
    "queue hangs": (healthy, hanging, False),
    # Not what asks for messages: those that nobody sees come back when their time is over.
    "queue is given everything twice": (
        refusing(503),
        only(lambda request: request.method == "POST", duplicated),
        True,
    ),
    "table and queue hang": (hanging, hanging, True),
    "table and queue refuse": (refused, refused, True),
    "table and queue answer 503": (refusing(503), refusing(503), True),
}


class Plant:
    """Both surfaces, whose stores fail on demand, and the messages that are read."""

    def __init__(self, azurite, spill, stack):
        self.data = azurite.connection_string
        blob, queue, table = azurite.ports
        self.queues = stack.enter_context(FaultProxy(queue))
        self.tables = stack.enter_context(FaultProxy(table))
        data = connection_string((blob, self.queues.port, self.tables.port))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        environment |= {"ENGAGEMENT_SMTP_HOST": "127.0.0.1", "ENGAGEMENT_SMTP_SECURITY": "none"}
        public, private = (
            stack.enter_context(HostProcess({**environment, "ENGAGEMENT_SURFACE": surface}))
            for surface in ("public", "private")
        )
        self.url = public.url
        crm = private.new_crm()
        self.pixels = [crm.sent().pixel for _ in range(8)]
        self.organization = organization_key(self.pixels[0])
        self.numbers = itertools.count()
        self.spill = spill

    def fail(self, table, queue):
        """Let both stores fail so."""
        for proxy, fault in ((self.tables, table), (self.queues, queue)):
            # What it saw of the load before would fill the memory.
            proxy.seen.clear()
            if fault is refused:
                proxy.refuse()
            else:
                proxy.fault = fault

    def heal(self, table, queue):
        """Let neither fail any more."""
        for proxy, fault in ((self.tables, table), (self.queues, queue)):
            proxy.fault = healthy
            if fault is refused:
                proxy.accept()

    def load(self, seconds):
        """Open messages for so long; the outcomes of opens, and of what asks no store."""
        until = time.monotonic() + seconds

        def requests():
            while time.monotonic() < until:
                number = next(self.numbers)
                yield visit(self.pixels[number % len(self.pixels)], number)
                yield Request("/robots.txt")

        sent = exchange(self.url, requests(), CONNECTIONS, per_second=PER_SECOND)
        opens, others = [], []
        for outcome in sent:
            (opens if outcome.request.path.startswith("/o/") else others).append(outcome)
        return opens, others


@pytest.fixture(scope="module")
def plant(own_azurite, tmp_path_factory):
    """The surfaces of these tests."""
    with ExitStack() as stack:
        yield Plant(own_azurite, tmp_path_factory.mktemp("spill"), stack)


@pytest.mark.parametrize("fault", FAULTS, ids=[name.replace(" ", "-") for name in FAULTS])
def test_every_open_is_answered_in_time_and_kept_once_whatever_fails(plant, fault):
    table, queue, known = FAULTS[fault]
    phases = {"before": plant.load(BEFORE)}
    plant.fail(table, queue)
    phases["begins"] = plant.load(BEGIN)
    phases["lasts"] = plant.load(LASTS)
    plant.heal(table, queue)
    phases["after"] = plant.load(AFTER)

    opens = [outcome for phase, _ in phases.values() for outcome in phase]
    assert {(each.status, len(each.body), each.failure) for each in opens} == {(200, 43, None)}
    figures = {name: list(quantiles(phase, 0.5, 0.99, 1.0)) for name, (phase, _) in phases.items()}
    (floor,) = quantiles(phases["begins"][1] + phases["lasts"][1], 0.99)
    waited = settled(plant, opens)
    tell(fault, len(opens), figures, waited, floor)
    if floor > QUIET:
        return
    assert max(figures["begins"][-1], figures["lasts"][-1]) < HARD
    if known:
        assert figures["lasts"][1] < KNOWN


def settled(plant, outcomes):
    """Wait until each open is stored, once; how many seconds that took."""
    expected = dict.fromkeys((number(outcome) for outcome in outcomes), 1)
    begun = time.monotonic()

    def stored():
        found = stored_visits(plant.data, plant.organization)
        return {visited: found[visited] for visited in expected if found[visited]}

    wait_until(lambda: stored() == expected or max(stored().values()) > 1, DRAIN)
    assert stored() == expected
    wait_until(lambda: not list(plant.spill.iterdir()), DRAIN)
    return time.monotonic() - begun


def number(outcome):
    """The number of the visit."""
    return int(outcome.request.headers["User-Agent"].rpartition("/")[2])


def tell(fault, sent, figures, waited, floor):
    """Print what happened, in milliseconds."""
    times = "; ".join(
        f"{name} p50 {p50:.0f}, p99 {p99:.0f}, max {most:.0f}"
        for name, (p50, p99, most) in figures.items()
    )
    judged = "" if floor <= QUIET else ", TOO BUSY TO JUDGE TIMES"
    sys.stdout.write(
        f"\n{fault}: {sent} sent and stored once, in place after {waited:.0f} s; ms: {times}; "
        f"without a store p99 {floor:.0f}{judged}\n"
    )
