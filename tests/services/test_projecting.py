"""Lists agree with their messages, whatever happens in between and however often it is tried."""

from __future__ import annotations

import asyncio
import secrets
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fault_proxy import FaultProxy, answer_lost, healthy, refusing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shelf import an_open

from devserver.backing import connection_string
from engagement.config import DataAccount
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import (
    Copies,
    Message,
    Recipient,
    Record,
    Role,
    Sender,
    Status,
)
from engagement.domain.reports.listed import listed_of
from engagement.domain.verdicts.kpi import Kpi, count
from engagement.errors import ConflictError, EngagementError, StorageError
from engagement.services.projecting import Projecting
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.interactions import Interactions
from engagement.storage.listing_rows import COLUMN
from engagement.storage.listing_rows import listed_of as read_row
from engagement.storage.listings import Listings, places_of
from engagement.storage.markers import Markers
from engagement.storage.messages import Messages
from engagement.storage.queries import Queries
from engagement.storage.summaries import Summaries
from engagement.storage.wire import Wire

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANN = Recipient(1, Role.TO, "ann@fabrikam.example", "Ann", Record("contact", "c-1"))
BEN = Recipient(2, Role.CC, "ben@fabrikam.example", None, Record("lead", "l-1", "Ben"))


async def tell(*_):
    """Tell nobody of what changed."""


def projecting_of(account, wire):
    """Build the service on an account."""
    queries = Queries(wire)
    return Projecting(
        Messages(account, queries),
        Interactions(account, queries),
        Summaries(account, queries),
        Listings(account, queries),
        Markers(account, queries),
        tell,
    )


@asynccontextmanager
async def opened(data):
    """Projecting on the stores of a connection string."""
    account = Account(DataAccount(data, None, None, None, None))
    wire = Wire(account)
    yield projecting_of(account, wire)
    await wire.close()
    await account.close()


@pytest.fixture(scope="module")
async def projecting(azurite):
    """Projecting, while no deployment knows the organization."""
    async with opened(azurite.connection_string) as made:
        yield made


@pytest.fixture(scope="module")
async def organization(projecting):
    """The key of an organization that has a table and nothing else."""
    key = secrets.token_hex(8)
    await projecting.messages.account.table(keys.table(key)).create_table()
    return key


@pytest.fixture
def proxy(azurite):
    """A table service that fails on demand."""
    with FaultProxy(azurite.ports[2]) as made:
        yield made


@pytest.fixture
async def behind(azurite, proxy):
    """Projecting behind that."""
    blob, queue, _ = azurite.ports
    async with opened(connection_string((blob, queue, proxy.port))) as made:
        yield made


def a_message(**fields):
    """A message that was sent to two records."""
    usual = {
        "id": secrets.token_hex(12),
        "subject": "Contract",
        "sender": Sender("u-17", "seller@contoso.example", "Kim"),
        "regarding": Record("opportunity", "o-9", "Renewal"),
        "template_id": "t-1",
        "follow": True,
        "copies": Copies.SINGLE,
        "status": Status.SENT,
        "created_at": NOW - timedelta(hours=1),
        "sending_at": NOW,
        "sent_at": NOW + timedelta(seconds=1),
        "follow_state": FollowState.FOLLOWED,
        "content_blob": "x",
        "recipients": (ANN, BEN),
    }
    return Message(**{**usual, **fields})


async def rows(projecting, organization, message_id):
    """Every row of a message in the lists."""
    found = projecting.messages.account.table(keys.table(organization)).query_entities(
        "PartitionKey ge 'list-' and PartitionKey lt 'list.'"
    )
    return {
        (row["PartitionKey"], row["RowKey"]): read_row(row[COLUMN])
        async for row in found
        if row["RowKey"].endswith(message_id)
    }


async def worked_out(projecting, organization, message_id):
    """What those rows have to be."""
    message = await projecting.messages.read(organization, message_id)
    facts = await projecting.interactions.facts(organization, message_id)
    kpi = Kpi() if message.status is Status.DRAFT else count(facts)
    listed = listed_of(message, kpi)
    return dict.fromkeys(places_of(message, listed), listed)


async def change(projecting, organization, old, **fields):
    """Store a message with other fields."""
    return await projecting.messages.replace(organization, old, replace(old, **fields))


async def created(projecting, organization, **fields):
    """Store a message and return it as it stands."""
    message = a_message(**fields)
    await projecting.messages.create(organization, message)
    return await projecting.messages.read(organization, message.id)


async def agrees(projecting, organization, message_id):
    """Check that the lists say what they have to, and that nothing is left to be done."""
    assert await rows(projecting, organization, message_id) == await worked_out(
        projecting, organization, message_id
    )
    summary = await projecting.summaries.read(organization, message_id)
    assert summary.settled
    assert set(summary.rows) == set(await rows(projecting, organization, message_id))
    done = await projecting.project(organization, message_id)
    assert done.before == done.after
    assert await projecting.summaries.read(organization, message_id) == summary


STATES = st.fixed_dictionaries(
    {
        "status": st.sampled_from([Status.DRAFT, Status.SENDING, Status.SENT, Status.FAILED]),
        "follow_state": st.sampled_from([None, FollowState.FOLLOWED, FollowState.NOT_FOLLOWED]),
        "ambiguous": st.booleans(),
        "subject": st.sampled_from(["Contract", "x" * 500, ""]),
        "template_id": st.sampled_from([None, "t-1", "t-2"]),
        "regarding": st.sampled_from([None, Record("contact", "c-1"), Record("account", "a-1")]),
        "recipients": st.sampled_from([(), (ANN,), (ANN, BEN), (replace(BEN, number=1),)]),
        "sender": st.sampled_from(
            [Sender("u-17", "a@b.example", None), Sender("u-2", "b@b.example", "B")]
        ),
        "sent_at": st.sampled_from([None, NOW, NOW + timedelta(days=1, milliseconds=7)]),
    }
)
STEPS = st.lists(st.tuples(STATES, st.integers(0, 2)), min_size=1, max_size=4)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, at_once=st.integers(1, 3))
async def test_whatever_becomes_of_a_message_the_lists_say_it(
    projecting, organization, steps, at_once
):
    message = await created(projecting, organization, recipients=())
    for fields, opens in steps:
        message = await change(projecting, organization, message, **fields)
        new = [an_open(message.id, NOW + timedelta(minutes=number)) for number in range(opens)]
        await projecting.interactions.change(organization, message.id, judged=[], added=new)
        await asyncio.gather(
            *(projecting.project(organization, message.id) for _ in range(at_once))
        )
        await agrees(projecting, organization, message.id)


async def test_of_several_at_once_each_change_is_told_to_one(projecting, organization):
    message = await created(projecting, organization)
    found = await asyncio.gather(
        *(projecting.project(organization, message.id) for _ in range(5)), return_exceptions=True
    )
    told = [one for one in found if not isinstance(one, ConflictError)]

    assert [one.before for one in told if one.before != one.after] == [None]
    opened_once = an_open(message.id, NOW)
    await projecting.interactions.change(organization, message.id, judged=[], added=[opened_once])
    done = await projecting.project(organization, message.id)
    assert done.before is not None
    assert (done.before.kpi.people.open_count, done.after.kpi.people.open_count) == (0, 1)
    await agrees(projecting, organization, message.id)


async def test_what_changes_nothing_that_is_shown_writes_nothing(behind, proxy, organization):
    message = await created(behind, organization)
    await behind.project(organization, message.id)
    proxy.seen.clear()
    await behind.project(organization, message.id)

    assert [method for method, _, _ in proxy.seen] == ["GET"] * 3


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("writes", range(9))
async def test_F5_whoever_is_killed_while_projecting_leaves_nothing_wrong_behind(
    behind, projecting, proxy, organization, writes, lost
):
    message = await created(behind, organization, status=Status.DRAFT, follow_state=None)
    await projecting.project(organization, message.id)
    await change(
        projecting,
        organization,
        message,
        status=Status.SENT,
        follow_state=FollowState.FOLLOWED,
        recipients=(BEN,),
    )
    left = [writes]

    async def dying(proxy, request, body):
        if request.method == "GET":
            return await healthy(proxy, request, body)
        left[0] -= 1
        if left[0] >= 0:
            return await healthy(proxy, request, body)
        return await (answer_lost if lost and left[0] == -1 else refusing(403))(
            proxy, request, body
        )

    proxy.fault = dying
    died = False
    try:
        await behind.project(organization, message.id)
    except EngagementError:
        died = True
    proxy.fault = healthy
    assert died is (left[0] < 0)

    await projecting.project(organization, message.id)
    await agrees(projecting, organization, message.id)


async def test_what_is_late_does_not_replace_what_is_newer(behind, projecting, proxy, organization):
    message = await created(projecting, organization)
    await projecting.project(organization, message.id)
    message = await change(projecting, organization, message, subject="Older")
    goes_on = threading.Event()
    arrived = threading.Event()

    async def late(proxy, request, body):
        if b"Older" in body and not goes_on.is_set():
            arrived.set()
            await asyncio.to_thread(goes_on.wait)
        return await healthy(proxy, request, body)

    proxy.fault = late
    slow = asyncio.create_task(behind.project(organization, message.id))
    await asyncio.to_thread(arrived.wait)
    await change(projecting, organization, message, subject="Newer", recipients=(BEN,))
    await projecting.project(organization, message.id)
    goes_on.set()
    await slow

    await agrees(projecting, organization, message.id)
    found = await rows(projecting, organization, message.id)
    assert {row.subject for row in found.values()} == {"Newer"}


async def test_what_is_late_does_not_bring_a_row_back_that_is_gone(
    behind, projecting, proxy, organization
):
    message = await created(projecting, organization, recipients=(), regarding=None)
    await projecting.project(organization, message.id)
    message = await change(projecting, organization, message, regarding=Record("lead", "late"))
    goes_on = threading.Event()
    arrived = threading.Event()

    async def late(proxy, request, body):
        if keys.list_of_record("lead", "late").encode() in body and b"4-summary" not in body:
            arrived.set()
            await asyncio.to_thread(goes_on.wait)
        return await healthy(proxy, request, body)

    proxy.fault = late
    slow = asyncio.create_task(behind.project(organization, message.id))
    await asyncio.to_thread(arrived.wait)
    await change(projecting, organization, message, regarding=None)
    await projecting.project(organization, message.id)
    goes_on.set()
    await slow

    await agrees(projecting, organization, message.id)


async def test_a_message_that_is_forgotten_is_in_no_list(projecting, organization):
    message = await created(projecting, organization)
    await projecting.project(organization, message.id)
    done = await projecting.forget(organization, message.id)

    assert done.before is not None
    assert done.after is None
    assert await rows(projecting, organization, message.id) == {}
    assert (await projecting.summaries.read(organization, message.id)).etag == ""
    # Until its partition is gone, whoever projects it brings it back; afterwards nobody does.
    await projecting.project(organization, message.id)
    table = projecting.messages.account.table(keys.table(organization))
    await table.delete_entity(message.id, keys.HEAD)
    done = await projecting.project(organization, message.id)
    assert (done.before is None, done.after) == (False, None)
    assert await rows(projecting, organization, message.id) == {}
    assert (await projecting.forget(organization, message.id)).before is None


async def test_of_a_message_or_organization_that_is_not_there_nothing_is_listed(
    projecting, organization
):
    for key in (organization, "0" * 16):
        done = await projecting.project(key, "0" * 24)
        assert (done.before, done.after) == (None, None)


async def test_a_change_is_marked_before_it_is_made_and_kept_if_the_lists_fail(
    behind, proxy, organization
):
    message = await created(behind, organization)
    proxy.seen.clear()
    proxy.fault = only_lists_refused
    async with behind.change(organization, message.id):
        (marker,) = [path for method, path, _ in proxy.seen if method != "GET"]
        assert message.id in marker
    assert await rows(behind, organization, message.id) == {}

    proxy.fault = refusing(403)
    with pytest.raises(StorageError):
        async with behind.change(organization, message.id):
            raise AssertionError("it was not marked")


async def only_lists_refused(proxy, request, body):
    """Refuse to write rows of lists."""
    return await (refusing(403) if b"list-" in body else healthy)(proxy, request, body)
