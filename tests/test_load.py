"""The L cases of the test catalogue that are about verdicts, in their short form.

What counts here is what is stored and counted in the end; speed is measured elsewhere.
"""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest
from deployment import FIREFOX, PUBLIC_URL, Deployment, at_once, settings, wait_until
from fault_proxy import FaultProxy

from devserver.backing import connection_string

SCANNER = {"User-Agent": FIREFOX, "X-Forwarded-For": "203.0.113.77"}
MESSAGES, LINKS = 24, 8
HTML = "".join(f'<a href="https://contoso.example/{n}">{n}</a> ' for n in range(LINKS))


class Watched:
    """A deployment whose requests to tables and queues are seen."""

    def __init__(self, azurite, spill, stack):
        blob, queue, table = azurite.ports
        self.table = stack.enter_context(FaultProxy(table))
        self.queue = stack.enter_context(FaultProxy(queue))
        data = connection_string((blob, self.queue.port, self.table.port))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))

    def fetch(self, urls, headers):
        """Fetch tracked URLs in this order, eight at a time; returns the statuses."""
        calls = [
            lambda url=url: (
                self.deployment.http.get(
                    self.deployment.url + url.removeprefix(PUBLIC_URL), headers=headers
                ).status_code
            )
            for url in urls
        ]
        return [
            status
            for start in range(0, len(calls), 8)
            for status in at_once(calls[start : start + 8])
        ]

    def inserts(self):
        """How many interactions were inserted by hits."""
        return sum(
            method == "POST" and "$batch" not in path and b'"5-interaction-' in body
            for method, path, body in self.table.seen
        )

    def requests_for_judgement(self):
        """How many messages hits put into the queue; those of the last look are hidden at first."""
        return sum(
            method == "POST" and "judgements/messages" in path and "visibilitytimeout=0" in path
            for method, path, _ in self.queue.seen
        )


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
    assert watched.inserts() == len(urls)

    def people():
        found = [message.kpis for message in messages]
        return sum(kpis["open_count"] + kpis["click_count"] for kpis in found)

    wait_until(lambda: people() == 0)
    assert all(
        [item["verdict"] for item in message.timeline] == ["automated"] * (LINKS + 1)
        for message in messages
    )
    # One for each message and minute, which may change once, and a few for what was told late.
    assert watched.requests_for_judgement() <= 5 * MESSAGES
    assert crm.call("GET", "/alerts", params={"user_id": "u-17"}).json()["items"] == []


def test_L2_one_address_that_selects_one_link_of_each_message_is_found_out(watched):
    crm = watched.deployment.new_crm()
    messages = [crm.sent() for _ in range(MESSAGES)]
    watched.fetch([message.link for message in messages], SCANNER)

    wait_until(lambda: sum(message.kpis["click_count"] for message in messages) == 0)
    assert sum(message.kpis["automated"]["click_count"] for message in messages) == MESSAGES


def test_L3_a_hot_message_is_stored_whole_and_counted_by_the_minute(watched):
    message = watched.deployment.new_crm().sent()
    gmail = (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    )
    fetches = 600

    assert watched.fetch([message.pixel] * fetches, {"User-Agent": gmail}) == [200] * fetches
    assert watched.inserts() == fetches
    # The minute may change once while the test runs, or twice on a slow machine.
    assert 1 <= message.kpis["open_count"] <= 3
    assert watched.requests_for_judgement() <= 3
    assert len(message.timeline) == fetches
