"""Judging: whatever happens in between, a message is judged, and again it is judged alike."""

from __future__ import annotations

import itertools
import json
import secrets
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient
from deployment import FIREFOX, PUBLIC_URL

from engagement.config import DataAccount
from engagement.domain.tracking.tracking_token import Kind, TokenSigner
from engagement.domain.verdicts.observer import Crowd
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import ConflictError, NotFoundError
from engagement.services.alerting import Alerting
from engagement.services.judging import LAST_LOOK, Judging
from engagement.services.projecting import Projecting
from engagement.storage.account import Account
from engagement.storage.alerts import Alerts
from engagement.storage.interactions import Interactions
from engagement.storage.judgement_requests import JudgementRequest, record_of
from engagement.storage.listings import Listings
from engagement.storage.markers import Markers
from engagement.storage.messages import Messages
from engagement.storage.queries import Queries
from engagement.storage.queues import Queue
from engagement.storage.settings import SettingsRows
from engagement.storage.summaries import Summaries
from engagement.storage.wire import Wire
from engagement.wiring.foundation import shipped_rules

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SIGNER = TokenSigner({1: b"k" * 32})
NOWHERE = "0" * 16
A_CROWD = {"actor": "x", "at": "2026-11-22T09:00:00+00:00", "messages": 20}
LINKS = "".join(f'<a href="https://contoso.example/{number}">a link</a>' for number in range(4))

ADDRESSES = itertools.count(1)


def requested(*what, **more):
    """Return a record that asks for a message to be judged."""
    return record_of(JudgementRequest(*what, **more))


def somewhere():
    """An address of its own: all tests together would be a crowd behind one."""
    number = next(ADDRESSES)
    return f"198.18.{128 + number // 256}.{number % 256}"


def visit(message, url, address, user_agent=FIREFOX):
    """Fetch a tracked URL from an address."""
    headers = {"X-Forwarded-For": address, "User-Agent": user_agent}
    return message.crm.deployment.get(url, headers=headers)


def organization(message):
    """Key of the organization that sent a message."""
    text = message.pixel.removeprefix(f"{PUBLIC_URL}/o/").removesuffix(".gif")
    return SIGNER.verify(text, Kind.OPEN).organization


async def tell(*_):
    """Tell nobody of what changed."""


@asynccontextmanager
async def opened_judging(connection_string, tables=None):
    """Judging with a queue of its own, as the deployment of other tests serves the real one."""
    account = Account(DataAccount(tables or connection_string, None, None, None, None))
    wire = Wire(account)
    settings = SettingsRows(account)
    queries = Queries(wire)
    messages, interactions = Messages(account, queries), Interactions(account, queries)
    projecting = Projecting(
        messages,
        interactions,
        Summaries(account, queries),
        Listings(account, queries),
        Markers(account, queries),
        tell,
    )
    judging = Judging(
        interactions,
        settings,
        Alerting(Alerts(account), messages, settings),
        Queue(wire, f"q{secrets.token_hex(8)}"),
        projecting,
        shipped_rules(),
    )
    yield judging
    await wire.close()
    await account.close()


@pytest.fixture
async def judging(azurite):
    """Judging whose queue nobody takes from."""
    async with opened_judging(azurite.connection_string) as made:
        yield made


@pytest.fixture
async def without_table(azurite):
    """Judging while the table is down."""
    dead = azurite.connection_string.replace(f":{azurite.ports[2]}/", ":1/")
    async with opened_judging(azurite.connection_string, dead) as made:
        yield made


@pytest.fixture
def eventful(crm):
    """A message with a burst, a click by a person, a machine's open and a reply."""
    message = crm.sent(html_body=LINKS)
    scanner = somewhere()
    for url in (message.pixel, *message.urls("c")[:3]):
        visit(message, url, scanner)
    visit(message, message.link, somewhere(), FIREFOX.replace("145", "146"))
    visit(message, message.pixel, somewhere(), "python-requests/2.32")
    body = {"replied_by": "ann@fabrikam.example"}
    assert crm.call("POST", f"/messages/{message.id}/replies", json=body).is_success
    return message


async def judge(judging, message, **how):
    """Judge a message; the deployment may do so at the same time."""
    key = organization(message)
    rules = await judging.rules(key)
    for _ in range(4):
        try:
            return await judging.judge(key, message.id, rules, datetime.now(UTC), **how)
        except ConflictError:
            continue
    return await judging.judge(key, message.id, rules, datetime.now(UTC), **how)


async def everything(judging, message):
    """Every row of an organization that judging may write, and since when.

    Markers are left out, and the lists, with which the deployment may be busy at the same time.
    """
    found = judging.interactions.account.table(f"org{organization(message)}").query_entities(
        "PartitionKey eq @id and RowKey ne '4-summary' "
        "or PartitionKey ge 'alerts' and PartitionKey lt 'b'",
        parameters={"id": message.id},
    )
    return [(dict(row), row.metadata["etag"]) async for row in found]


@asynccontextmanager
async def waiting(azurite, judging):
    """The queue that judging puts records into."""
    async with QueueClient.from_connection_string(
        azurite.connection_string, judging.requests.name
    ) as client:
        yield client


async def put_count(azurite, judging):
    """How many records were put into the queue, visible or not."""
    async with waiting(azurite, judging) as client:
        try:
            return (await client.get_queue_properties()).approximate_message_count
        except ResourceNotFoundError:
            # It is made when the first one is put into it.
            return 0


# Judging


@pytest.mark.parametrize("history", [False, True])
async def test_judging_again_changes_nothing(judging, eventful, history):
    await judge(judging, eventful, history=history)
    before = await everything(judging, eventful)
    for _ in range(2):
        assert await judge(judging, eventful, history=history) == []

    assert await everything(judging, eventful) == before


async def test_a_message_that_nothing_happened_to_and_one_that_is_not_there_stay_so(judging, crm):
    message = crm.sent()
    before = await everything(judging, message)
    rules = await judging.rules(organization(message))

    assert await judge(judging, message) == []
    nothing = await judging.judge(organization(message), "0" * 24, rules, NOW)
    assert nothing == []
    assert await everything(judging, message) == before


async def test_what_became_known_of_a_crowd_changes_its_hits_and_only_those(judging, crm):
    message = crm.sent()
    for _ in range(2):
        visit(message, message.pixel, somewhere())
    key = organization(message)
    known, other = (await judging.interactions.of_message(key, message.id, 1000))[0]
    crowd = Crowd(known.evidence.actor, known.evidence.at + timedelta(seconds=1), 20)
    changes = await judge(judging, message, crowd=crowd)

    assert [(change.before, change.after) for change in changes] == [
        (Verdict.PERSON, Verdict.AUTOMATED)
    ]
    found = {x.id: x for x in (await judging.interactions.of_message(key, message.id, 1000))[0]}
    assert found[known.id].judgement.reasons == ("many_messages",)
    assert found[other.id].judgement == other.judgement
    # It is kept, so that the next look, which knows of no crowd, judges alike.
    assert await judge(judging, message) == []
    assert await judge(judging, message, history=True) == []


async def test_a_crowd_that_is_no_more_than_is_known_changes_nothing(judging, crm):
    message = crm.sent()
    visit(message, message.pixel, somewhere())
    await judge(judging, message)
    (known,) = (await judging.interactions.of_message(organization(message), message.id, 1000))[0]
    before = await everything(judging, message)
    late = known.evidence.at + timedelta(seconds=61)
    for crowd in (
        Crowd(known.evidence.actor, known.evidence.at, 1),
        Crowd(known.evidence.actor, late, 20),
        Crowd("somebody else", known.evidence.at, 20),
    ):
        assert await judge(judging, message, crowd=crowd) == []

    assert await everything(judging, message) == before


async def test_a_message_of_a_deleted_organization_cannot_be_judged(judging):
    with pytest.raises(NotFoundError):
        await judging.judge(NOWHERE, "0" * 24, shipped_rules(), NOW)


# Records


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"v": 2}',
        '{"v": 1}',
        '{"v": 1, "organization": 1, "message_id": "x"}',
        '{"v": 1, "organization": "x", "message_id": null}',
        *(
            json.dumps({"v": 1, "organization": "x", "message_id": "x", "crowd": crowd})
            for crowd in ({}, [], "x", 7, {**A_CROWD, "at": "now"}, {**A_CROWD, "at": 7})
        ),
        *(
            json.dumps({"v": 1, "organization": "x", "message_id": "x", "crowd": crowd})
            for crowd in ({**A_CROWD, "messages": None}, {**A_CROWD, "messages": "many"})
        ),
    ],
)
async def test_F10_a_record_that_cannot_be_read_is_an_error(judging, azurite, record):
    with pytest.raises(ValueError):  # noqa: PT011 - any of them sends it to the poison queue
        await judging.take(record, NOW)
    assert await put_count(azurite, judging) == 0


async def test_a_record_is_judged_and_asked_for_again_once(judging, azurite, eventful):
    key = organization(eventful)
    await judging.take(requested(key, eventful.id), datetime.now(UTC))

    async with waiting(azurite, judging) as client:
        assert (await client.get_queue_properties()).approximate_message_count == 1
        # It is for later: whatever comes in this minute shall have come by then.
        assert await client.peek_messages(5) == []
    assert LAST_LOOK > 60
    await judging.take(requested(key, eventful.id, last=True), datetime.now(UTC))
    assert await put_count(azurite, judging) == 1


async def test_a_record_that_is_taken_twice_changes_nothing_the_second_time(judging, eventful):
    record = requested(organization(eventful), eventful.id, last=True)
    await judging.take(record, datetime.now(UTC))
    await judge(judging, eventful)
    before = await everything(judging, eventful)
    await judging.take(record, datetime.now(UTC))

    assert await everything(judging, eventful) == before


async def test_a_crowds_record_is_judged_in_its_light_and_asked_for_again_once(
    judging, azurite, crm
):
    message = crm.sent()
    visit(message, message.pixel, somewhere())
    key = organization(message)
    (known,) = (await judging.interactions.of_message(key, message.id, 1000))[0]
    crowd = Crowd(known.evidence.actor, known.evidence.at, 20)
    await judge(judging, message)
    await judging.take(requested(key, message.id, crowd=crowd), datetime.now(UTC))

    (judged,) = (await judging.interactions.of_message(key, message.id, 1000))[0]
    assert judged.judgement.reasons == ("many_messages",)
    assert await put_count(azurite, judging) == 1
    last = requested(key, message.id, last=True, crowd=crowd)
    await judging.take(last, datetime.now(UTC))
    assert await put_count(azurite, judging) == 1


async def test_a_judged_message_is_noted_as_changed(judging, eventful):
    key = organization(eventful)
    await judging.take(requested(key, eventful.id, last=True), NOW)
    rows = judging.interactions.account.table(f"org{key}").query_entities(
        "PartitionKey ge 'changed-' and PartitionKey lt 'changed.' and RowKey eq @id",
        parameters={"id": eventful.id},
    )

    assert [row async for row in rows]


@pytest.mark.parametrize("last", [False, True])
async def test_a_record_of_a_deleted_organization_is_dropped(
    judging, azurite, deployment, crm, last
):
    message = crm.sent()
    key = organization(message)
    path = f"/organizations/{crm.organization_id}"
    assert deployment.admin("DELETE", path).status_code == 204
    for organization_key in (key, NOWHERE):
        await judging.take(requested(organization_key, message.id, last=last), NOW)

    assert await put_count(azurite, judging) == 0


async def test_F10_while_the_table_is_down_a_record_is_put_back_for_later(without_table, azurite):
    crowd = Crowd("actor", NOW, 20)
    for record in (
        requested(NOWHERE, "1" * 24),
        requested(NOWHERE, "2" * 24, last=True),
        requested(NOWHERE, "3" * 24, crowd=crowd),
    ):
        await without_table.take(record, NOW)
        await without_table.take(json.dumps({**json.loads(record), "tries": 9}), NOW)

    async with waiting(azurite, without_table) as client:
        assert (await client.get_queue_properties()).approximate_message_count == 6
        assert await client.peek_messages(6) == []


async def test_F10_what_was_put_back_says_the_same_and_how_often_it_was_tried(
    without_table, azurite
):
    record = requested(NOWHERE, "1" * 24, crowd=Crowd("actor", NOW, 20))
    put = []

    class Kept(Queue):
        """A queue that tells what it is given."""

        async def put(self, record, seconds, *, delay=0):
            put.append((json.loads(record), delay))
            await super().put(record, seconds, delay=delay)

    without_table.requests = Kept(without_table.requests.wire, without_table.requests.name)
    await without_table.take(record, NOW)
    await without_table.take(json.dumps(put[0][0]), NOW)

    first, second = put
    assert first[0] == {**json.loads(record), "tries": 1}
    assert second[0] == {**json.loads(record), "tries": 2}
    assert 0 < first[1] < second[1]
    assert await put_count(azurite, without_table) == 2
