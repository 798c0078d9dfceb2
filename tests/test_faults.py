"""The F cases of the test catalogue: what the public path does while its stores fail."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest
from deployment import Deployment, settings, wait_until
from fault_proxy import answer_lost, cut, duplicated, first, hanging, healthy, only, refusing
from faulty import Faulty


@pytest.fixture
def faulty(azurite, tmp_path):
    """A deployment of the test's own, behind fault proxies."""
    with ExitStack() as stack:
        yield Faulty(azurite, tmp_path / "spill", stack)


@pytest.fixture
def serving(azurite, tmp_path):
    """The same, where no function disturbs: everything that the stores see is of the test."""
    with ExitStack() as stack:
        yield Faulty(azurite, tmp_path / "spill", stack, judges=False)


def test_a_hit_costs_one_table_write_and_one_request_for_judgement_a_minute(serving):
    serving.open()
    assert len(serving.queued("judgements")) == 1
    serving.tables.seen.clear()
    serving.queues.seen.clear()
    for _ in range(20):
        serving.open()

    assert len(serving.tables.seen) == len(serving.appends()) == 20
    # The host makes its queues again whenever it comes back to them.
    asked = [
        path for method, path, _ in serving.queues.seen if method != "GET" and "/messages" in path
    ]
    # The minute may change once while the test runs.
    assert len(asked) == len(serving.queued("judgements")) <= 1
    assert serving.opens() == 21
    assert 1 <= serving.message.kpis["open_count"] <= 2


def test_whoever_judges_a_message_marks_it_as_changed_in_that_minute(faulty):
    def versions():
        return {marker.metadata["etag"] for marker in faulty.markers()}

    sent = versions()
    assert len(sent) == 1
    faulty.open()
    wait_until(lambda: versions() - sent)
    assert {marker["RowKey"] for marker in faulty.markers()} == {faulty.message.id}


def test_a_hit_that_tells_something_of_earlier_ones_has_them_judged_at_once(serving):
    html = "".join(f'<a href="https://contoso.example/{number}">x</a>' for number in range(3))
    serving.message = serving.message.crm.sent(html_body=html)
    first, second, third = serving.message.urls("c")
    for url in (first, first, second):
        serving.deployment.get(url)
    before = len(serving.queued("judgements"))
    # The minute may change once while the test runs.
    assert 1 <= before <= 2

    serving.deployment.get(third)
    assert len(serving.queued("judgements")) > before
    assert len(serving.message.acts("click")) == 4


def test_with_only_the_queue_down_an_interaction_is_stored_and_judged_afterwards(faulty):
    faulty.queues.refuse()
    for _ in range(3):
        assert faulty.deployment.get(faulty.message.link).status_code == 302
    assert [item["type"] for item in faulty.message.timeline] == ["click"] * 3
    assert not faulty.recording.spill.empty()
    assert faulty.recording.lost == 0

    faulty.queues.accept()
    wait_until(faulty.recording.spill.empty)
    # Judged: what the clicks tell of is there, and nothing is there twice.
    wait_until(lambda: faulty.message.timeline != faulty.message.acts())
    assert [item["type"] for item in faulty.message.acts()] == ["click"] * 3


def test_a_click_reads_its_link_once_for_each_instance(faulty):
    for _ in range(5):
        assert faulty.deployment.get(faulty.message.link).status_code == 302

    reads = [path for method, path, _ in faulty.tables.seen if method == "GET" and "3-link" in path]
    assert len(reads) == 1


def test_F1_a_refusing_table_sends_interactions_through_the_queue(faulty):
    faulty.tables.refuse()
    for _ in range(5):
        faulty.open()
    assert len(faulty.queued("interactions")) == 5

    faulty.tables.accept()
    wait_until(lambda: faulty.opens() == 5)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_F3_a_failing_table_is_asked_at_most_twice_for_each_interaction(serving, status):
    serving.open()
    serving.tables.fault = only(lambda request: request.method == "POST", refusing(status, "60"))
    serving.tables.seen.clear()
    for _ in range(8):
        serving.open()
    tries = [json.loads(body)["RowKey"] for body in serving.appends()]
    assert tries
    assert all(tries.count(key) <= 2 for key in tries)
    # Three failures in a row are enough to know; each is kept in the queue.
    assert len(set(tries)) == 3
    assert len(serving.queued("interactions")) == 8

    serving.set(healthy)
    wait_until(lambda: serving.opens() == 9)


def test_F2_a_hanging_table_costs_one_recipient_two_seconds_and_the_others_nothing(serving):
    serving.deployment.get(serving.message.link)
    serving.tables.fault = hanging
    serving.open()
    assert not serving.recording.table_breaker.closed
    asked = len(serving.appends())
    for _ in range(5):
        serving.open()
    # Nobody waits for a store that is known to be down: no further append was tried.
    assert len(serving.appends()) == asked

    click = serving.deployment.get(serving.message.link)
    assert click.status_code == 302

    serving.set(first(0, hanging))
    wait_until(lambda: serving.opens() == 6)


def test_F2_a_click_whose_link_is_not_known_asks_to_try_again(faulty):
    faulty.tables.fault = hanging
    answer = faulty.deployment.get(faulty.message.link)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert b"try again" in answer.content


@pytest.mark.parametrize("status", [401, 403, 409, 429, 503])
def test_F3_F19_a_store_that_refuses_the_app_is_no_error_of_the_visitors(faulty, status):
    # Nobody waits for as long as the store asks for.
    faulty.tables.fault = only(lambda request: request.method == "GET", refusing(status, "60"))
    answer = faulty.deployment.get(faulty.message.link)

    assert answer.status_code == 503
    assert b"try again" in answer.content
    faulty.open()
    assert len(faulty.appends()) == 1


def test_what_an_organization_switched_off_stays_off_while_the_table_hangs(faulty):
    crm, wishes = faulty.message.crm, faulty.deployment.services.tracking.observing.wishes
    crm.call("PATCH", "/settings", json={"follow": {"enabled": False}})
    faulty.open()
    assert faulty.appends() == []

    # The memory of it is stale now, and cannot be refreshed.
    assert len(wishes.values) == 1
    for key, (_, value) in list(wishes.values.items()):
        wishes.values[key] = (0.0, value)
    faulty.tables.fault = only(lambda request: request.method == "GET", hanging)
    faulty.open()
    assert faulty.appends() == []


def test_F4_an_interaction_whose_answer_was_lost_counts_once(serving):
    serving.open()
    serving.tables.fault = only(lambda request: request.method == "POST", first(2, answer_lost))
    serving.open()

    keys = [json.loads(body)["RowKey"] for body in serving.appends()]
    assert len(keys) > len(set(keys))
    assert serving.opens() == 2
    # Nobody knows that it was stored: it comes once more, through the queue.
    (record,) = serving.queued("interactions")
    serving.deliver(record)
    assert serving.opens() == 2


def test_F6_a_queued_interaction_that_is_delivered_ten_times_at_once_is_one(serving):
    serving.tables.refuse()
    serving.open()
    serving.tables.accept()
    (record,) = serving.queued("interactions")
    serving.deliver(record, 10)

    assert serving.opens() == 1


def test_F6_what_reaches_the_stores_twice_is_stored_once_and_is_no_failure(serving):
    serving.set(duplicated)
    for _ in range(3):
        serving.open()

    keys = [json.loads(body)["RowKey"] for body in serving.appends()]
    assert len(keys) == len(set(keys)) == 3
    assert serving.opens() == 3
    # The second delivery was answered by a conflict, which says that it is there.
    assert serving.queued("interactions") == []
    assert serving.recording.table_breaker.closed


def test_F4_an_answer_that_breaks_off_is_asked_for_again_and_the_interaction_counts_once(serving):
    serving.open()
    serving.tables.fault = only(lambda request: request.method == "POST", first(1, cut))
    serving.open()

    keys = [json.loads(body)["RowKey"] for body in serving.appends()]
    assert len(keys) == len(set(keys)) + 1
    assert serving.opens() == 2
    assert serving.queued("interactions") == []


def test_F20_a_restart_of_the_store_needs_none_of_the_app(own_azurite, tmp_path):
    environment = settings(own_azurite.connection_string, ENGAGEMENT_SPILL_FOLDER=str(tmp_path))
    with Deployment(environment) as deployment:
        message = deployment.new_crm().sent()
        for _ in range(5):
            deployment.get(message.pixel)
        own_azurite.stop()
        for _ in range(5):
            assert deployment.get(message.pixel).status_code == 200
        own_azurite.start()
        own_azurite.wait()
        for _ in range(5):
            deployment.get(message.pixel)
        wait_until(lambda: len(message.acts("open")) == 15)
