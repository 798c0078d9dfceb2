"""The L cases of the test catalogue that are about verdicts, in their short form.

What counts here is what is stored and counted in the end; speed is measured elsewhere.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from deployment import FIREFOX, PUBLIC_URL, Deployment, at_once, settings, wait_until
from fault_proxy import FaultProxy

from devserver.backing import connection_string

SCANNER = {"User-Agent": FIREFOX, "X-Forwarded-For": "203.0.113.77"}
MESSAGES, LINKS = 24, 8
HTML = "".join(f'<a href="https://contoso.example/{n}">{n}</a> ' for n in range(LINKS))


class Watched:
    """A deployment whose requests to queues are seen."""

    def __init__(self, azurite, spill, stack):
        blob, queue, table = azurite.ports
        self.queue = stack.enter_context(FaultProxy(queue))
        data = connection_string((blob, self.queue.port, table))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))

    def fetch(self, urls, headers):
        """Fetch tracked URLs in this order, eight at a time; returns the statuses."""
        calls = [lambda url=url: self.status(url, headers) for url in urls]
        return [
            status
            for start in range(0, len(calls), 8)
            for status in at_once(calls[start : start + 8])
        ]

    def status(self, url, headers):
        """Fetch a tracked URL, again where a busy machine's answer is to try again (503)."""
        path = url.removeprefix(PUBLIC_URL)
        calls = (
            self.deployment.http.get(self.deployment.url + path, headers=headers).status_code
            for _ in range(5)
        )
        return next((status for status in calls if status != 503), 503)

    def requests_for_judgement(self):
        """How many messages hits put into the queue; those of the last look are hidden at first."""
        return sum(
            method == "POST" and "judgements/messages" in path and "visibilitytimeout=0" in path
            for method, path, _ in self.queue.seen
        )


def verdicts(message):
    """The verdict on each interaction of a message."""
    return [item["verdict"] for item in message.timeline]


@pytest.fixture
def watched(azurite, tmp_path):
    """A deployment of the test's own."""
    with ExitStack() as stack:
        yield Watched(azurite, tmp_path / "spill", stack)


def test_L2_a_scanner_of_a_whole_campaign_changes_nothing_of_what_people_did(watched):
    crm = watched.deployment.new_crm()
    messages = [crm.sent(html_body=HTML) for _ in range(MESSAGES)]
    urls = [url for message in messages for url in (message.pixel, *message.urls("c"))]
    random.Random(3).shuffle(urls)  # noqa: S311 - any order will do

    statuses = watched.fetch(urls, SCANNER)
    assert sorted(set(statuses)) == [200, 302]
    # Each once, also those that a busy machine stored by way of the queue.
    for message in messages:
        wait_until(lambda message=message: verdicts(message) == ["automated"] * (LINKS + 1))
    counts = [message.kpis for message in messages]
    assert sum(kpis["open_count"] + kpis["click_count"] for kpis in counts) == 0
    # One for each message and minute, which may change once, and a few for what was told late.
    assert watched.requests_for_judgement() <= 5 * MESSAGES
    assert crm.call("GET", "/alerts", params={"user_id": "u-17"}).json()["items"] == []


def test_L2_one_address_that_selects_one_link_of_each_message_is_found_out(watched):
    crm = watched.deployment.new_crm()
    messages = [crm.sent() for _ in range(MESSAGES)]
    watched.fetch([message.link for message in messages], SCANNER)

    for message in messages:
        wait_until(lambda message=message: message.kpis["automated"]["click_count"] == 1)
    assert sum(message.kpis["click_count"] for message in messages) == 0


def test_L3_a_hot_message_is_stored_whole_and_counted_by_the_minute(watched):
    message = watched.deployment.new_crm().sent()
    gmail = (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    )
    fetches = 600

    assert watched.fetch([message.pixel] * fetches, {"User-Agent": gmail}) == [200] * fetches
    wait_until(lambda: len(message.timeline) == fetches)
    # The minute changes while the test runs, and more often on a busy machine.
    last, *_, first = (datetime.fromisoformat(item["at"]) for item in message.timeline)
    most = 3 + (last - first) // timedelta(minutes=1)
    assert 1 <= message.kpis["open_count"] <= most
    assert watched.requests_for_judgement() <= most
