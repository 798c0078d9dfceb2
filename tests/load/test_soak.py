"""L6: a host under everything that it is for, and what it holds on to in the long run."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes

import pytest
from balance import settle
from deployment import PUBLIC_URL, SentMessage, recipient, wait_until
from traffic import Request, exchange, number_of, visit
from two_sizes import tell
from vitals import Watch, growth, vitals

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
#: Of a hundred requests.
OPENS, CLICKS, FILES, BAD_TOKENS = 50, 20, 5, 5
CONNECTIONS = 8
#: Messages that people still look at.
LATEST = 60
#: Number of the visits with bad tokens; one that is stored is nobody's.
BAD = 0
#: Threads: the event loop's, its pool for what blocks (as Python sizes it), and some of libraries.
MOST_THREADS = 4 + min(32, (os.cpu_count() or 1) + 4)
#: Seconds in which a host without callers closes what it had open for them.
REST = 30
#: Descriptors that may be more: connections to the stores that are in use, or used in turn.
POOLS = 8
#: Seconds until nothing is left to be done: a last look at each message, and rolling up.
QUIET = 300


@dataclass(frozen=True, slots=True)
class Size:
    """How long, and how strictly it is judged."""

    organizations: int
    #: int, requests before anything is judged, and those that are
    warm_up: int
    count: int
    per_second: float | None
    #: float, seconds between messages that are sent, and between looks at the process
    pause: float
    #: float, MiB that memory may grow by in the second half
    growth: float
    #: bool, whether descriptors at rest are compared; otherwise those under load
    rest: bool


#: Memories that are bounded fill up at first, and with each message; in full, half a KiB kept of
#: each request would be too much.
SHORT = Size(2, 80, 240, None, 0.1, growth=24, rest=False)
FULL = Size(10, int(240 * MINUTES), int(2_400 * MINUTES), 40, 1.0, growth=6, rest=True)


class Company:
    """Organizations that send all the time, and those who look at what they sent."""

    def __init__(self, host, organizations):
        self.host = host
        self.crms = [host.new_crm() for _ in range(organizations)]
        self.random = random.Random(6)  # noqa: S311 - any will do
        self.messages: list[SentMessage] = []
        self.latest: deque[SentMessage] = deque(maxlen=LATEST)
        self.mailed: list[str] = []
        self.visits = 0

    def send(self):
        """Draft a message with a file, and send it by the CRM, or each fourth by mail as well."""
        crm = self.crms[len(self.messages) % len(self.crms)]
        number = len(self.messages)
        record = recipient(f"ann{number}@fabrikam.example", name="Ann")
        message_id = crm.draft(subject=f"Soak {number}", recipients=[record])["id"]
        crm.attach(message_id)
        message = SentMessage(crm, crm.send(message_id))
        self.messages.append(message)
        self.latest.append(message)
        if number % 4 == 0:
            subject = f"Mailed {number}"
            crm.send(crm.draft(subject=subject)["id"], "smtp")
            self.mailed.append(subject)

    def requests(self, go_on):
        """What people and CRMs ask for while *go_on* says so."""
        while go_on():
            message, lot = self.random.choice(self.latest), self.random.randrange(100)
            for share, url in (
                (OPENS, message.pixel),
                (CLICKS, message.link),
                (FILES, message.file),
                (BAD_TOKENS, None),
            ):
                lot -= share
                if lot < 0:
                    yield self.visit(url) if url else self.bad(message)
                    break
            else:
                yield self.read(message)

    def visit(self, url):
        """Somebody who was not here before."""
        self.visits += 1
        return visit(url, self.visits)

    def bad(self, message):
        """A tracked URL of which one character is another."""
        url = self.random.choice([message.pixel, message.link, message.file])
        place = len(PUBLIC_URL) + 20
        return visit(url[:place] + ("A" if url[place] != "A" else "B") + url[place + 1 :], BAD)

    def read(self, message):
        """Something that the CRM shows."""
        crm = message.crm
        path = self.random.choice(
            [
                f"/messages/{message.id}",
                f"/messages/{message.id}/timeline",
                "/messages?page_size=20",
                "/kpis",
                "/alerts?user_id=u-17",
                "/settings",
            ]
        )
        return Request(
            f"/api/v1/organizations/{crm.organization_id}{path}",
            headers={"X-Api-Key": crm.api_key},
        )


@contextmanager
def selling(company, pause):
    """Send messages all the while; raises what a sending raised."""
    ended = threading.Event()

    def sell():
        while not ended.wait(pause):
            company.send()

    with ThreadPoolExecutor(1) as pool:
        sold = pool.submit(sell)
        yield
        ended.set()
        sold.result()


def quietest(pid):
    """The descriptors of a host that nobody calls, when it holds the fewest."""
    with Watch(pid, 0.5) as watch:
        time.sleep(REST)
    return min(each.descriptors for each in watch.seen)


def times(count):
    """What says so often that there is more to do."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def check_answers(outcomes):
    """Everything is answered as on a quiet day."""
    for outcome in outcomes:
        path, agent = outcome.request.path, outcome.request.headers.get("User-Agent")
        expected = 302 if path.startswith("/c/") else 200
        if agent and number_of(agent) == BAD and not path.startswith("/o/"):
            expected = 404
        assert outcome.status == expected, f"{path}: {outcome.status} {outcome.failure}"


def visits_of(outcomes):
    """Those of people, with good tokens."""
    agents = [(each, each.request.headers.get("User-Agent")) for each in outcomes]
    return [each for each, agent in agents if agent and number_of(agent) != BAD]


def subjects(mailbox):
    """How often each message came by mail."""
    return Counter(message_from_bytes(each.content)["Subject"] for each in mailbox.envelopes)


def in_tenths(seen):
    """Memory over the time, from its beginning to its end."""
    last = len(seen) - 1
    return " ".join(f"{seen[last * tenth // 10].memory:.0f}" for tenth in range(11))


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=pytest.mark.soak),
    ],
)
def test_L6_a_host_in_use_loses_nothing_and_holds_on_to_nothing(host, mailbox, size):
    company, pid = Company(host, size.organizations), host.process.pid
    company.send()

    def use(count):
        with selling(company, size.pause):
            requests = company.requests(times(count))
            return exchange(host.url, requests, CONNECTIONS, per_second=size.per_second)

    outcomes = use(size.warm_up)
    before = quietest(pid) if size.rest else vitals(pid).descriptors
    with Watch(pid, size.pause) as watch:
        outcomes += use(size.count)
    seen = watch.seen
    grown, threads = growth(seen[len(seen) // 2 :]), max(each.threads for each in seen)

    check_answers(outcomes)
    settled = settle(company.messages, visits_of(outcomes))
    wait_until(lambda: subjects(mailbox).keys() >= set(company.mailed))
    arrived = subjects(mailbox)
    tell(
        "L6",
        outcomes,
        **settled,
        messages=len(company.messages),
        mailed=len(company.mailed),
        memory=f"{in_tenths(seen)} MiB, {grown:+.1f} in the second half",
        descriptors=f"{before} before and {vitals(pid).descriptors} after",
        threads=threads,
    )
    assert [arrived[subject] for subject in company.mailed] == [1] * len(company.mailed)
    assert grown < size.growth
    assert threads <= MOST_THREADS
    wait_until(lambda: vitals(pid).descriptors <= before + POOLS, QUIET)
