"""Metrics, read from the log after the real thing has happened."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient
from certificates import make_certificate
from deployment import Deployment, ok, settings, wait_until
from fault_proxy import FaultProxy, healthy, only, refusing
from graph_fake import GraphFake, answer_lost
from graph_fake import refusing as graph_refusing
from office import Server
from receiver import Receiver
from told import metrics, told

from devserver.backing import connection_string, free_port
from engagement.domain.tracking.tracking_token import Kind
from engagement.services.tallying import PAUSE, Tally
from engagement.storage import keys
from engagement.storage.queues import Queue

SELLER = "seller@contoso.example"


class Plant:
    """A deployment with stores of its own, whose queues nobody takes from unless told."""

    def __init__(self, azurite, folder, stack):
        self.azurite, self.server = azurite, Server()
        mail = Controller(self.server, hostname="127.0.0.1", port=free_port())
        mail.start()
        stack.callback(mail.stop)
        self.graph = stack.enter_context(GraphFake(make_certificate(folder / "c.pem"), SELLER))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in self.graph.host_environment().items():
            patch.setenv(name, value)
        blob, queue, table = azurite.ports
        self.queues = stack.enter_context(FaultProxy(queue))
        self.tables = stack.enter_context(FaultProxy(table))
        environment = settings(
            connection_string((blob, self.queues.port, self.tables.port)),
            ENGAGEMENT_SMTP_HOST="127.0.0.1",
            ENGAGEMENT_SMTP_PORT=str(mail.port),
            ENGAGEMENT_SMTP_SECURITY="none",
            ENGAGEMENT_SPILL_FOLDER=str(folder / "spill"),
            **self.graph.settings(),
        )
        self.deployment = stack.enter_context(Deployment(environment))
        self.services = self.deployment.services

    def begin(self):
        """Begin a test: stores in order, nothing told lately, the queues there and empty."""
        self.tables.fault = self.queues.fault = healthy
        self.graph.reset()
        self.server.answer = "250 taken"
        recording = self.services.recording
        recording.tally = Tally()
        recording.table_breaker.succeeded()
        recording.queue_breaker.succeeded()
        for name in (*keys.QUEUES, *map(keys.poison, keys.QUEUES)):
            with self.queue(name) as client:
                with suppress(ResourceExistsError):
                    client.create_queue()
                client.clear_messages()

    def queue(self, name):
        """Open a queue, past the proxy."""
        return QueueClient.from_connection_string(self.azurite.connection_string, name)

    def idle(self):
        """Let nobody take anything from a queue."""
        self.queues.fault = only(_takes, refusing(503))

    def forget(self):
        """Let the minute pass in which a metric is not told again."""
        tally = self.services.recording.tally
        for series in (*tally.samples.values(), *tally.counts.values()):
            series.told_at = float("-inf")

    def send(self, crm, delivery):
        """Send a draft; whatever comes of it."""
        path = f"/messages/{crm.draft()['id']}/send"
        return crm.call("POST", path, json={"delivery": delivery})

    def watch(self, now=None):
        """Do what the timer does that watches the queues."""
        return self.deployment.run(self.services.watching.watch(now or datetime.now(UTC)))


def _takes(request):
    path = request.raw_path
    return request.method == "GET" and "/messages?" in path and "peekonly" not in path


@pytest.fixture(scope="module")
def premises(own_azurite, tmp_path_factory):
    """The deployment of these tests."""
    with ExitStack() as stack:
        yield Plant(own_azurite, tmp_path_factory.mktemp("plant"), stack)


@pytest.fixture
def plant(premises, caplog):
    """That deployment at the beginning of a test, whose log is read."""
    premises.begin()
    caplog.set_level("INFO", "engagement")
    return premises


def test_a_hit_tells_how_long_it_took_and_what_it_was_taken_for(plant, caplog):
    message = plant.deployment.new_crm().sent()
    plant.deployment.get(message.pixel)

    (lag,) = metrics(caplog, "interaction_lag_seconds")
    assert (lag["type"], lag["path"], lag["count"]) == ("open", "table", 1)
    assert 0 <= lag["value"] == lag["max"] < 60
    (verdicts,) = metrics(caplog, "verdicts")
    assert (verdicts["person"], verdicts["automated"], verdicts["unsure"]) == (1, 0, 0)


def test_many_hits_of_a_minute_are_told_in_one_line_and_none_is_left_out(plant, caplog):
    message = plant.deployment.new_crm().sent()
    for _ in range(5):
        plant.deployment.get(message.pixel)
    plant.deployment.get(message.pixel, headers={"User-Agent": "curl/8.5.0"})
    assert [line["count"] for line in metrics(caplog, "interaction_lag_seconds")] == [1]

    plant.forget()
    plant.deployment.get(message.pixel)
    counts = [line["count"] for line in metrics(caplog, "interaction_lag_seconds", type="open")]
    assert counts == [1, 6]
    kinds = ("person", "automated", "unsure")
    assert sum(line[kind] for line in metrics(caplog, "verdicts") for kind in kinds) == 7
    assert sum(line["automated"] for line in metrics(caplog, "verdicts")) >= 1


def test_an_interaction_that_waited_in_the_queue_tells_for_how_long(plant, caplog):
    message = plant.deployment.new_crm().sent()
    text = message.pixel.rpartition("/")[2].removesuffix(".gif")
    organization = plant.services.tracking.signer.verify(text, Kind.OPEN).organization
    plant.tables.fault = refusing(503)
    plant.deployment.get(message.pixel)
    plant.tables.fault = healthy
    wait_until(lambda: metrics(caplog, "interaction_lag_seconds", path="queue"))

    (lag,) = metrics(caplog, "interaction_lag_seconds", path="queue")
    assert (lag["type"], lag["count"]) == ("open", 1)
    assert told(caplog, "table_refused")
    assert organization not in lag.values()


def test_what_is_spilled_and_lost_is_told_at_once_and_its_lag_when_it_is_placed(plant, caplog):
    message = plant.deployment.new_crm().sent()
    recording = plant.services.recording
    plant.tables.fault = plant.queues.fault = refusing(503)
    plant.deployment.get(message.pixel)
    limit, recording.spill.limit_bytes = recording.spill.limit_bytes, 10
    plant.deployment.get(message.pixel)
    recording.spill.limit_bytes = limit

    assert [line["value"] for line in metrics(caplog, "spilled")] == [1]
    assert [line["value"] for line in metrics(caplog, "lost")] == [1]
    plant.tables.fault = plant.queues.fault = healthy
    wait_until(recording.spill.empty)
    # Placed in the background, where the host would drop what is told: the next hit tells it.
    assert metrics(caplog, "interaction_lag_seconds", path="spill") == []
    plant.forget()
    plant.deployment.get(message.pixel)
    (lag,) = metrics(caplog, "interaction_lag_seconds", path="spill")
    assert lag["value"] > 0


def test_bad_tokens_are_counted_and_not_told_one_by_one(plant, caplog):
    for number in range(20):
        plant.deployment.get(f"/o/{number}.gif")
        plant.deployment.get(f"/c/{number}")
    plant.forget()
    plant.deployment.get("/a/x/y")

    lines = metrics(caplog, "bad_tokens")
    assert len(lines) == 2
    totals = {kind: sum(x.get(kind, 0) for x in lines) for kind in ("open", "click", "attachment")}
    assert totals == {"open": 20, "click": 20, "attachment": 1}


def test_queues_tell_their_length_and_age_and_what_is_poison(plant, caplog):
    plant.idle()
    for name in ("interactions", "webhooks-poison"):
        with plant.queue(name) as client:
            client.send_message(base64.b64encode(b"{").decode())
            client.send_message(base64.b64encode(b"[]").decode())
    plant.queues.seen.clear()
    assert plant.watch(datetime.now(UTC) + timedelta(minutes=7)) == {"webhooks-poison": 2}
    # docs/data-model.md: one for each queue, and one more for each that holds something to be done.
    watched = [path for _, path, _ in plant.queues.seen if "comp=" in path or "peekonly" in path]
    assert len(watched) == 6 + 1

    lengths = {line["queue"]: line["value"] for line in metrics(caplog, "queue_length")}
    ages = {line["queue"]: line["value"] for line in metrics(caplog, "queue_age_seconds")}
    poison = {line["queue"]: line["value"] for line in metrics(caplog, "poison_count")}
    assert lengths == {"interactions": 2, "judgements": 0, "webhooks": 0}
    assert 7 * 60 <= ages.pop("interactions") < 8 * 60
    assert ages == {"judgements": 0, "webhooks": 0}
    assert poison == dict.fromkeys(map(keys.poison, keys.QUEUES), 0) | {"webhooks-poison": 2}


def test_what_waits_for_its_time_is_not_old_before_and_counts_from_then(plant, caplog):
    plant.idle()
    queue = plant.services.notifying.deliveries
    for record in ({"v": 1}, {"v": 1, "note": "<>&"}):
        plant.deployment.run(queue.put(json.dumps(record), 10.0, delay=3600))
    now = datetime.now(UTC)
    plant.watch(now)
    assert metrics(caplog, "queue_age_seconds", queue="webhooks")[0]["value"] == 0
    assert metrics(caplog, "queue_length", queue="webhooks")[0]["value"] == 2

    plant.deployment.run(queue.put(json.dumps({"v": 1}), 10.0, delay=1))
    wait_until(lambda: plant.deployment.run(queue.oldest(10.0)) is not None)
    oldest = plant.deployment.run(queue.oldest(10.0))
    assert timedelta(seconds=0) <= oldest - now <= timedelta(seconds=30)


def test_a_queue_that_is_not_there_or_does_not_answer_is_no_failure(plant, caplog):
    queue = Queue(plant.services.notifying.deliveries.wire, "never-made")
    assert plant.deployment.run(queue.oldest(10.0)) is None
    with plant.queue("interactions") as client:
        plant.idle()
        client.send_message(base64.b64encode(b"{}").decode())
    plant.queues.fault = only(lambda request: "peekonly" in request.raw_path, refusing(503))
    plant.watch()

    assert [line["queue"] for line in told(caplog, "queue_unreadable")] == ["interactions"]
    queues = [line["queue"] for line in metrics(caplog, "queue_age_seconds")]
    assert queues == ["judgements", "webhooks"]


@pytest.mark.parametrize(
    ("delivery", "answer", "outcome"),
    [
        ("crm", "250 taken", "sent"),
        ("smtp", "250 taken", "sent"),
        ("smtp", "550 no", "failed"),
        ("smtp", None, "unknown"),
        ("graph", None, "sent"),
        ("graph", graph_refusing(403, "ErrorAccessDenied"), "failed"),
        ("graph", answer_lost, "unknown"),
    ],
)
def test_each_delivery_tells_its_channel_and_outcome(plant, caplog, delivery, answer, outcome):
    if delivery == "graph":
        plant.graph.faults = [answer] if answer else []
    else:
        plant.server.answer = answer
    answered = plant.send(plant.deployment.new_crm(), delivery)

    assert answered.is_success == (outcome == "sent"), answered.text
    found = [(line["channel"], line["outcome"]) for line in metrics(caplog, "deliveries")]
    assert found == [(delivery, outcome)]


def test_a_scheduled_message_tells_each_try_and_the_end(plant, caplog):
    crm, now = plant.deployment.new_crm(), datetime.now(UTC)
    draft = crm.draft(send_at=(now + timedelta(hours=1)).isoformat())
    crm.send(draft["id"], "smtp")
    plant.server.answer = "451 later"
    for hours in (2, 4):
        at = now + timedelta(hours=hours)
        plant.deployment.run(plant.services.dispatching.run(lambda at=at: at, 10.0))
    plant.server.answer = "250 taken"
    at = now + timedelta(hours=6)
    plant.deployment.run(plant.services.dispatching.run(lambda: at, 10.0))

    found = [line["outcome"] for line in metrics(caplog, "deliveries", channel="smtp")]
    assert found == ["retried", "retried", "sent"]


def test_each_try_of_a_webhook_tells_its_outcome_and_not_where_it_led(plant, caplog):
    crm = plant.deployment.new_crm()
    with Receiver() as receiver:
        for status in (500, 410):
            receiver.answer(status)
        webhook = ok(crm.call("POST", "/webhooks", json={"url": receiver.url()}))["id"]
        crm.call("POST", f"/webhooks/{webhook}/test")
        wait_until(lambda: metrics(caplog, "deliveries", channel="webhook", outcome="retried"))
        crm.call("POST", f"/webhooks/{webhook}/test")
        wait_until(lambda: metrics(caplog, "deliveries", channel="webhook", outcome="failed"))
        with Receiver() as other:
            good = ok(crm.call("POST", "/webhooks", json={"url": other.url()}))["id"]
            crm.call("POST", f"/webhooks/{good}/test")
            wait_until(lambda: metrics(caplog, "deliveries", outcome="sent", webhook=good))
    (retried,) = metrics(caplog, "deliveries", outcome="retried")
    assert (retried["webhook"], retried["status"], retried["tries"]) == (webhook, 500, 1)


def test_a_tally_tells_the_first_at_once_then_what_a_minute_brought(caplog):
    caplog.set_level("INFO", "engagement")
    tally = Tally()
    tally.tell(0.0)
    assert caplog.records == []
    for at, value in ((0.0, 4.0), (1.0, 1.0), (2.0, 3.0)):
        tally.sample("lag", value, path="table")
        tally.count("seen", "open", kinds=("open", "click"))
        tally.tell(at)
    tally.tell(PAUSE - 0.1)
    tally.tell(PAUSE)
    tally.tell(3 * PAUSE)

    lags = [(x["value"], x["max"], x["count"], x["path"]) for x in metrics(caplog, "lag")]
    assert lags == [(4.0, 4.0, 1, "table"), (2.0, 3.0, 2, "table")]
    assert [(x["open"], x["click"]) for x in metrics(caplog, "seen")] == [(1, 0), (2, 0)]
