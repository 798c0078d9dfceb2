"""Recording: whatever is wrong with the stores or the identity, the interaction is kept."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.queue.aio import QueueClient

from engagement.config import DataAccount
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.services.recording import Recording
from engagement.storage.account import Account
from engagement.storage.appends import Appends
from engagement.storage.interaction_rows import entity_of
from engagement.storage.queues import Queue
from engagement.storage.spill import Spill
from engagement.storage.wire import Wire

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OPEN = Interaction(
    id=interaction_id(NOW, "00"),
    message_id="1" * 24,
    evidence=Evidence(type=InteractionType.OPEN, at=NOW, recipient=1),
    judgement=Judgement(Verdict.PERSON, Via.DIRECT),
)


class NoToken:
    """An identity that gets no token."""

    async def get_token(self, *_, **__):
        raise ClientAuthenticationError("the identity has no token")

    async def close(self):
        """Nothing was opened."""


@pytest.fixture
async def recording(tmp_path):
    """Recording with an identity that gets no token for any store."""
    account = Account(DataAccount(None, *["http://127.0.0.1:1"] * 3, None))
    account.__dict__["credential"] = NoToken()
    wire = Wire(account)
    queue = Queue(wire, "none")
    made = Recording(Appends(wire), queue, queue, Spill(tmp_path, 1000))
    yield made
    await made.close()
    await wire.close()
    await account.close()


async def test_without_an_identity_an_interaction_waits_on_disk(recording):
    await recording.record("0" * 16, OPEN)

    recording.spill.claim()
    (file,) = recording.spill.claim()
    (line,) = recording.spill.read(file)
    assert json.loads(line)["entity"]["RowKey"] == f"5-interaction-{OPEN.id}"
    assert recording.lost == 0


async def test_the_drain_goes_on_after_an_error_of_any_kind(recording):
    await recording.record("0" * 16, OPEN)
    recording.spill.claim()
    assert not await recording.drain()
    assert not recording.spill.empty()
    assert recording.draining


@pytest.mark.parametrize(
    "record",
    ["", "{", "[]", '{"v": 2}', '{"v": 1}', '{"v": 1, "organization": 1, "entity": {}}'],
)
async def test_F10_a_record_that_cannot_be_read_is_an_error_and_not_a_loss(recording, record):
    with pytest.raises(ValueError):  # noqa: PT011 - any of them sends it to the poison queue
        await recording.place(record, "queue")


async def test_F10_while_the_table_is_down_a_queued_interaction_is_put_back(azurite, tmp_path):
    dead = azurite.connection_string.replace(f":{azurite.ports[2]}/", ":1/")
    account = Account(DataAccount(dead, None, None, None, None))
    wire = Wire(account)
    # A queue of the test's own, as the deployments of other tests serve the real one.
    queue = Queue(wire, f"q{secrets.token_hex(8)}")
    recording = Recording(Appends(wire), queue, queue, Spill(tmp_path, 1000))
    record = {"v": 1, "organization": "0" * 16, "entity": entity_of(OPEN)}
    for tries in range(7):
        await recording.take(json.dumps({**record, "tries": tries}))

    async with QueueClient.from_connection_string(azurite.connection_string, queue.name) as client:
        waiting = await client.get_queue_properties()
        assert waiting.approximate_message_count == 7
        assert await client.peek_messages(7) == []
    await wire.close()
    await account.close()
