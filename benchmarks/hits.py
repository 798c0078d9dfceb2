"""What a hit costs in processor time, measured on this machine: `make bench-cost`.

The local host stands in for the Functions host, Azurite for the stores, both on the machine that
also asks: neither times nor hits per second carry over to Azure. What does carry over is by how
much a hit costs more than an answer that touches nothing (/healthz) in the same run.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.processes import processor_seconds, served
from benchmarks.surfaces import private_services, settings
from devserver.backing import Azurite, free_port
from engagement.domain.messages.attachment import Attachment
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Copies, FollowedLink, Message, Sender, Status
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken
from engagement.services import Services
from engagement.services.rolling_up import Report
from engagement.storage.judgement_requests import JudgementRequest, record_of

FILE = b"%PDF-1.7 offer"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

#: Messages that are hit: Azurite slows down with the rows of a partition.
MESSAGES = 200
ROUNDS = 3
#: Requests at the same time, as many as one instance is given.
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request cost the server."""

    #: float, milliseconds of user and system time
    cpu: float
    #: float, requests answered in a second
    rate: float


def report() -> str:
    """Measure and return the table."""
    with tempfile.TemporaryDirectory() as folder, Azurite(Path(folder), [0, 0, 0]) as azurite:
        return asyncio.run(_report(azurite.connection_string))


async def _report(data: str) -> str:
    async with private_services(data) as services:
        key, ids = await _send(services)
        port = free_port()
        command = [sys.executable, "-m", "devserver", "--no-demo", "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        with served(command, url, settings(data, "public")) as process:
            taken = await _rounds(process.pid, url, _paths(key, ids))
        looks, idle = await _looks(services, key, ids), await _idle(services)
    floor = taken["/healthz"].cpu
    rows = ["| request | CPU ms | more than /healthz | a second |", "| --- | ---: | ---: | ---: |"]
    rows += [
        f"| {name} | {cost.cpu:.2f} | {cost.cpu - floor:+.2f} | {cost.rate:,.0f} |"
        for name, cost in taken.items()
    ]
    rows.append(f"| a look at a message, in a function | {looks:.2f} | | |")
    rows.append(f"| rolling up an organization where nothing changed | {idle:.2f} | | |")
    return "\n".join(rows)


async def _send(services: Services) -> tuple[str, list[str]]:
    """Store messages with a link and a file each; return the organization's key and their ids."""
    organization, _ = await services.administering.create("bench", "Bench", datetime.now(UTC))
    key, now = organization.key, datetime.now(UTC)
    await services.attaching.blobs.write(key, "file", FILE, "application/pdf")
    ids = [secrets.token_hex(12) for _ in range(MESSAGES)]
    messages, links = services.reading.messages, [FollowedLink(1, "https://contoso.example/offer")]
    for start in range(0, MESSAGES, AT_ONCE):
        part = [_message(one, now) for one in ids[start : start + AT_ONCE]]
        await asyncio.gather(*(messages.create(key, one) for one in part))
        await asyncio.gather(*(messages.write_links(key, one, links) for one in part))
    return key, ids


def _message(message_id: str, now: datetime) -> Message:
    return Message(
        id=message_id,
        subject="Contract",
        sender=Sender("u-17", "seller@contoso.example", None),
        regarding=None,
        template_id=None,
        follow=True,
        copies=Copies.SINGLE,
        status=Status.SENT,
        created_at=now,
        sent_at=now,
        follow_state=FollowState.FOLLOWED,
        content_blob="none",
        attachments=(
            Attachment(
                number=1,
                name="offer.pdf",
                content_type="application/pdf",
                size=len(FILE),
                followed=True,
                blob="file",
                suspicion=None,
                created_at=now,
            ),
        ),
    )


def _paths(key: str, ids: list[str]) -> dict[str, list[str]]:
    """Return what is asked for, by what it is."""
    urls = TrackedUrls("", TokenSigner({1: b"k" * 32}))
    sent_at = datetime.now(UTC)

    def tracked(kind: Kind, target: int, name: str = "") -> list[str]:
        tokens = (TrackingToken(kind, key, one, sent_at, target=target) for one in ids)
        return [urls.url(token, name) for token in tokens]

    return {
        "/healthz": ["/healthz"] * len(ids),
        "pixel": tracked(Kind.OPEN, 0),
        "click": tracked(Kind.CLICK, 1),
        "attachment of 14 bytes": tracked(Kind.ATTACHMENT, 1, "offer.pdf"),
    }


async def _rounds(pid: int, url: str, paths: dict[str, list[str]]) -> dict[str, Cost]:
    """Return the median cost of each kind of request, over rounds in turns after a first."""
    taken: dict[str, list[Cost]] = {name: [] for name in paths}
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=url, trust_env=False, limits=limits) as http:
        for number in range(ROUNDS + 1):
            for name, asked in paths.items():
                # An app that has just started may well ask to be asked again.
                cost = await _ask(pid, http, asked, refusals=not number)
                if number:
                    taken[name].append(cost)
    return {
        name: Cost(
            statistics.median(one.cpu for one in costs),
            statistics.median(one.rate for one in costs),
        )
        for name, costs in taken.items()
    }


async def _ask(pid: int, http: httpx.AsyncClient, paths: list[str], *, refusals: bool) -> Cost:
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int, path: str) -> None:
        headers = {"User-Agent": AGENT, "X-Forwarded-For": f"192.0.2.{number % 250}"}
        async with turns:
            answer = await http.get(path, headers=headers)
        if answer.status_code not in (200, 302) and not (refusals and answer.status_code == 503):
            raise RuntimeError(f"{path} was answered with {answer.status_code}.")

    spent, began = processor_seconds(pid), time.monotonic()
    await asyncio.gather(*(ask(number, path) for number, path in enumerate(paths)))
    took = time.monotonic() - began
    return Cost((processor_seconds(pid) - spent) * 1000 / len(paths), len(paths) / took)


async def _looks(services: Services, key: str, ids: list[str]) -> float:
    """Return the milliseconds of processor time of a second look at a message that was hit."""
    records = [record_of(JudgementRequest(key, one, last=True)) for one in ids[:100]]
    spent: list[float] = []
    for _ in range(2):
        began = time.process_time()
        for record in records:
            await services.judging.take(record, datetime.now(UTC))
        spent.append((time.process_time() - began) * 1000 / len(records))
    return spent[-1]


async def _idle(services: Services) -> float:
    """Return the milliseconds of processor time of rolling up where nothing changed."""
    organization, _ = await services.administering.create("idle", "Idle", datetime.now(UTC))
    began = time.process_time()
    for _ in range(100):
        await services.rolling_up.roll_up(organization.key, datetime.now(UTC), 10, Report())
    return (time.process_time() - began) * 1000 / 100
