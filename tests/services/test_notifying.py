"""Telling endpoints: tried until it succeeds, given up in the end, and never lost in between."""

from __future__ import annotations

import json
import secrets
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from deployment import SIGNING_KEY
from receiver import Receiver

from engagement.config import DataAccount
from engagement.domain.webhooks.webhook import DELAYS, KEPT, DisabledReason, next_delay
from engagement.domain.webhooks.webhook_event import EventType, event_of
from engagement.domain.webhooks.webhook_signature import WebhookSigner, verify
from engagement.errors import ConflictError, NotFoundError, StorageError
from engagement.remote.webhooks import Webhooks
from engagement.services import notifying
from engagement.services.notifying import STORE_PAUSE, Notifying
from engagement.services.subscribing import Subscribing
from engagement.storage.account import Account
from engagement.storage.dead_webhooks import DeadLetters
from engagement.storage.queues import Queue
from engagement.storage.webhook_deliveries import Delivery, read_delivery, record_of
from engagement.storage.webhooks import Endpoints
from engagement.storage.wire import Wire

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
KEYS = {1: b"k" * 32}


class Noted(Queue):
    """A real queue that nobody takes from; what is put into it is noted too."""

    def __init__(self, wire):
        super().__init__(wire, f"q{secrets.token_hex(8)}")
        self.puts = []

    async def put(self, record, seconds, *, delay=0):
        await super().put(record, seconds, delay=delay)
        self.puts.append((record, timedelta(seconds=delay)))


class Story:
    """An organization with an endpoint, and what happens to it."""

    def __init__(self, account, wire, organization, receiver, keys=None):
        self.organization, self.receiver = organization, receiver
        self.told = []
        self.queue = Noted(wire)
        self.endpoints, self.letters = Endpoints(account), DeadLetters(account)
        signer = WebhookSigner(keys or KEYS)
        self.webhooks = Webhooks(allow_private=True)
        self.notifying = Notifying(
            self.endpoints, self.letters, self.queue, signer, self.webhooks, self.tell
        )
        self.subscribing = Subscribing(self.endpoints, self.letters, signer, allow_private=True)
        self.id = self.secret = ""

    async def tell(self, organization, endpoint, now):
        """Note who is told that an endpoint was disabled."""
        assert organization == self.organization.key
        self.told.append((endpoint.id, endpoint.disabled_reason, now))

    async def subscribe(self, **fields):
        """Make another endpoint, which the rest is about from now on."""
        value = {"url": self.receiver.url(), **fields}
        made = await self.subscribing.create(self.organization, value, ("", b""), NOW)
        self.id, self.secret = made.endpoint.id, made.secret
        return made.endpoint

    async def emit(self, discriminator="", kind=EventType.MESSAGE_SENT):
        """Emit an event and return what was queued for it."""
        before = len(self.queue.puts)
        event = event_of(self.organization.key, kind, "m-1", discriminator, NOW, {"a": "\u00e9"})
        await self.notifying.emit(self.organization.key, event)
        return [record for record, _ in self.queue.puts[before:]]

    async def take(self, record, now=NOW):
        """Take a record and return what was put back for it: (record, delay), or nothing."""
        before = len(self.queue.puts)
        await self.notifying.take(record, now)
        return self.queue.puts[before:]

    async def fail_until_given_up(self, record, now=NOW):
        """Take a record at the times of the schedule until it is not put back; return the times."""
        times = []
        while True:
            times.append(now)
            self.receiver.answer(500)
            put = await self.take(record, now)
            if not put:
                return times
            ((record, delay),) = put
            now += delay

    async def endpoint(self):
        """The endpoint as it is stored."""
        return await self.endpoints.read(self.organization.key, self.id)

    async def dead(self):
        """What was given up, newest first."""
        found, _ = await self.notifying.page(self.organization, self.id, after="", size=200)
        return found


@asynccontextmanager
async def opened_story(azurite, crm, receiver, connection_string=None, keys=None):
    """A story on stores of its own making, closed in the end."""
    account = Account(
        DataAccount(connection_string or azurite.connection_string, None, None, None, None)
    )
    wire = Wire(account)
    deployment = crm.deployment
    organization = deployment.run(deployment.services.administering.find(crm.organization_id))
    story = Story(account, wire, organization, receiver, keys)
    yield story
    await story.webhooks.close()
    await wire.close()
    await account.close()


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
async def story(azurite, crm, receiver):
    async with opened_story(azurite, crm, receiver) as told:
        await told.subscribe()
        yield told


async def test_an_event_goes_to_each_endpoint_that_wants_it_and_to_no_other(story):
    everything = story.id
    sent = (await story.subscribe(event_types=["message.sent"])).id
    await story.subscribe(event_types=["message.opened"])
    await story.subscribe(state="disabled")

    records = [read_delivery(record) for record in await story.emit()]
    assert {record.endpoint_id for record in records} == {everything, sent}
    assert {record.tries for record in records} == {0}


async def test_an_event_is_delivered_signed_and_the_same_at_every_try(story):
    (record,) = await story.emit()
    story.receiver.answer(500)
    ((again, _),) = await story.take(record)
    later = NOW + timedelta(days=1)
    assert await story.take(again, later) == []

    first, second = story.receiver.requests
    assert (first.id, first.body) == (second.id, second.body)
    assert first.json == {
        "type": "message.sent",
        "timestamp": "2026-11-22T09:00:00.000Z",
        "data": {"a": "\u00e9"},
    }
    assert verify(story.secret, first.headers, first.body, NOW) == first.id
    assert verify(story.secret, second.headers, second.body, later) == first.id
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


async def test_an_event_that_is_emitted_again_has_the_same_id(story):
    (first,), (second,) = await story.emit(), await story.emit()
    assert read_delivery(first).event.id == read_delivery(second).event.id


async def test_a_failed_delivery_is_tried_again_by_the_schedule_until_it_succeeds(story):
    (record,) = await story.emit()
    event_id, now = read_delivery(record).event.id, NOW
    for tries in range(len(DELAYS)):
        story.receiver.answer(503)
        ((record, delay),) = await story.take(record, now)
        planned = next_delay(tries, event_id, story.id)
        assert abs(delay - planned) <= timedelta(seconds=1)
        assert read_delivery(record).tries == tries + 1
        now += delay
    assert (await story.endpoint()).failure == "503 Service Unavailable"

    assert await story.take(record, now) == []
    endpoint = await story.endpoint()
    assert (endpoint.failing_since, endpoint.failure, endpoint.enabled) == (None, None, True)
    assert len(story.receiver.requests) == 10
    assert await story.dead() == []
    assert story.told == []


@pytest.mark.parametrize(("status", "seconds"), [(429, 7_200), (503, 7_200), (500, 5)])
async def test_an_endpoint_that_is_busy_is_left_alone_for_as_long_as_it_asks(
    story, status, seconds
):
    (record,) = await story.emit()
    story.receiver.answer(status, {"Retry-After": "7200"})
    ((_, delay),) = await story.take(record)
    assert seconds <= delay.total_seconds() <= seconds + 1


async def test_what_nobody_takes_for_days_is_given_up_kept_and_the_endpoint_disabled(story):
    (record,) = await story.emit()
    times = await story.fail_until_given_up(record)

    endpoint = await story.endpoint()
    (letter,) = await story.dead()
    assert len(times) == 10
    assert times[-1] - NOW > timedelta(days=3)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, DisabledReason.FAILING)
    assert (endpoint.failing_since, endpoint.failure) == (NOW, "500 Internal Server Error")
    assert story.told == [(story.id, DisabledReason.FAILING, times[-1])]
    assert (letter.tries, letter.failure) == (10, "500 Internal Server Error")
    assert (letter.event, letter.at) == (read_delivery(record).event, times[-1])
    assert await story.emit("next") == []


async def test_a_replay_delivers_the_same_event_under_the_same_id(story):
    (record,) = await story.emit()
    await story.fail_until_given_up(record)
    with pytest.raises(ConflictError):
        await story.notifying.replay_since(story.organization, story.id, NOW)
    await story.subscribing.change(story.organization, story.id, {"state": "enabled"})

    assert await story.notifying.replay_since(story.organization, story.id, NOW) == (1, True)
    again, delay = story.queue.puts[-1]
    assert (read_delivery(again).tries, delay) == (0, timedelta(0))
    assert await story.dead() == []
    assert await story.take(again) == []
    first, *_, last = story.receiver.requests
    assert (first.id, first.body) == (last.id, last.body)
    assert (await story.endpoint()).failing_since is None


async def test_one_event_is_replayed_by_its_id(story):
    for name in ("a", "b"):
        (record,) = await story.emit(name)
        delivery = replace(read_delivery(record), tries=9)
        story.receiver.answer(500)
        assert await story.take(record_of(delivery)) == []
    newest, oldest = await story.dead()

    await story.notifying.replay_event(story.organization, story.id, oldest.event.id)
    assert await story.dead() == [newest]
    assert read_delivery(story.queue.puts[-1][0]).event == oldest.event
    with pytest.raises(NotFoundError):
        await story.notifying.replay_event(story.organization, story.id, oldest.event.id)


async def test_a_replay_takes_what_was_given_up_since_then_newest_first_and_bounded(
    story, monkeypatch
):
    monkeypatch.setattr(notifying, "MOST_REPLAYED", 3)
    for number in range(6):
        (record,) = await story.emit(str(number))
        delivery = read_delivery(record)
        await story.notifying._bury(delivery, "500", NOW + timedelta(minutes=number))

    def replay(since):
        return story.notifying.replay_since(story.organization, story.id, since)

    beginning = datetime.min.replace(tzinfo=UTC)
    assert await replay(NOW + timedelta(days=1)) == (0, True)
    assert await replay(NOW + timedelta(minutes=2)) == (3, False)
    assert await replay(NOW + timedelta(minutes=2)) == (1, True)
    assert await replay(beginning) == (2, True)
    assert await story.dead() == []


async def test_pages_of_dead_letters_are_newest_first_and_of_one_endpoint(story):
    events = [read_delivery((await story.emit(str(number)))[0]) for number in range(5)]
    for number, delivery in enumerate(events):
        await story.notifying._bury(delivery, "500", NOW + timedelta(minutes=number))
        other = replace(delivery, endpoint_id="f" * 24)
        await story.notifying._bury(other, "500", NOW + timedelta(minutes=number))

    found, after, sizes = [], "", []
    while after is not None:
        page, after = await story.notifying.page(story.organization, story.id, after=after, size=2)
        found += page
        sizes.append(len(page))
    assert [letter.event for letter in found] == [one.event for one in reversed(events)]
    assert sizes == [2, 2, 1]


async def test_what_nobody_replayed_in_time_is_forgotten(story):
    (record,) = await story.emit()
    for age in (KEPT + timedelta(seconds=1), KEPT - timedelta(seconds=1)):
        await story.notifying._bury(read_delivery(record), "500", NOW - age)

    assert await story.letters.remove_before(story.organization.key, NOW - KEPT) == 1
    assert [letter.at for letter in await story.dead()] == [NOW - KEPT + timedelta(seconds=1)]


async def test_an_endpoint_that_is_gone_is_disabled_at_once(story):
    (record,) = await story.emit()
    story.receiver.answer(410)
    assert await story.take(record) == []

    (letter,) = await story.dead()
    assert (await story.endpoint()).disabled_reason is DisabledReason.GONE
    assert story.told == [(story.id, DisabledReason.GONE, NOW)]
    assert (letter.tries, letter.failure) == (1, "410 Gone")


async def test_what_is_on_its_way_to_a_disabled_endpoint_waits_for_a_replay(story):
    (record,) = await story.emit()
    await story.subscribing.change(story.organization, story.id, {"state": "disabled"})
    assert await story.take(record) == []

    (letter,) = await story.dead()
    assert (letter.tries, letter.failure) == (0, "The webhook is disabled.")
    assert (story.receiver.requests, story.told) == ([], [])


async def test_what_is_on_its_way_to_a_deleted_endpoint_is_dropped(story):
    (record,) = await story.emit()
    await story.notifying._bury(read_delivery(record), "500", NOW)
    await story.subscribing.delete(story.organization, story.id)

    assert await story.take(record) == []
    assert story.receiver.requests == []
    assert await story.emit() == []
    letters = await story.letters.page(story.organization.key, story.id, size=10)
    assert letters == []


async def test_a_deleted_organization_is_told_nothing(story):
    (record,) = await story.emit()
    gone = replace(read_delivery(record), organization="0" * 16)
    assert await story.take(record_of(gone)) == []
    await story.notifying.emit("0" * 16, gone.event)

    assert story.receiver.requests == []


async def test_an_endpoint_that_is_changed_while_it_is_called_keeps_the_change(story):
    (record,) = await story.emit()
    story.receiver.answer(500)
    note = story.notifying._note

    async def slowly(*arguments):
        changes = {"notify_user_id": "u-17"}
        await story.subscribing.change(story.organization, story.id, changes)
        return await note(*arguments)

    story.notifying._note = slowly
    await story.take(record)

    endpoint = await story.endpoint()
    assert (endpoint.notify_user_id, endpoint.failing_since) == ("u-17", NOW)


async def test_whoever_cannot_be_told_that_it_was_disabled_is_told_later(story):
    (record,) = await story.emit()

    async def tell(*_):
        raise StorageError("not now")

    story.notifying.tell_disabled = tell
    story.receiver.answer(410)
    ((again, delay),) = await story.take(record)
    assert (again, delay) == (record, timedelta(seconds=STORE_PAUSE))
    assert (await story.endpoint()).enabled

    story.notifying.tell_disabled = story.tell
    story.receiver.answer(410)
    assert await story.take(again) == []
    assert len(story.told) == 1


async def test_while_the_table_is_down_a_delivery_waits_and_counts_no_try(
    azurite, crm, receiver, story
):
    (record,) = await story.emit()
    dead = azurite.connection_string.replace(f":{azurite.ports[2]}/", ":1/")
    async with opened_story(azurite, crm, receiver, dead) as broken:
        assert await broken.take(record) == [(record, timedelta(seconds=STORE_PAUSE))]
        with pytest.raises(StorageError):
            await broken.emit()
    assert receiver.requests == []


async def test_while_the_queue_is_down_whoever_emits_learns_it(azurite, crm, receiver, story):
    dead = azurite.connection_string.replace(f":{azurite.ports[1]}/", ":1/")
    async with opened_story(azurite, crm, receiver, dead) as broken:
        with pytest.raises(StorageError):
            await broken.emit()


async def test_a_revoked_signing_key_stops_deliveries_until_the_secret_is_rotated(
    azurite, crm, receiver, story
):
    (record,) = await story.emit()
    async with opened_story(azurite, crm, receiver, keys={2: b"l" * 32}) as revoked:
        revoked.id = story.id
        ((again, _),) = await revoked.take(record)
        assert "rotate the secret" in (await story.endpoint()).failure
        assert receiver.requests == []

        rotated = await revoked.subscribing.rotate(revoked.organization, story.id, NOW)
        assert await revoked.take(again) == []
    (request,) = receiver.requests
    assert verify(rotated.secret, request.headers, request.body, NOW) == request.id


async def test_after_a_rotation_both_secrets_hold_for_a_day(story):
    old = story.secret
    new = (await story.subscribing.rotate(story.organization, story.id, NOW)).secret
    day = timedelta(hours=24)
    for now in (NOW, NOW + day):
        await story.take((await story.emit())[0], now)

    during, after = story.receiver.requests
    assert old != new
    for secret in (old, new):
        assert verify(secret, during.headers, during.body, NOW)
    assert verify(new, after.headers, after.body, NOW + day)
    with pytest.raises(ValueError, match="signature"):
        verify(old, after.headers, after.body, NOW + day)


async def test_no_secret_is_at_rest(story, azurite):
    rows = story.endpoints.account.table(f"org{story.organization.key}").list_entities()
    text = json.dumps([dict(row) async for row in rows], default=str)

    assert story.id in text
    assert story.secret.removeprefix("whsec_") not in text
    assert SIGNING_KEY not in text


GOOD = {
    "v": 1,
    "organization": "0" * 16,
    "endpoint": "0" * 24,
    "event": {
        "id": "evt_" + "0" * 24,
        "type": "message.sent",
        "at": "2026-11-22T09:00:00+00:00",
        "data": {},
    },
    "tries": 0,
}


@pytest.mark.parametrize(
    "record",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        "x" * 65_536,
        *(json.dumps(GOOD | {"v": version}) for version in (0, 2, "1", None)),
        *(json.dumps(GOOD | {"organization": value}) for value in (None, 1, [])),
        *(json.dumps(GOOD | {"endpoint": value}) for value in (None, 1, [])),
        *(json.dumps(GOOD | {"event": value}) for value in (None, 1, [], {})),
        *(json.dumps(GOOD | {"tries": value}) for value in (None, -1, "1")),
    ],
)
async def test_F10_a_record_that_cannot_be_read_goes_to_the_poison_queue(story, record):
    with pytest.raises(ValueError):  # noqa: PT011 - any of them sends it to the poison queue
        await story.take(record)


@pytest.mark.parametrize("changes", [{}, {"endpoint": "../x"}, {"endpoint": "0" * 25}])
async def test_F10_a_record_of_no_organization_or_endpoint_is_dropped(story, changes):
    for organization in ("0" * 16, story.organization.key):
        record = json.dumps(GOOD | {"organization": organization} | changes)
        assert await story.take(record) == []
    assert story.receiver.requests == []


async def test_a_record_round_trips(story):
    delivery = read_delivery(json.dumps(GOOD))
    assert read_delivery(record_of(delivery)) == delivery
    assert isinstance(delivery, Delivery)
