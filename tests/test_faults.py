"""The F cases of the test catalogue: what the public path does while its stores fail."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import ExitStack

import pytest
from azure.data.tables import TableClient
from deployment import Deployment, settings, wait_until
from fault_proxy import FaultProxy, answer_lost, first, hanging, only, refusing
from told import metrics

from devserver.backing import connection_string
from engagement.domain.tracking.tracking_token import Kind


class Faulty:
    """A deployment whose tables, blobs and queues can be made to fail."""

    def __init__(self, azurite, spill, stack, *, judges=True):
        blob, queue, table = (stack.enter_context(FaultProxy(port)) for port in azurite.ports)
        self.blobs, self.queues, self.tables = blob, queue, table
        if not judges:
            # It puts into the queues, and takes nothing from them.
            queue.fault = only(lambda request: request.method == "GET", refusing(503))
        data = connection_string((blob.port, queue.port, table.port))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))
        self.recording = self.deployment.services.recording
        self.message = self.deployment.new_crm().sent()

    def open(self):
        """Fetch the pixel, which has to be the image whatever happens."""
        answer = self.deployment.get(self.message.pixel)
        assert (answer.status_code, len(answer.content)) == (200, 43)
        return answer

    def opens(self):
        """Count the opens that are stored; those of one reader within a minute are one KPI."""
        return len(self.message.acts("open"))

    def set(self, fault):
        """Let tables and queues fail alike."""
        self.tables.fault = self.queues.fault = fault

    def appends(self):
        """Bodies of the message's interactions that reached the table, in order."""
        return [
            body
            for method, path, body in self.tables.seen
            if method == "POST"
            and "$batch" not in path
            and b"5-interaction-" in body
            # Functions of this deployment take what other tests left in the queues, too.
            and self.message.id.encode() in body
        ]

    def queued(self, queue):
        """Records about the message that reached a queue, in order."""
        texts = [
            base64.b64decode(body.split(b"MessageText>")[1].removesuffix(b"</")).decode()
            for method, path, body in self.queues.seen
            if method == "POST" and f"/{queue}/messages" in path
        ]
        # What could not be dealt with is put back, and that is no other record.
        return [text for text in texts if self.message.id in text and '"tries"' not in text]

    def markers(self):
        """Rows that say in which minutes a message of the organization changed."""
        text = self.message.pixel.rpartition("/")[2].removesuffix(".gif")
        token = self.deployment.services.tracking.signer.verify(text, Kind.OPEN)
        data = self.deployment.environment["ENGAGEMENT_DATA"]
        with TableClient.from_connection_string(data, f"org{token.organization}") as table:
            query = "PartitionKey ge 'changed-' and PartitionKey lt 'changed.'"
            return list(table.query_entities(query))

    def deliver(self, record, times=1):
        """Have the queue function take an interaction's record, so many times at once."""

        async def take_all():
            await asyncio.gather(*(self.recording.take(record) for _ in range(times)))

        self.deployment.run(take_all())


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
def test_F3_a_failing_table_is_asked_at_most_twice_for_each_interaction(faulty, status):
    faulty.open()
    faulty.tables.seen.clear()
    faulty.tables.fault = only(lambda request: request.method == "POST", refusing(status, "60"))
    for _ in range(8):
        faulty.open()
    tries = [json.loads(body)["RowKey"] for body in faulty.appends()]
    # The queue's function tries as well; what counts here is what a recipient waits for.
    assert all(tries.count(key) <= 2 + 5 for key in tries)
    assert not faulty.recording.table_breaker.closed

    faulty.tables.fault = first(0, refusing(status))
    wait_until(lambda: faulty.opens() == 9)


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


@pytest.mark.parametrize("status", [401, 403, 409])
def test_a_store_that_refuses_the_app_is_no_error_of_the_visitors(faulty, status):
    faulty.tables.fault = only(lambda request: request.method == "GET", refusing(status))
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


def test_F11_with_table_and_queue_down_interactions_wait_on_disk(faulty):
    faulty.tables.refuse()
    faulty.queues.refuse()
    for _ in range(6):
        faulty.open()
    assert not faulty.recording.spill.empty()
    assert faulty.recording.lost == 0

    faulty.tables.accept()
    faulty.queues.accept()
    wait_until(lambda: faulty.opens() == 6)
    wait_until(faulty.recording.spill.empty)


def test_F11_a_hanging_table_and_queue_still_answer_the_pixel(faulty):
    faulty.set(hanging)
    for _ in range(4):
        faulty.open()
    assert not faulty.recording.spill.empty()

    faulty.set(first(0, hanging))
    wait_until(lambda: faulty.opens() == 4)


def test_F11_a_full_disk_is_counted_and_never_silent(faulty, caplog):
    caplog.set_level("INFO")
    faulty.recording.spill.limit_bytes = 10
    faulty.tables.refuse()
    faulty.queues.refuse()
    faulty.open()
    assert faulty.recording.lost == 1
    assert [line["value"] for line in metrics(caplog, "lost")] == [1]
    faulty.tables.accept()
    faulty.queues.accept()


def test_F11_what_an_earlier_process_spilled_is_placed_by_the_next(azurite, tmp_path):
    with ExitStack() as stack:
        before = Faulty(azurite, tmp_path, stack)
        before.tables.refuse()
        before.queues.refuse()
        before.open()
        message, organization = before.message, before.message.crm
        before.queues.accept()
    assert list(tmp_path.iterdir())

    environment = settings(azurite.connection_string, ENGAGEMENT_SPILL_FOLDER=str(tmp_path))
    with Deployment(environment) as after:
        organization.deployment = after
        after.get(message.pixel)
        wait_until(lambda: len(message.acts("open")) == 2)
        wait_until(after.services.recording.spill.empty)


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
