"""The append and the timeline, on Azurite: each interaction once, newest first."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.config import DataAccount
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.kpi import count
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.appends import Appends
from engagement.storage.interaction_rows import entity_of
from engagement.storage.interactions import Interactions
from engagement.storage.queries import Queries
from engagement.storage.wire import Wire

START = datetime(2026, 11, 22, 9, 0, 0, 123_000, tzinfo=UTC)


def interaction(second=0, nonce="00", message_id="1" * 24, **more):
    """An interaction some seconds after the start."""
    at = START + timedelta(seconds=second)
    fields = {
        "evidence": Evidence(type=InteractionType.OPEN, at=at, recipient=1, actor=nonce),
        "judgement": Judgement(Verdict.PERSON, Via.DIRECT, rules="2"),
        **more,
    }
    return Interaction(id=interaction_id(at, nonce), message_id=message_id, **fields)


class Store:
    """The two clients of one organization's table."""

    def __init__(self, account, organization):
        self.loop = asyncio.get_running_loop()
        self.organization = organization
        self.wire = Wire(account)
        self.appends = Appends(self.wire)
        self.interactions = Interactions(account, Queries(self.wire))

    async def append(self, item):
        await self.appends.append(self.organization, entity_of(item), 10)

    async def facts(self, message_id):
        return await self.interactions.facts(self.organization, message_id)

    async def timeline(self, message_id, size=1000):
        return await self.interactions.page(self.organization, message_id, after="", size=size)


@pytest.fixture(scope="session")
async def store(azurite):
    """A table of its own."""
    account = Account(DataAccount(azurite.connection_string, None, None, None, None))
    organization = secrets.token_hex(8)
    await account.tables.create_table(keys.table(organization))
    made = Store(account, organization)
    yield made
    await made.wire.close()
    await account.close()


async def test_what_is_appended_is_read_back(store):
    message_id = secrets.token_hex(12)
    full = interaction(
        message_id=message_id,
        evidence=Evidence(
            type=InteractionType.CLICK,
            at=START,
            recipient=1,
            target=7,
            method="HEAD",
            announced=True,
            user_agent='Ünïcode "quoted" <b>',
            network="microsoft_365_protection",
            address="40.92.1.0",
            actor="0123456789ab",
            after_seconds=3_000_000,
            messages=21,
        ),
        judgement=Judgement(
            Verdict.AUTOMATED, Via.UNKNOWN, ("method", "prefetch"), "Outlook", "2+00000000"
        ),
        replied_by="ann@fabrikam.example",
    )
    await store.append(full)

    assert await store.timeline(message_id) == [full]


@settings(max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), min_size=1, max_size=25))
def test_P4_order_and_duplication_change_nothing(store, pairs):
    message_id = secrets.token_hex(12)
    items = [interaction(second, f"{nonce:02x}", message_id) for second, nonce in pairs]

    async def append_all():
        await asyncio.gather(*(store.append(item) for item in items))
        return await store.timeline(message_id)

    timeline = store.loop.run_until_complete(append_all())
    unique = {item.id: item for item in items}
    assert timeline == [unique[key] for key in sorted(unique)]
    facts = store.loop.run_until_complete(store.facts(message_id))
    assert len(facts) == len(unique)
    assert count(facts) == count(reversed(facts))


async def test_a_table_that_is_gone_is_told_from_one_that_is_down(store):
    with pytest.raises(NotFoundError):
        await store.appends.append("f" * 16, entity_of(interaction()), 10)


async def test_F3_a_refused_append_is_tried_once_and_no_more():
    asked = []

    async def refuse(request):
        asked.append(request.headers["Authorization"])
        return web.Response(status=503, headers={"Retry-After": "60"})

    async with serving(refuse) as appends:
        with pytest.raises(StorageError):
            await appends.append("0" * 16, entity_of(interaction()), 10)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("EntityAlreadyExists", None),
        ("TableBeingDeleted", NotFoundError),
        ("AccountBeingCreated", StorageError),
        ("", StorageError),
    ],
)
async def test_F19_only_a_conflict_with_itself_says_that_an_interaction_is_stored(code, error):
    async def refuse(request):
        text = f'{{"odata.error": {{"code": "{code}", "message": {{"value": "No."}}}}}}'
        return web.Response(status=409, content_type="application/json", text=text)

    async with serving(refuse) as appends:
        with pytest.raises(error) if error else nullcontext():
            await appends.append("0" * 16, entity_of(interaction()), 10)


async def test_in_azure_the_append_shows_a_token_that_is_asked_for_once():
    asked = []

    async def accept(request):
        asked.append((request.path, request.headers["Authorization"]))
        return web.Response(status=204)

    async with serving(accept) as appends:
        items = [entity_of(interaction(second)) for second in range(3)]
        # The first two ask before there is a token.
        await asyncio.gather(*(appends.append("0" * 16, item, 10) for item in items[:2]))
        await appends.append("0" * 16, items[2], 10)
    assert asked == [(f"/org{'0' * 16}", "Bearer token-1")] * 3


class serving:  # noqa: N801 - read as a with statement
    """A table service of the test's own, reached as Azure's is."""

    def __init__(self, handler):
        self.handler = handler

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handler)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        account = Account(DataAccount(None, *[f"http://127.0.0.1:{port}"] * 3, None))
        account.__dict__["credential"] = Credential()
        self.wire = Wire(account)
        return Appends(self.wire)

    async def __aexit__(self, *_):
        await self.wire.close()
        await self.runner.cleanup()


class Credential:
    """An identity whose tokens are numbered and live for an hour."""

    def __init__(self):
        self.issued = 0

    async def get_token(self, scope):
        assert scope == "https://storage.azure.com/.default"
        self.issued += 1
        issued = self.issued
        await asyncio.sleep(0)
        expires = datetime.now(UTC) + timedelta(hours=1)
        return Token(f"token-{issued}", expires.timestamp())


class Token:
    """What an identity issues."""

    def __init__(self, token, expires_on):
        self.token = token
        self.expires_on = expires_on
