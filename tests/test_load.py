"""L2 and L3: what a scanner of a campaign, and a hot message, come to.

What counts here is what is stored and counted in the end; speed is measured elsewhere.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from balance import statuses
from deployment import FIREFOX, Deployment, ok, settings, wait_until
from fault_proxy import FaultProxy
from traffic import Request, exchange, visit
from two_sizes import sizes, tell

from devserver.backing import connection_string

SCANNER = {"User-Agent": FIREFOX, "X-Forwarded-For": "203.0.113.77"}
MESSAGES, LINKS = 24, 8
CONNECTIONS = 8
#: What KPIs say of those who are no people, or may be none.
MACHINES = ("unsure", "automated")
#: Seconds after which a verdict that a busy machine gave in a hurry has been put right: the last
#: look at a message comes after 65.
PUT_RIGHT = 120.0
HTML = "".join(f'<a href="https://contoso.example/{n}">{n}</a> ' for n in range(LINKS))


class Watched:
    """A deployment whose requests to queues are seen."""

    def __init__(self, azurite, spill, stack):
        blob, queue, table = azurite.ports
        self.queue = stack.enter_context(FaultProxy(queue))
        data = connection_string((blob, self.queue.port, table))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))
        #: int, how often somebody was told to try again
        self.refused = 0

    def fetch(self, urls, headers):
        """Fetch tracked URLs in this order, eight at a time; returns the outcomes.

        Again where a busy machine's answer is to try again (503): such are not stored.
        """
        requests, served = [Request(url, headers=headers) for url in urls], []
        for _ in range(5):
            outcomes = exchange(self.deployment.url, requests, CONNECTIONS)
            served += [outcome for outcome in outcomes if outcome.status != 503]
            requests = [outcome.request for outcome in outcomes if outcome.status == 503]
            self.refused += len(requests)
            if not requests:
                break
        return served

    def requests_for_judgement(self):
        """How many messages hits put into the queue; those of the last look are hidden at first."""
        return sum(
            method == "POST" and "judgements/messages" in path and "visibilitytimeout=0" in path
            for method, path, _ in self.queue.seen
        )


def verdicts(message):
    """How often each verdict was passed on a message's interactions."""
    return Counter(item["verdict"] for item in message.timeline)


def alerts_of(crm):
    """Messages that the seller has an alert of."""
    query = {"user_id": "u-17", "page_size": 200}
    page = ok(crm.call("GET", "/alerts", params=query))
    return {item["message"]["id"] for item in page["items"]}


def by_people(message):
    """The KPIs of a message that tell of people."""
    return {name: value for name, value in message.kpis.items() if name not in MACHINES}


@pytest.fixture
def watched(azurite, tmp_path):
    """A deployment of the test's own."""
    with ExitStack() as stack:
        yield Watched(azurite, tmp_path / "spill", stack)


@sizes("count,refused", short=(MESSAGES, 4 * MESSAGES), full=(500, 0))
def test_L2_a_scanner_of_a_whole_campaign_changes_nothing_of_what_people_did(
    watched, count, refused
):
    crm = watched.deployment.new_crm()
    messages = [crm.sent(html_body=HTML) for _ in range(count)]
    read, unread = messages[: count // 4], messages[count // 4 :]
    people = [visit(message.pixel, number) for number, message in enumerate(read)]
    exchange(watched.deployment.url, people, CONNECTIONS)
    wait_until(lambda: [message.kpis["open_count"] for message in read] == [1] * len(read))
    before = [by_people(message) for message in messages]
    urls = [url for message in messages for url in (message.pixel, *message.urls("c"))]
    random.Random(3).shuffle(urls)  # noqa: S311 - any order will do

    began = time.monotonic()
    outcomes = watched.fetch(urls, SCANNER)
    seconds = time.monotonic() - began

    assert statuses(outcomes) == {200: count, 302: LINKS * count}
    assert watched.refused <= refused
    # Each once, also those that a busy machine stored by way of the queue.
    for message, person in [*((x, 1) for x in read), *((x, 0) for x in unread)]:
        expected = Counter(automated=LINKS + 1, person=person)
        wait_until(lambda x=message, y=expected: verdicts(x) == y, PUT_RIGHT)
    assert [by_people(message) for message in messages] == before
    # One for each message and minute, which may change once, and a few for what was told late.
    asked = watched.requests_for_judgement()
    assert asked <= 5 * count
    # The seller hears of those who read, and of nobody else.
    assert alerts_of(crm) == {message.id for message in read}
    figures = {"stored": len(outcomes) + len(read), "judgements_asked_for": asked}
    tell(f"L2 in {seconds:.0f} s", outcomes, **figures, counted_as_people=len(read))


def test_L2_one_address_that_selects_one_link_of_each_message_is_found_out(watched):
    crm = watched.deployment.new_crm()
    messages = [crm.sent() for _ in range(MESSAGES)]
    watched.fetch([message.link for message in messages], SCANNER)

    for message in messages:
        wait_until(lambda m=message: m.kpis["automated"]["click_count"] == 1, PUT_RIGHT)
    assert sum(message.kpis["click_count"] for message in messages) == 0


@sizes("fetches", short=(600,), full=(5_000,))
def test_L3_a_hot_message_is_stored_whole_and_counted_by_the_minute(watched, fetches):
    message = watched.deployment.new_crm().sent()
    gmail = (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    )

    outcomes = watched.fetch([message.pixel] * fetches, {"User-Agent": gmail})

    assert statuses(outcomes) == {200: fetches}
    wait_until(lambda: len(message.timeline) == fetches)
    # The minute changes while the test runs, and more often on a busy machine.
    last, *_, first = (datetime.fromisoformat(item["at"]) for item in message.timeline)
    most = 3 + (last - first) // timedelta(minutes=1)
    assert 1 <= message.kpis["open_count"] <= most
    asked = watched.requests_for_judgement()
    assert asked <= most
    opens = message.kpis["open_count"]
    tell("L3", outcomes, stored=fetches, counted=opens, judgements_asked_for=asked)
