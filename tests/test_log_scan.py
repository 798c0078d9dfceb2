"""S15: a day of use in which everything fails, and a log that names nobody and opens nothing."""

from __future__ import annotations

import base64
import json
import logging
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from aiosmtpd.controller import Controller
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient
from certificates import make_certificate
from deployment import (
    ADMIN_KEY,
    SIGNING_KEY,
    Deployment,
    SentMessage,
    build_app,
    ok,
    recipient,
    settings,
    wait_until,
)
from fault_proxy import FaultProxy, hanging, healthy, only, refusing
from graph_fake import GraphFake, answer_lost
from graph_fake import refusing as graph_refusing
from log_scan import FORBIDDEN, Log, scan
from receiver import Receiver

from devserver.backing import connection_string, free_port
from engagement import telemetry
from engagement.domain.tracking.tracking_token import Kind
from engagement.errors import TriggerError

SUBJECT, FILE, NAME = "Takeover of Umbrella", "salaries-2026.pdf", "Wilhelmina Quux"
RECIPIENT, SELLER = "wilhelmina@umbrella.example", "seller@contoso.example"
PASSWORD = "the-mail-servers-password"
SECRETS = (
    SUBJECT,
    FILE,
    NAME,
    "wilhelmina",
    "umbrella",
    "hooked",
    PASSWORD,
    ADMIN_KEY,
    SIGNING_KEY,
)
HTML = '<p>Dear Wilhelmina, <a href="https://umbrella.example/takeover?price=9">read</a></p>'
HOSTILE = {
    "User-Agent": f"Mozilla/5.0 {RECIPIENT} 203.0.113.9 eng_0a0b0c0d_secret",
    "X-Forwarded-For": "203.0.113.9, 2001:db8:1:2::7, not-an-address",
    "Referer": f"https://mail.umbrella.example/?to={RECIPIENT}",
    "Sec-Purpose": "prefetch",
    "Range": "bytes=0-0",
}


class Server:
    """A mail server whose refusals quote whom they are about."""

    answer = "250 taken"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answer.startswith("550"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        if self.answer is None:
            server.transport.abort()
        return self.answer


class Day:
    """A deployment all of whose surroundings can be made to fail."""

    def __init__(self, azurite, folder, stack):
        self.azurite, self.server = azurite, Server()
        mail = Controller(self.server, hostname="127.0.0.1", port=free_port())
        mail.start()
        stack.callback(mail.stop)
        self.graph = stack.enter_context(GraphFake(make_certificate(folder / "c.pem"), SELLER))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in self.graph.host_environment().items():
            patch.setenv(name, value)
        self.blobs, self.queues, self.tables = (
            stack.enter_context(FaultProxy(port)) for port in azurite.ports
        )
        environment = settings(
            connection_string((self.blobs.port, self.queues.port, self.tables.port)),
            ENGAGEMENT_SMTP_HOST="127.0.0.1",
            ENGAGEMENT_SMTP_PORT=str(mail.port),
            ENGAGEMENT_SMTP_SECURITY="none",
            ENGAGEMENT_SMTP_PASSWORD=PASSWORD,
            ENGAGEMENT_SPILL_FOLDER=str(folder / "spill"),
            ENGAGEMENT_STREAM_LIMIT_BYTES="100",
            **self.graph.settings(),
        )
        running = Deployment(environment, visibilityTimeout="00:00:00")
        self.deployment = stack.enter_context(running)
        self.services = running.services
        self.crm = running.new_crm()
        self.functions = {
            one.get_function_name(): one.get_user_function()
            for one in build_app(self.services).get_functions()
        }

    def draft(self, **fields):
        """Make a draft whose every word is a secret."""
        everybody = [recipient(RECIPIENT, name=NAME)]
        return self.crm.draft(subject=SUBJECT, html_body=HTML, recipients=everybody, **fields)["id"]

    def try_to_send(self, delivery, **fields):
        """Send such a draft, whatever comes of it."""
        path = f"/messages/{self.draft(**fields)}/send"
        return self.crm.call("POST", path, json={"delivery": delivery})

    def put(self, queue, record):
        """Put a record into a queue."""
        with QueueClient.from_connection_string(self.azurite.connection_string, queue) as client:
            with suppress(ResourceExistsError):
                client.create_queue()
            client.send_message(base64.b64encode(record.encode()).decode())

    def poison(self, queue):
        """Count what was given up in a queue."""
        name = f"{queue}-poison"
        with QueueClient.from_connection_string(self.azurite.connection_string, name) as client:
            with suppress(ResourceExistsError):
                client.create_queue()
            return client.get_queue_properties().approximate_message_count

    def tick(self, name):
        """Run a timer, as the host does; whether it succeeded."""
        try:
            self.deployment.run(self.functions[name](None))
        except TriggerError:
            return False
        return True

    # What happens that day.

    def follow(self):
        """Follow a message with a large file, and visit it in friendly and in hostile ways."""
        message_id = self.draft()
        self.crm.attach(message_id, FILE, b"%PDF-1.7" + b"x" * 200)
        self.message = SentMessage(self.crm, self.crm.send(message_id))
        urls = (self.message.pixel, self.message.link, self.message.file)
        for url in urls:
            assert self.deployment.get(url).status_code in (200, 302)
            self.deployment.get(url, headers=HOSTILE)
            self.deployment.request("HEAD", url)
            self.deployment.request("POST", url, content=RECIPIENT)
            self.deployment.get(url[:-12] + "AAAAAAAAAAAA")
            self.deployment.get(url.replace("/o/", "/c/"))
        for path in (f"/c/{RECIPIENT}", "/o/2001:db8:1:2::7.gif", f"/a/{'A' * 60}/{FILE}"):
            self.deployment.get(path, headers=HOSTILE)
        self.crm.call("POST", f"/messages/{message_id}/replies", json={"sender": RECIPIENT})

    def intrude(self):
        """Call the API without the right key, and with what cannot be understood."""
        keys = (
            {"X-Api-Key": f"eng_00000000_{'A' * 43}"},
            {"Authorization": "Bearer eyJhbGciOi.e30"},
        )
        for headers in keys:
            assert self.crm.call("GET", "/messages", headers={"X-Api-Key": "", **headers}).is_error
        self.crm.call("POST", "/messages", content=f'{{"subject": "{SUBJECT}"'.encode())
        self.crm.call("GET", f"/messages/{RECIPIENT}")

    def mail(self):
        """Send through servers that take, refuse, put off, and hang up; and when it is due."""
        assert self.try_to_send("smtp").is_success
        for answer in (
            f"550 no such user <{RECIPIENT}>",
            f"451 {RECIPIENT} later, from 10.1.2.3",
            None,
        ):
            self.server.answer = answer
            assert self.try_to_send("smtp").is_error
        assert self.try_to_send("graph").is_success
        quoting = graph_refusing(403, "ErrorAccessDenied", message=f"{SELLER} at 10.1.2.3")
        for fault in (quoting, answer_lost):
            self.graph.faults = [fault]
            assert self.try_to_send("graph").is_error
        soon = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
        self.server.answer = f"451 {RECIPIENT} later"
        ok(self.try_to_send("smtp", send_at=soon))
        later = datetime.now(UTC) + timedelta(hours=1)
        self.deployment.run(self.services.dispatching.run(lambda: later, 10.0))

    def hook(self, receiver):
        """Tell endpoints that take, refuse while quoting, and are not there."""
        for path in ("/hooked?key=s", "/gone-hooked"):
            ok(self.crm.call("POST", "/webhooks", json={"url": receiver.url(path=path)}))
        ok(
            self.crm.call(
                "POST", "/webhooks", json={"url": f"http://127.0.0.1:{free_port()}/hooked"}
            )
        )
        for status in (500, 204, 410):
            receiver.answer(status, body=RECIPIENT.encode())
        self.crm.sent(subject=SUBJECT)
        wait_until(lambda: len(receiver.requests) > 1)

    def break_stores(self):
        """Let every store refuse, hang and vanish while somebody calls."""
        for fault in (refusing(503), refusing(403)):
            self.tables.fault = self.queues.fault = self.blobs.fault = fault
            self.deployment.get(self.message.pixel, headers=HOSTILE)
            self.deployment.get(self.message.file)
            self.crm.call("GET", f"/messages/{self.message.id}")
        # The host's own polling is no matter of ours.
        self.tables.fault = self.queues.fault = only(lambda x: x.method == "POST", hanging)
        self.services.recording.table_breaker.succeeded()
        self.deployment.get(self.message.pixel)
        self.tables.refuse()
        self.services.tracking.links.values.clear()
        self.services.recording.spill.limit_bytes = 10
        self.deployment.get(self.message.link)
        self.deployment.get(self.message.pixel)
        assert not self.tick("roll_up")
        assert not self.tick("sweep")
        self.tables.accept()
        self.tables.fault = self.queues.fault = self.blobs.fault = healthy

    def corrupt(self):
        """Store what nobody can read, and put it into the queues."""
        text = self.message.pixel.rpartition("/")[2].removesuffix(".gif")
        key = self.services.tracking.signer.verify(text, Kind.OPEN).organization
        data = self.azurite.connection_string
        with TableClient.from_connection_string(data, f"org{key}") as table:
            head = table.get_entity(self.message.id, "0-head")
            table.update_entity({**head, "status": RECIPIENT})
            row = {"PartitionKey": "settings", "RowKey": "settings", "rules": f"{{{RECIPIENT}"}
            table.upsert_entity(row)
        self.services.tracking.observing.wishes.forget(key)
        self.services.recording.table_breaker.succeeded()
        self.deployment.get(self.message.pixel)
        # Not by the client of the tests, to which a fault of ours is none of the answers.
        path = f"/api/v1/organizations/{self.crm.organization_id}/messages/{self.message.id}"
        failed = httpx.get(
            f"{self.deployment.url}{path}", headers={"X-Api-Key": self.crm.api_key}, timeout=60
        )
        assert failed.status_code == 500
        wrong = json.dumps({"v": 1, "organization": RECIPIENT, "note": SUBJECT})
        for queue in ("interactions", "judgements", "webhooks"):
            for record in (wrong, f"{{{RECIPIENT}"):
                self.put(queue, record)
            # Judging what cannot be read may fail as well.
            wait_until(lambda name=queue: self.poison(name) >= 2)
        assert self.tick("watch_queues")


@pytest.fixture(scope="module")
def log(own_azurite, tmp_path_factory):
    """What was logged on a day of use and of failures."""
    with Log() as kept, ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        day = Day(own_azurite, tmp_path_factory.mktemp("day"), stack)
        day.follow()
        day.intrude()
        day.mail()
        day.hook(receiver)
        day.break_stores()
        day.corrupt()
    return kept


def events(log):
    """Events that were told, and the metrics among them by their names."""
    lines = [line.partition(": ")[2] for line in log.lines if line.startswith("engagement: ")]
    values = [json.loads(line) for line in lines]
    return {value["name"] if value["event"] == "metric" else value["event"] for value in values}


def test_S15_a_day_of_use_and_failures_leaves_nobodys_data_in_the_log(log):
    found = {line: scan(line, *SECRETS) for line in log.lines}
    assert {line: kinds for line, kinds in found.items() if kinds} == {}


def test_S15_that_day_told_of_what_happened(log):
    assert events(log) >= {
        "request_failed",
        "function_failed",
        "settings_failed",
        "table_refused",
        "poison",
        "interaction_lag_seconds",
        "verdicts",
        "bad_tokens",
        "deliveries",
        "spilled",
        "lost",
        "queue_length",
        "queue_age_seconds",
        "poison_count",
    }


def test_S15_every_record_of_ours_is_one_line_of_json_with_its_event_first(log):
    own = [line.partition(": ")[2] for line in log.lines if line.startswith("engagement: ")]
    assert len(own) > 50
    assert [line for line in own if not line.startswith('{"event": "') or "\n" in line] == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("an e-mail address", f"refused <{RECIPIENT}>"),
        ("an e-mail address", "GET /users/seller%40contoso.example/sendMail"),
        ("an IPv4 address", "cannot connect to 10.0.0.7:443"),
        ("an IPv6 address", "peer 2001:db8:1:2::7"),
        ("an IPv6 address", "peer fe80::1"),
        ("a tracking token", "token " + "aB3_" * 15),
        ("a tracked URL", "GET /o/" + "aB3_" * 15 + ".gif"),
        ("an API key", "key eng_0a0b0c0d_xyz"),
        ("a signed address", "blob?se=2026&sig=abc%3D"),
        ("a bearer token", "Authorization: Bearer abc"),
        ("a bearer token", "eyJhbGciOiJSUzI1NiJ9.e30.x"),
        ("a webhook's secret", "whsec_abc"),
        ("a connection string", "AccountName=a;AccountKey=b"),
        ("a URL", "posted to https://crm.contoso.example/hook"),
    ],
)
def test_S15_the_scan_finds_what_is_planted(kind, text):
    assert kind in scan(json.dumps({"event": "x", "text": text}))
    assert FORBIDDEN.keys() >= {kind}


def test_S15_the_scan_finds_what_a_careless_record_tells(log):
    with Log() as careless:
        logging.getLogger("engagement").warning("mail to %s failed", RECIPIENT, extra={"x": 1})
        try:
            int(RECIPIENT)
        except ValueError:
            logging.getLogger("engagement.new").exception("it failed")
        telemetry.info("mail_failed", to=RECIPIENT)
    naive, trace, told = careless.lines
    assert "an e-mail address" in scan(naive, *SECRETS)
    assert "an e-mail address" in scan(trace, *SECRETS)
    assert scan(told, *SECRETS) == []
