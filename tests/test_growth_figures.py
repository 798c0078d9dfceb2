"""What the benchmarks of growth rest on: the exponent, and rows that the product reads."""

from __future__ import annotations

import secrets

import aiohttp
import pytest

from benchmarks.growth import exponent
from benchmarks.stored import Filling, happened, message_sent, rows_of
from engagement.config import DataAccount
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.interactions import Interactions
from engagement.storage.queries import Queries
from engagement.storage.wire import Wire


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(power):
    sizes = [10, 1_000, 100_000]
    assert exponent(sizes, [3.5 * size**power for size in sizes]) == pytest.approx(power)


async def test_what_a_store_is_filled_with_is_what_the_product_reads(azurite):
    account = Account(DataAccount(azurite.connection_string, None, None, None, None))
    organization, messages = secrets.token_hex(8), [message_sent(), message_sent()]
    await account.tables.create_table(keys.table(organization))
    acts = {message.id: happened(message, 120) for message in messages}
    async with aiohttp.ClientSession() as http:
        filling = Filling(azurite.ports, http)
        for one in acts.values():
            await filling.fill(keys.table(organization), rows_of(one))
        with pytest.raises(RuntimeError, match="not stored"):
            await filling.fill(keys.table(organization), rows_of(acts[messages[0].id][:1]))

    wire = Wire(account)
    interactions = Interactions(account, Queries(wire))
    for message_id, expected in acts.items():
        found = await interactions.page(organization, message_id, after="", size=200)
        assert found == sorted(expected, key=lambda act: act.id)
    await wire.close()
    await account.close()
