"""Markers: whatever changes while they are worked off is worked off again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from history import new_history

from engagement.config import DataAccount
from engagement.errors import NotFoundError
from engagement.storage.account import Account
from engagement.storage.markers import Markers
from engagement.storage.queries import Queries
from engagement.storage.wire import Wire

IDS = [f"{number:024x}" for number in range(130)]


@pytest.fixture
async def markers(azurite):
    """Markers of every organization."""
    account = Account(DataAccount(azurite.connection_string, None, None, None, None))
    wire = Wire(account)
    yield Markers(account, Queries(wire))
    await wire.close()
    await account.close()


@pytest.fixture
async def organization(deployment, markers):
    """Key of an organization of the test's own."""
    return deployment.run(new_history(deployment.services)).key


def soon():
    """When the present minute has ended."""
    return datetime.now(UTC) + timedelta(minutes=2)


async def test_markers_of_minutes_that_ended_are_found_and_deleted(markers, organization):
    for message_id in IDS:
        await markers.mark(organization, message_id)
    assert await markers.pending(organization, datetime.now(UTC) - timedelta(hours=1), 10) == []
    first = await markers.pending(organization, soon(), 120)
    assert len(first) == 120
    await markers.delete(organization, first)
    rest = await markers.pending(organization, soon(), 120)
    assert {x.message_id for x in [*first, *rest]} == set(IDS)


async def test_a_marker_that_was_set_again_stays(markers, organization):
    # In the same minute, or it is another marker, which stays as well.
    await markers.mark(organization, IDS[0])
    await markers.mark(organization, IDS[1])
    found = await markers.pending(organization, soon(), 10)
    await markers.mark(organization, IDS[0])
    await markers.delete(organization, found)
    await markers.delete(organization, found)

    (left,) = {x.message_id for x in await markers.pending(organization, soon(), 10)}
    assert left == IDS[0]


async def test_days_are_marked_once_each_the_oldest_first(markers, organization):
    days = [date(2026, 11, 3), date(1999, 12, 31), date(2026, 11, 3)]
    await markers.mark_days(organization, days)
    assert [x.on for x in await markers.stale_days(organization, 10)] == sorted(set(days))
    assert len(await markers.stale_days(organization, 1)) == 1


async def test_nothing_is_marked_where_there_is_no_organization(markers):
    with pytest.raises(NotFoundError):
        await markers.mark("0" * 16, IDS[0])
