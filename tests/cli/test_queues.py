"""What waits and what is poison, looked at and moved by an administrator."""

from __future__ import annotations

import base64
import json

import pytest
from azure.storage.queue import QueueClient
from deployment import settings

from engagement.storage import keys

NAME = keys.QUEUES[0]
POISON = keys.poison(NAME)
BODY = json.dumps({"v": 1, "organization": "00", "entity": {"Ünïcode": "<&>"}})


class Stored:
    """The queues of a storage that no functions host reads."""

    def __init__(self, connection):
        self.connection = connection

    def client(self, name):
        """A queue, made if it is missing."""
        client = QueueClient.from_connection_string(self.connection, name)
        if name not in self.made():
            client.create_queue()
        return client

    def made(self):
        """Names of the queues that are there."""
        from azure.storage.queue import QueueServiceClient

        with QueueServiceClient.from_connection_string(self.connection) as service:
            return [queue.name for queue in service.list_queues()]

    def put(self, name, *texts):
        """Put messages, as they travel."""
        with self.client(name) as client:
            for text in texts:
                client.send_message(text)

    def texts(self, name):
        """The messages of a queue, as they travel, and how often each was taken."""
        with self.client(name) as client:
            return sorted((m.content, m.dequeue_count) for m in client.peek_messages(32))

    def clear(self):
        """Empty every queue."""
        for name in self.made():
            with self.client(name) as client:
                client.clear_messages()


@pytest.fixture
def stored(own_azurite):
    """Queues of a storage of the module's own, empty."""
    queues = Stored(own_azurite.connection_string)
    queues.clear()
    return queues


@pytest.fixture
def queues(run, stored, tmp_path):
    """Run a command on the queues, with a file of settings."""
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": settings(stored.connection)}))

    def run_command(*arguments, **options):
        return run("queues", *arguments, "--settings", file, **options)

    return run_command


def encoded(text=BODY):
    """A message as the app and the functions host write it."""
    return base64.b64encode(text.encode()).decode()


def test_lengths_and_ages_are_listed(queues, stored):
    stored.put(NAME, encoded(), encoded())
    stored.put(POISON, encoded())
    found = {one["queue"]: one for one in json.loads(queues("list", "--json").out)}

    assert {name: one["count"] for name, one in found.items()} == {
        **dict.fromkeys([*keys.QUEUES, *map(keys.poison, keys.QUEUES)], 0),
        NAME: 2,
        POISON: 1,
    }
    assert found[NAME]["oldest_at"]
    assert queues("list").out.splitlines()[1].split()[:2] == [NAME, "2"]


def test_peeking_takes_nothing_and_shows_bodies_only_if_asked(queues, stored):
    stored.put(POISON, encoded())
    plain = queues("peek", POISON)
    (shown,) = json.loads(queues("peek", POISON, "--bodies", "--json").out)

    assert "organization" not in plain.out
    assert shown["body"] == BODY
    assert BODY in queues("peek", POISON, "--bodies").out
    assert stored.texts(POISON) == [(encoded(), 0)]


def test_F10_poison_is_put_back_byte_for_byte_with_its_tries_forgotten(queues, stored):
    texts = [encoded(), encoded("x" * 30_000), "no base64 <&> at all", "AAAA\u00e9"]
    stored.put(POISON, *texts)
    with stored.client(POISON) as client:
        for message in client.receive_messages(max_messages=1):
            client.update_message(message, visibility_timeout=0)

    assert json.loads(queues("put-back", NAME, "--yes", "--json").out) == {"count": len(texts)}
    assert stored.texts(NAME) == sorted((text, 0) for text in texts)
    assert stored.texts(POISON) == []


def test_putting_back_asks_and_may_be_limited(queues, stored):
    stored.put(POISON, *(encoded(str(number)) for number in range(3)))

    assert queues("put-back", NAME).code == 2
    assert queues("put-back", NAME, typed="no\n").code == 1
    assert stored.texts(NAME) == []
    assert queues("put-back", NAME, "--most", "2", typed="yes\n").code == 0
    assert (len(stored.texts(NAME)), len(stored.texts(POISON))) == (2, 1)


def test_more_than_a_page_is_put_back(queues, stored):
    stored.put(POISON, *(encoded(str(number)) for number in range(40)))

    assert queues("put-back", NAME, "--yes").code == 0
    with stored.client(NAME) as client:
        assert client.get_queue_properties().approximate_message_count == 40


def test_nothing_to_put_back_is_no_failure(queues, stored):
    assert queues("put-back", NAME).code == 0
    assert queues("peek", POISON).code == 0


def test_what_is_discarded_is_printed_one_a_line(queues, stored):
    stored.put(POISON, encoded(), encoded("other"))
    gone = queues("discard", NAME, "--yes")

    assert {json.loads(line)["body"] for line in gone.out.splitlines()} == {BODY, "other"}
    assert stored.texts(POISON) == stored.texts(NAME) == []


def test_a_storage_that_is_not_there_may_be_later(run):
    nowhere = settings(
        "AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:1/a;"
        "QueueEndpoint=http://127.0.0.1:1/a"
    )
    found = run("queues", "list", **nowhere)

    assert found.code == 3
    assert "did not answer" in found.err
    assert run("queues", "list").code == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no setting of Engagement"),
        ('{"IsEncrypted": true, "Values": {}}', "encrypted"),
        ('"x"', "holds no settings"),
    ],
)
def test_settings_that_are_none_are_refused(run, text, told):
    refused = run("queues", "list", "--settings", "-", piped=text)

    assert refused.code == 2
    assert told in refused.err


def test_settings_may_be_what_azure_lists(run, stored):
    listed = [
        {"name": name, "value": value, "slotSetting": False}
        for name, value in settings(stored.connection).items()
    ]
    assert run("queues", "list", "--settings", "-", piped=json.dumps(listed)).code == 0
