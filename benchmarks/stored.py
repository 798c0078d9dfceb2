"""A store that is filled fast, and what the operations that are measured find in it.

Rows are those that the product writes, made by its own functions, and go in by hundreds in
transactions that are signed by hand; Azurite keeps them in memory.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any, TypeVar

import aiohttp

from devserver.backing import EMULATOR_KEY
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import (
    Copies,
    Message,
    Recipient,
    Role,
    Segment,
    Sender,
    Status,
)
from engagement.domain.organizations.organization import Organization
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.errors import ConflictError, StorageError
from engagement.services import Services
from engagement.storage import keys
from engagement.storage.interaction_rows import entity_of
from engagement.storage.transactions import LARGEST

ACCOUNT = "devstoreaccount1"
SENT_AT = datetime(2026, 11, 3, 9, tzinfo=UTC)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
#: Recipients of a message; an act in ten is a click on one of five links.
RECIPIENTS, LINKS = 3, 5

Row = Mapping[str, Any]
T = TypeVar("T")


class Filling:
    """Puts rows into tables."""

    def __init__(self, ports: list[int], http: aiohttp.ClientSession) -> None:
        self.http = http
        self.url = f"http://127.0.0.1:{ports[2]}/{ACCOUNT}"

    async def fill(self, table: str, rows: Iterable[Row]) -> None:
        """Insert rows, in the protocol's JSON, in transactions of a hundred."""
        partitions: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            partitions[row["PartitionKey"]].append(row)
        for found in partitions.values():
            for start in range(0, len(found), LARGEST):
                await self._insert(table, found[start : start + LARGEST])

    async def _insert(self, table: str, rows: list[Row]) -> None:
        body = _batch(f"{self.url}/{table}", rows)
        async with self.http.post(f"{self.url}/$batch", data=body, headers=_headers()) as answer:
            text = await answer.text()
        if answer.status != 202 or "HTTP/1.1 4" in text or "HTTP/1.1 5" in text:
            raise RuntimeError(f"The rows were not stored ({answer.status}): {text[:500]}")


def _headers() -> dict[str, str]:
    """Return the headers of a transaction, signed ("Authorize with Shared Key", the light form)."""
    date = formatdate(usegmt=True)
    text = f"{date}\n/{ACCOUNT}/{ACCOUNT}/$batch".encode()
    signature = hmac.digest(base64.b64decode(EMULATOR_KEY), text, hashlib.sha256)
    return {
        "Authorization": f"SharedKeyLite {ACCOUNT}:{base64.b64encode(signature).decode()}",
        "Content-Type": "multipart/mixed; boundary=batch_of_rows",
        "DataServiceVersion": "3.0",
        "x-ms-date": date,
        "x-ms-version": "2020-12-06",
    }


def _batch(url: str, rows: list[Row]) -> bytes:
    """Return a transaction of inserts ("Performing entity group transactions")."""
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary"
    inner = "Accept: application/json;odata=nometadata\r\nContent-Type: application/json"
    parts = "".join(
        f"--changeset_of_rows\r\n{head}\r\n\r\nPOST {url} HTTP/1.1\r\n{inner}\r\n"
        f"Prefer: return-no-content\r\nDataServiceVersion: 3.0\r\n\r\n{json.dumps(row)}\r\n"
        for row in rows
    )
    return (
        "--batch_of_rows\r\nContent-Type: multipart/mixed; boundary=changeset_of_rows\r\n\r\n"
        f"{parts}--changeset_of_rows--\r\n--batch_of_rows--\r\n"
    ).encode()


async def new_organization(services: Services) -> Organization:
    """Make an organization with nothing in it."""
    name = f"bench-{secrets.token_hex(6)}"
    organization, _ = await patiently(
        lambda: services.administering.create(name, "Bench", datetime.now(UTC))
    )
    return organization


async def send(services: Services, key: str, sent_at: datetime = SENT_AT) -> Message:
    """Store a message that was sent."""
    message = message_sent(sent_at)
    # Once more, it is there already.
    with suppress(ConflictError):
        await patiently(lambda: services.reading.messages.create(key, message))
    return message


def message_sent(sent_at: datetime = SENT_AT) -> Message:
    """Return a followed message to three people, made from a template."""
    return Message(
        id=secrets.token_hex(12),
        subject="Contract for signature",
        sender=Sender("u-17", "seller@contoso.example", "Kim Seller"),
        regarding=None,
        template_id="t-1",
        segment=Segment("de", "Wine"),
        follow=True,
        copies=Copies.SINGLE,
        status=Status.SENT,
        created_at=sent_at,
        sent_at=sent_at,
        follow_state=FollowState.FOLLOWED,
        content_blob="none",
        recipients=tuple(
            Recipient(number, Role.TO, f"ann{number}@fabrikam.example", "Ann", None)
            for number in range(1, RECIPIENTS + 1)
        ),
    )


def happened(message: Message, number: int, *, seconds: float = 97.0) -> list[Interaction]:
    """Return so many interactions with a message, one each *seconds* since it was sent."""
    sent_at = message.sent_at or SENT_AT
    return [
        _interaction(message.id, sent_at + timedelta(seconds=seconds * (count + 1)), count)
        for count in range(number)
    ]


def rows_of(interactions: Iterable[Interaction]) -> Iterable[Row]:
    """Return the rows of interactions."""
    return map(entity_of, interactions)


def _interaction(message_id: str, at: datetime, count: int, actor: str = "") -> Interaction:
    click = count % 10 == 9
    evidence = Evidence(
        type=InteractionType.CLICK if click else InteractionType.OPEN,
        at=at,
        target=count % LINKS + 1 if click else 0,
        user_agent=AGENT,
        address="192.0.2.0/24",
        actor=actor or f"{count % 7:012x}",
        after_seconds=97 * (count + 1),
    )
    verdict = Verdict.AUTOMATED if count % 4 == 3 else Verdict.PERSON
    # As rules of an earlier version have judged it.
    judgement = Judgement(verdict, Via.DIRECT, (), "Firefox", "0")
    return Interaction(
        id=interaction_id(at, secrets.token_hex(4)),
        message_id=message_id,
        evidence=evidence,
        judgement=judgement,
    )


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do *work*, again where Azurite closed a connection just as it was used."""
    for _ in range(3):
        with suppress(StorageError):
            return await work()
    return await work()


async def happens_now(services: Services, filling: Filling, key: str, message: Message) -> None:
    """Store one more interaction with a message, and mark that it changed."""
    # Somebody new each time: the same visitor within a minute counts once, and changes nothing.
    one = _interaction(message.id, datetime.now(UTC), 0, secrets.token_hex(6))
    await filling.fill(keys.table(key), [entity_of(one)])
    await patiently(lambda: services.projecting.markers.mark(key, message.id))
