"""A history of messages, written straight into the stores, and what it must be rolled up to."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Copies, Message, Segment, Sender, Status
from engagement.domain.organizations.organization import Organization
from engagement.domain.reports.contribution import contributions, roll_up
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.kpi import count
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.services import Services
from engagement.services.rolling_up import Report
from engagement.storage import keys
from engagement.storage.interaction_rows import entity_of, sdk_row
from engagement.storage.rollup_rows import rollup_of

SENT_AT = datetime(2026, 11, 3, 22, tzinfo=UTC)
DAYS = 4


@dataclass
class History:
    """Messages and interactions of one organization; the same seed makes the same."""

    services: Services
    organization: Organization
    random: random.Random

    @property
    def key(self):
        """Key of the organization."""
        return self.organization.key

    async def send(self, number):
        """Store messages that were sent, marked as sending marks them; returns their ids."""
        return await in_parts(range(number), self._send)

    async def happen(self, message_ids, number, *, marked=True):
        """Store so many interactions of messages, at any times since they were sent."""
        by_message = defaultdict(list)
        for _ in range(number):
            message_id = self.random.choice(message_ids)
            by_message[message_id].append(self._interaction(message_id))

        async def store(message_id):
            found = by_message[message_id]
            for start in range(0, len(found), 100):
                part = found[start : start + 100]
                rows = [("upsert", sdk_row(entity_of(item))) for item in part]
                await self._table().submit_transaction(rows)
            if marked:
                await self.services.projecting.markers.mark(self.key, message_id)

        await in_parts(sorted(by_message), store)

    async def roll_up(self, seconds=30.0, *, now=None):
        """Roll up until nothing is left; returns how many turns it took."""
        turns = 1
        while await self.turn(seconds, now=now):
            turns += 1
        return turns

    async def turn(self, seconds=0.0, *, now=None):
        """Have one turn, in which little time is enough for something; tells if more is left."""
        now = now or later()
        rolling_up = self.services.rolling_up
        return await rolling_up.roll_up(self.key, now, seconds, Report())

    async def stored(self):
        """Rollups by day and group as they are in the table; empty ones are none."""
        query = f"PartitionKey eq '{keys.ROLLUPS}'"
        found = defaultdict(dict)
        async for row in self._table().query_entities(query):
            kind, day, *_ = row["RowKey"].split("-")
            numbers = row["numbers"]
            if numbers != "{}":
                found[day][kind, row["id"]] = rollup_of(numbers)
        return dict(found)

    async def recounted(self):
        """What they must be, from every message and interaction that is stored."""
        days = defaultdict(list)
        for message, facts in await self.facts():
            for on, contribution in contributions(message, facts, later()).items():
                days[keys.day(on)].append(contribution)
        return {
            day: {(group.kind.value, group.id): x for group, x in roll_up(found).items()}
            for day, found in days.items()
        }

    async def facts(self):
        """Every message with the facts that are stored of it."""
        query = f"RowKey eq '{keys.HEAD}'"
        rows = self._table().query_entities(query, select=["PartitionKey"])
        names = [row["PartitionKey"] async for row in rows]

        async def read(name):
            reading = self.services.reading
            facts = await reading.interactions.facts(self.key, name)
            return await reading.messages.read(self.key, name), facts

        return await in_parts(names, read)

    async def kpis(self):
        """The KPIs of every message."""
        return [count(facts) for _, facts in await self.facts()]

    async def left(self):
        """Markers that are not worked off."""
        query = (
            "PartitionKey eq @days or (PartitionKey gt 'changed-' and PartitionKey lt 'changed.')"
        )
        rows = self._table().query_entities(query, parameters={"days": keys.STALE_DAYS})
        return [row["RowKey"] async for row in rows]

    async def _send(self, _):
        message = Message(
            id=f"{self.random.getrandbits(96):024x}",
            subject="Contract",
            sender=Sender(f"u/{self.random.randrange(5)}", "seller@contoso.example", None),
            regarding=None,
            template_id=self.random.choice([None, "t#1", "t#2", "t#3"]),
            segment=Segment(self.random.choice([None, "de", "fr"]), "Wine"),
            follow=True,
            copies=Copies.SINGLE,
            status=Status.SENT,
            created_at=SENT_AT,
            sent_at=SENT_AT + timedelta(hours=self.random.randrange(24 * DAYS)),
            follow_state=self.random.choice([FollowState.FOLLOWED, FollowState.NOT_FOLLOWED]),
            content_blob="b",
        )
        await self.services.reading.messages.create(self.key, message)
        await self.services.projecting.markers.mark(self.key, message.id)
        return message.id

    def _interaction(self, message_id):
        at = SENT_AT + timedelta(seconds=self.random.randrange(DAYS * 86_400))
        verdict = self.random.choice(list(Verdict))
        return Interaction(
            id=interaction_id(at, f"{self.random.getrandbits(32):08x}"),
            message_id=message_id,
            evidence=Evidence(
                type=self.random.choice(list(InteractionType)),
                at=at,
                recipient=self.random.randrange(3),
                target=self.random.randrange(3),
                actor=self.random.choice("ab"),
            ),
            judgement=Judgement(verdict, Via.DIRECT, (), None, "2"),
        )

    def _table(self) -> TableClient:
        return self.services.rolling_up.rollups.account.table(keys.table(self.key))


def later():
    """When everything that is marked now may be rolled up."""
    return datetime.now(UTC) + timedelta(minutes=5)


async def new_history(services, seed=7):
    """A history without anything in it, in an organization of its own."""
    name = f"org-{secrets.token_hex(6)}"
    organization, _ = await services.administering.create(name, "Contoso", datetime.now(UTC))
    return History(services, organization, random.Random(seed))  # noqa: S311 - any will do


async def in_parts(items, work):
    """Do something with each item, 16 at a time."""
    limit = asyncio.Semaphore(16)

    async def one(item):
        async with limit:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
