"""F21: while a newer version is deployed, instances of this one meet what it has made."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient
from deployment import Deployment, ok, settings, wait_until
from entra_fake import KIM
from functions.strangers import IMAGE, said
from shelf import an_open
from told import told

from engagement.domain.tracking.tracking_token import PAYLOAD, VERSION, TokenSigner
from engagement.functions.public import NOT_FOUND
from engagement.storage import keys
from engagement.storage.interaction_records import RECORD_VERSION, record_of
from engagement.storage.interaction_rows import entity_of

KEY = b"k" * 32


class Older:
    """A deployment with stores of its own, that gives up at once what it cannot read."""

    def __init__(self, azurite, folder, stack):
        self.data = azurite.connection_string
        environment = settings(self.data, ENGAGEMENT_SPILL_FOLDER=str(folder))
        running = Deployment(environment, visibilityTimeout="00:00:00")
        self.deployment = stack.enter_context(running)
        self.crm = running.new_crm()

    def queue(self, name):
        """Open a queue; it is made if need be."""
        client = QueueClient.from_connection_string(self.data, name)
        with suppress(ResourceExistsError):
            client.create_queue()
        return client


@pytest.fixture(scope="module")
def older(own_azurite, tmp_path_factory):
    """The deployment of these tests."""
    with ExitStack() as stack:
        yield Older(own_azurite, tmp_path_factory.mktemp("older"), stack)


def newer(url):
    """Return tracked URLs like *url*, as versions and keys to come may make them."""
    token = said(url)
    head, kind, text = url.rsplit("/", 2)[0], url.split("/")[-2], url.split("/")[-1]
    if "/a/" in url:
        head, kind, text = url.split("/a/")[0], "a", url.split("/a/")[1]
    text, end = text[:60], text[60:]
    signer = TokenSigner({1: KEY, 2: b"n" * 32})
    raw = base64.urlsafe_b64decode(text)
    payload = bytes([VERSION + 1]) + raw[1 : PAYLOAD.size]
    signed = payload + signer._mac(1, token.kind, payload)
    tokens = {
        "key": signer.sign(token),
        "version": base64.urlsafe_b64encode(signed).decode(),
        "length": text + "AAAA" * 5,
    }
    return {name: f"{head}/{kind}/{made}{end}" for name, made in tokens.items()}


@pytest.mark.parametrize("what", ["key", "version", "length"])
def test_F21_a_token_of_a_newer_version_or_key_gets_the_neutral_answer(older, what, caplog):
    caplog.set_level("INFO", "engagement")
    message = older.crm.sent_with_attachment()
    pixel, click, file = (newer(url)[what] for url in (message.pixel, message.link, message.file))

    assert older.deployment.get(pixel).content == IMAGE
    for url in (click, file):
        answer = older.deployment.get(url)
        assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert message.timeline == []
    assert [x for x in caplog.records if x.levelname in ("WARNING", "ERROR")] == []
    assert not told(caplog, "request_failed")


@pytest.mark.parametrize("name", keys.QUEUES)
def test_F21_a_record_of_a_newer_version_is_kept_as_it_is_for_who_can_read_it(older, name):
    record = json.dumps({"v": RECORD_VERSION + 1, "organization": "0" * 16, "new": [1, "ü"]})
    content = base64.b64encode(record.encode()).decode()
    with older.queue(name) as queue, older.queue(keys.poison(name)) as poison:
        queue.send_message(content)
        wait_until(poison.peek_messages)
        (kept,) = poison.peek_messages()
        assert kept.content == content
        assert queue.get_queue_properties().approximate_message_count == 0


def test_F21_what_was_given_up_is_put_back_as_the_runbook_says_and_counted_once(older):
    message = older.crm.sent()
    organization = said(message.pixel).organization
    opened = entity_of(an_open(message.id, datetime.now(UTC)))
    content = base64.b64encode(record_of(organization, opened).encode()).decode()
    name = keys.INTERACTIONS_QUEUE
    with older.queue(name) as queue, older.queue(keys.poison(name)) as poison:
        poison.clear_messages()
        for _ in range(2):
            poison.send_message(content)
        # docs/operating.md: get, put with the content as it is, delete.
        for each in poison.receive_messages(visibility_timeout=300):
            queue.send_message(each.content, time_to_live=-1)
            poison.delete_message(each)
        wait_until(lambda: message.acts("open"))
        wait_until(lambda: queue.get_queue_properties().approximate_message_count == 0)
        assert len(message.acts("open")) == 1
        assert poison.peek_messages() == []


def test_F21_rows_with_columns_of_a_newer_version_are_read_as_ever(older):
    crm = older.crm
    crm.set({"alerts": {"reply": False}, "verdicts": {"burst_links": 3}})
    crm.set({"delivery_time": {"holidays": False}, "sign_in": {"users": [KIM]}})
    crm.template("t-1")
    webhook = ok(crm.call("POST", "/webhooks", json={"url": "http://127.0.0.1:9/x"}))["id"]
    message = crm.sent_with_attachment()
    for url in (message.pixel, message.link, message.file):
        older.deployment.get(url)
    before = {path: ok(crm.call("GET", path)) for path in reads(message, webhook)}
    add_columns(older, message)
    older.deployment.services.tracking.links.values.clear()
    older.deployment.services.tracking.attachments.values.clear()

    after = {path: ok(crm.call("GET", path)) for path in reads(message, webhook)}
    for path in ("/settings", "/templates", "/api-keys"):
        assert after[path] == before[path]
    acts = [[x["id"] for x in read[path_of(message)]["items"]] for read in (before, after)]
    assert acts[0] == acts[1]
    assert older.deployment.get(message.link).status_code == 302
    assert older.deployment.get(message.file).status_code == 200
    assert crm.set({"alerts": {"first_open": False}})["alerts"]["reply"] is False
    # Judging goes on meanwhile, and a window that is not known here is kept for who knows it.
    table = f"org{said(message.pixel).organization}"
    with TableClient.from_connection_string(older.data, table) as stored:
        windows = json.loads(stored.get_entity("settings", "settings")["windows"])
    assert windows["of_a_newer_version"] == 1
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    reminder = {"condition": "at", "remind_by": tomorrow}
    ok(crm.call("PUT", f"/messages/{message.id}/reminder", json=reminder))


def path_of(message):
    """Path of a message's timeline."""
    return f"/messages/{message.id}/timeline"


def reads(message, webhook):
    """Paths that read all kinds of rows."""
    return [
        "/settings",
        "/api-keys",
        "/messages",
        f"/messages/{message.id}",
        path_of(message),
        "/records/contact/r-ann@fabrikam.example/activities",
        "/templates",
        f"/webhooks/{webhook}",
        "/due-messages",
    ]


def add_columns(older, message):
    """Add a column to every row of the organization, and a key to the JSON inside them."""
    table_name = f"org{said(message.pixel).organization}"
    for name in (table_name, keys.REGISTRY):
        with TableClient.from_connection_string(older.data, name) as table:
            for row in list(table.list_entities()):
                table.update_entity({**row, "of_a_newer_version": "x"})
    with TableClient.from_connection_string(older.data, table_name) as table:
        row = table.get_entity("settings", "settings")
        for column in ("alerts", "delivery_time", "sign_in", "windows"):
            row[column] = json.dumps({**json.loads(row[column]), "of_a_newer_version": 1})
        table.update_entity(row)
