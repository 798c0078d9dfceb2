"""Rolling up 10,000 new interactions, beside a bare read of the same columns of the same rows."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.figures import Figure, Part, ratios, table
from benchmarks.histories import Stage, roll_up
from benchmarks.stored import happened, new_organization, patiently, rows_of, send
from engagement.domain.messages.message import Message
from engagement.storage import keys
from engagement.storage.interactions import FACT_COLUMNS, interactions_between

INTERACTIONS = 10_000
#: Over so many messages; the aim is for the first.
MESSAGES = (10, 100)
AIM = 1.3


async def measure_backlog(stage: Stage, rounds: int) -> Part:
    """Measure in turns, each time in an organization of its own."""
    names = ("roll-up", "read by the SDK", "read by ours")
    spent: dict[int, dict[str, list[float]]] = {
        messages: {name: [] for name in names} for messages in MESSAGES
    }
    for number in range(rounds + 1):
        for messages, taken in spent.items():
            found = await _once(stage, messages)
            if number:
                for name, seconds in zip(names, found, strict=True):
                    taken[name].append(seconds)
    figures = [
        Figure(
            f"rollup of 10,000 interactions of {messages}, beside the SDK's read",
            ratios(taken["roll-up"], taken["read by the SDK"]),
            at_most=AIM if messages == MESSAGES[0] else None,
        )
        for messages, taken in spent.items()
    ]
    figures += [
        Figure(
            f"rollup of 10,000 interactions of {messages}, beside our own read",
            ratios(taken["roll-up"], taken["read by ours"]),
        )
        for messages, taken in spent.items()
    ]
    figures.append(
        Figure(
            "rollup of one interaction of 10,000",
            tuple(x / INTERACTIONS * 1e6 for x in spent[MESSAGES[0]]["roll-up"]),
            "us",
        )
    )
    return Part(_text(spent), figures, {"backlog": {str(key): x for key, x in spent.items()}})


async def _once(stage: Stage, messages: int) -> tuple[float, float, float]:
    """Return the seconds of processor time of a roll-up and of two bare reads."""
    services = stage.services
    key = (await new_organization(services)).key
    sent = [await send(services, key) for _ in range(messages)]
    for message in sent:
        acts = happened(message, INTERACTIONS // messages)
        await stage.filling.fill(keys.table(key), rows_of(acts))
        # As the looks at each message leave it.
        await patiently(partial(services.judging.mark, key, message.id))
        await patiently(partial(services.projecting.project, key, message.id))
    later = datetime.now(UTC) + timedelta(minutes=5)
    began = time.process_time()
    await patiently(lambda: roll_up(services, key, later))
    rolled_up = time.process_time() - began
    return rolled_up, await _by_the_sdk(stage, key, sent), await _by_ours(stage, key, sent)


async def _by_the_sdk(stage: Stage, key: str, messages: list[Message]) -> float:
    tables = stage.services.projecting.interactions.account.table(keys.table(key))
    began, found = time.process_time(), 0
    for message in messages:
        query = interactions_between(message.id, "")
        found += len([row async for row in tables.query_entities(query, select=[*FACT_COLUMNS])])
    return _whole(found, began)


async def _by_ours(stage: Stage, key: str, messages: list[Message]) -> float:
    queries = stage.services.projecting.interactions.queries
    began, found = time.process_time(), 0
    for message in messages:
        query = interactions_between(message.id, "")
        pages = queries.pages(keys.table(key), query, select=FACT_COLUMNS)
        found += sum([len(page) async for page in pages])
    return _whole(found, began)


def _whole(found: int, began: float) -> float:
    spent = time.process_time() - began
    if found != INTERACTIONS:
        raise RuntimeError(f"{found} of {INTERACTIONS} rows were read.")
    return spent


def _text(spent: dict[int, dict[str, list[float]]]) -> str:
    head = ["messages", "roll-up ms", "read by the SDK ms", "read by ours ms", "interactions/s"]
    rows = []
    for messages, taken in spent.items():
        middle = [sorted(x)[len(x) // 2] for x in taken.values()]
        rate = f"{INTERACTIONS / middle[0]:,.0f}"
        rows.append([f"{messages}", *(f"{x * 1000:.0f}" for x in middle), rate])
    return (
        f"### Rolling up {INTERACTIONS:,} new interactions, processor time\n\n{table(head, rows)}"
    )
