"""What is kept of people's habits, on Azurite: a row for each message, replaced and forgotten."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from engagement.config import DataAccount
from engagement.domain.delivery.habit import ReplyOffset, Trace
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.people import MOST_READ, People

SENT = datetime(2026, 6, 8, 9, 0, 0, 123_000, tzinfo=UTC)
ANN = "ann@fabrikam.example"


@pytest.fixture(scope="module")
async def organization(azurite):
    """People of an organization of the module's own."""
    account = Account(DataAccount(azurite.connection_string, None, None, None, None))
    key = secrets.token_hex(8)
    await account.tables.create_table(keys.table(key))
    yield People(account), key
    await account.close()


def somebody():
    return f"{secrets.token_hex(6)}@fabrikam.example"


def trace(minutes=345, **later):
    at = SENT + timedelta(**later)
    return Trace((at + timedelta(hours=1), at), ReplyOffset(minutes, at))


async def test_what_is_written_is_read_back_by_any_spelling_of_the_address(organization):
    people, key = organization
    address = somebody()
    await people.write(key, address, "1" * 24, SENT, trace())

    assert await people.read(key, address.upper()) == trace()
    assert await people.read(key, somebody()) == Trace()


async def test_writing_again_replaces_and_nothing_told_is_nothing_kept(organization):
    people, key = organization
    address = somebody()
    for told in (trace(), trace(), trace(60, days=1), Trace((SENT,))):
        await people.write(key, address, "1" * 24, SENT, told)
        assert await people.read(key, address) == told
    for _ in range(2):
        await people.write(key, address, "1" * 24, SENT, Trace())
    assert await people.read(key, address) == Trace()


async def test_several_messages_are_read_together(organization):
    people, key = organization
    address = somebody()
    await people.write(key, address, "1" * 24, SENT, trace())
    await people.write(key, address, "2" * 24, SENT, trace(-60, days=2))
    found = await people.read(key, address)

    assert len(found.acts) == 4
    assert found.reply_offset == ReplyOffset(-60, SENT + timedelta(days=2))


async def test_only_the_newest_messages_are_read(organization):
    people, key = organization
    address = somebody()
    for day in range(MOST_READ + 5):
        at = SENT + timedelta(days=day)
        await people.write(key, address, f"{day:024x}", at, Trace((at,)))
    found = await people.read(key, address)

    assert (len(found.acts), found.acts[-1]) == (MOST_READ, SENT + timedelta(days=5))


async def test_a_person_can_be_forgotten_and_nobody_else_is(organization):
    people, key = organization
    address, other = somebody(), somebody()
    for day in range(105):
        at = SENT + timedelta(days=day)
        await people.write(key, address, f"{day:024x}", at, Trace((at,)))
    await people.write(key, other, "1" * 24, SENT, trace())
    for _ in range(2):
        await people.forget(key, address)

    assert await people.read(key, address) == Trace()
    assert await people.read(key, other) == trace()
