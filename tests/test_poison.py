"""F10: what no function can deal with goes to a poison queue, the rest flows, and it is told."""

from __future__ import annotations

import base64
import json
import logging
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient
from deployment import FIREFOX, Deployment, build_app, ok, settings, wait_until
from fault_proxy import FaultProxy, only, refusing
from told import told

from devserver.backing import connection_string
from engagement.domain.tracking.tracking_token import Kind
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.storage import keys
from engagement.storage.interaction_rows import entity_of

SECRET = "ann@fabrikam.example"
#: Bytes of which a message of the largest size, 64 KiB, is the base64.
LARGEST = 48 * 1024


def record(organization="0" * 16, message_id="1" * 24, **more):
    """A record that either queue takes, or would if it were right."""
    entity = {"PartitionKey": message_id, "RowKey": "5-interaction-x", **more}
    value = {"organization": organization, "message_id": message_id, "entity": entity}
    return json.dumps({"v": 1, **value, "note": SECRET})


BAD = {
    "empty": "",
    "no JSON": f"{{{SECRET}",
    "no object": f'["{SECRET}"]',
    "an unknown version": json.dumps({"v": 99, "note": SECRET}),
    "64 KiB": (SECRET * LARGEST)[:LARGEST],
    "64 KiB of JSON": record(message_id="1" * (LARGEST // 2 - 200)),
    "a wrong organization": record("../organizations"),
    "no organization": record(None),
    "a wrong message": record(message_id="x' or RowKey ne '"),
}


class Poisoned:
    """A deployment with an Azurite of its own, that tries five times without a pause."""

    def __init__(self, azurite, spill, stack):
        self.azurite = azurite
        self.queues = stack.enter_context(FaultProxy(azurite.ports[1]))
        blob, _, table = azurite.ports
        data = connection_string((blob, self.queues.port, table))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        running = Deployment(environment, visibilityTimeout="00:00:00")
        self.deployment = stack.enter_context(running)
        self.services = running.services

    def queue(self, name):
        """Open a queue."""
        return QueueClient.from_connection_string(self.azurite.connection_string, name)

    def put(self, name, record):
        """Put a record into a queue, as base64."""
        with self.queue(name) as client:
            client.send_message(base64.b64encode(record.encode()).decode())

    def poison(self, name):
        """What is in the poison queue of a queue, decoded."""
        with self.queue(keys.poison(name)) as client:
            found = client.receive_messages(messages_per_page=32, visibility_timeout=1)
            return [base64.b64decode(message.content).decode() for message in found]

    def watch(self):
        """Look at the poison queues as the timer does."""
        return self.deployment.run(self.services.watching.watch(datetime.now(UTC)))


@pytest.fixture
def poisoned(own_azurite, tmp_path):
    """A deployment of the test's own, whose queues are there and empty."""
    with ExitStack() as stack:
        made = Poisoned(own_azurite, tmp_path / "spill", stack)
        for name in (*keys.QUEUES, *map(keys.poison, keys.QUEUES)):
            with made.queue(name) as client:
                with suppress(ResourceExistsError):
                    client.create_queue()
                client.clear_messages()
        yield made


def organization_of(message):
    """Key of the organization that sent a message."""
    text = message.pixel.rpartition("/")[2].removesuffix(".gif")
    return message.crm.deployment.services.tracking.signer.verify(text, Kind.OPEN).organization


def opened(message):
    """A good record: somebody opened the message."""
    now = datetime.now(UTC)
    interaction = Interaction(
        id=interaction_id(now, "00"),
        message_id=message.id,
        evidence=Evidence(type=InteractionType.OPEN, at=now, recipient=1, user_agent=FIREFOX),
        judgement=Judgement(Verdict.PERSON, Via.DIRECT),
    )
    return json.dumps(
        {"v": 1, "organization": organization_of(message), "entity": entity_of(interaction)}
    )


def test_F10_what_cannot_be_read_goes_to_the_poison_queue_others_flow_and_it_is_told(
    poisoned, caplog
):
    crm = poisoned.deployment.new_crm()
    message = crm.sent()
    assert poisoned.watch() == {}
    for name in keys.QUEUES:
        for bad in BAD.values():
            poisoned.put(name, bad)
    poisoned.put(keys.INTERACTIONS_QUEUE, opened(message))

    wait_until(lambda: message.acts("open"))
    # Who places it asks for its judgement, which makes the alert.
    wait_until(lambda: ok(crm.call("GET", "/alerts", params={"user_id": "u-17"}))["items"])
    expected = {keys.poison(name): len(BAD) for name in keys.QUEUES}
    wait_until(lambda: poisoned.watch() == expected)
    for name in keys.QUEUES:
        assert sorted(poisoned.poison(name)) == sorted(BAD.values())
        assert told(caplog, "poison", queue=keys.poison(name), count=len(BAD))
    assert "fabrikam" not in caplog.text


def test_F10_an_entity_that_the_table_will_never_take_is_poison_too(poisoned):
    message = poisoned.deployment.new_crm().sent()
    organization = organization_of(message)
    # A property holds 64 KiB, which are 32 Ki characters.
    for entity in ({"RowKey": None}, {"text": "x" * 40_000}):
        poisoned.put(keys.INTERACTIONS_QUEUE, record(organization, message.id, **entity))

    wait_until(lambda: poisoned.watch() == {keys.poison(keys.INTERACTIONS_QUEUE): 2})
    assert message.timeline == []


def test_F10_a_queue_that_cannot_be_counted_keeps_nobody_from_counting_the_others(poisoned, caplog):
    first, second = map(keys.poison, keys.QUEUES[:2])
    for name in (first, second):
        poisoned.put(name, SECRET)
    poisoned.queues.fault = only(lambda request: first in request.path, refusing(503))

    assert poisoned.watch() == {second: 1}
    assert [line["queue"] for line in told(caplog, "queue_unreadable")] == [first]


def test_F10_a_poison_queue_that_was_never_needed_is_empty(poisoned):
    with poisoned.queue(keys.poison(keys.QUEUES[0])) as client:
        client.delete_queue()
    assert poisoned.watch() == {}


def test_F10_the_timer_looks_at_the_poison_queue_of_every_function(poisoned, caplog):
    functions = {
        one.get_function_name(): one for one in build_app(poisoned.services).get_functions()
    }
    triggers = [one.get_trigger().get_dict_repr() for one in functions.values()]
    assert {one["queueName"] for one in triggers if "queueName" in one} == set(keys.QUEUES)

    poisoned.put(keys.poison(keys.QUEUES[0]), SECRET)
    poisoned.deployment.run(functions["watch_queues"].get_user_function()(None))
    (found,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    name = keys.poison(keys.QUEUES[0])
    assert json.loads(found.getMessage()) == {"event": "poison", "queue": name, "count": 1}
