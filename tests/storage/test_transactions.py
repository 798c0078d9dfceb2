"""Transactions: what the store says is told apart."""

from __future__ import annotations

import secrets

import pytest

from engagement.config import DataAccount
from engagement.errors import ConflictError, NotFoundError
from engagement.storage.account import Account
from engagement.storage.transactions import transact

ROW = {"PartitionKey": "p", "RowKey": "r"}


@pytest.fixture
async def account(azurite):
    """A client of the emulator."""
    made = Account(DataAccount(azurite.connection_string, None, None, None, None))
    yield made
    await made.close()


async def test_a_row_that_is_there_is_a_conflict_and_one_that_is_gone_is_not_found(account):
    table = await account.tables.create_table(f"t{secrets.token_hex(8)}")
    await transact(table, [("create", ROW)])

    with pytest.raises(ConflictError):
        await transact(table, [("create", ROW)])
    with pytest.raises(NotFoundError):
        await transact(table, [("delete", {**ROW, "RowKey": "other"})])


async def test_a_table_that_is_gone_is_not_found(account):
    with pytest.raises(NotFoundError):
        await transact(account.table(f"t{secrets.token_hex(8)}"), [("create", ROW)])
