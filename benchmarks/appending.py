"""What storing one interaction costs its client, and what group commit would bring.

Each round has an Azurite of its own, as an insert there slows down with the rows of its partition,
and every contender a table of its own in it, in turns; the rows of each are counted in the end.
Client and store share the machine: processor time of the client carries over, in relation to the
others'; latencies and rates are Azurite's as much as ours.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from azure.data.tables.aio import TableServiceClient

from benchmarks.figures import Figure, Part, ratios, table
from benchmarks.group_commit import GroupCommit
from benchmarks.inserting import Insert, appends, by_aiohttp, by_sdk, entity, ours
from devserver.backing import Azurite
from engagement.storage import keys

OURS, AIOHTTP, SDK = "ours", "aiohttp, signed by hand", "Azure SDK"
SINGLE, GROUPED = "single inserts", "group commit"

Contender = Callable[[str, str], AbstractAsyncContextManager[Insert]]
CONTENDERS: dict[str, Contender] = {OURS: ours, AIOHTTP: by_aiohttp, SDK: by_sdk}

#: Partitions, as of messages that are opened at the same time.
PARTITIONS = 200
#: Inserts at the same time to how many are measured.
COUNTS = {1: 300, 16: 960, 64: 960}
#: Inserts before those that are measured: connections, and what is imported late.
WARM_UP = 64

#: Partitions into which 64 at the same time insert, one by one and in groups.
GROUP_PARTITIONS = (1, 16, 100)
GROUP_COUNT, GROUP_WRITERS = 1280, 64


@dataclass(frozen=True, slots=True)
class Cost:
    """What inserts cost, one for one."""

    #: float, milliseconds of user and system time of the client
    cpu: float
    #: float, milliseconds
    p50: float
    p99: float
    #: float, inserts in a second
    rate: float


def measure(rounds: int) -> Part:
    """Measure all contenders in turns, so often."""
    taken: list[dict[str, dict[int, Cost]]] = []
    groups: list[dict[str, dict[int, Cost]]] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder, Azurite(Path(folder), [0, 0, 0]) as azurite:
            taken.append(asyncio.run(_round(azurite.connection_string, number)))
            groups.append(asyncio.run(_group_round(azurite.connection_string, number)))
    text = (
        f"{_table(taken, 'at the same time', tuple(CONTENDERS))}\n\n"
        f"{GROUP_WRITERS} at the same time:\n\n"
        f"{_table(groups, 'partitions', (SINGLE, GROUPED))}"
    )
    data = [_as_json({**one, **group}) for one, group in zip(taken, groups, strict=True)]
    return Part(text, [*_figures(taken), *_group_figures(groups)], {"rounds": data})


async def _round(data: str, number: int) -> dict[str, dict[int, Cost]]:
    names = _turned(list(CONTENDERS), number)
    found: dict[str, dict[int, Cost]] = {name: {} for name in names}
    for at_once, count in COUNTS.items():
        for name in names:
            async with (
                _table_of(data, WARM_UP + count) as organization,
                CONTENDERS[name](data, organization) as insert,
            ):
                await _insert_all(insert, _ids(PARTITIONS), WARM_UP, at_once)
                found[name][at_once] = await _insert_all(insert, _ids(PARTITIONS), count, at_once)
    return found


async def _group_round(data: str, number: int) -> dict[str, dict[int, Cost]]:
    url = dict(part.split("=", 1) for part in data.split(";") if part)["TableEndpoint"]
    found: dict[str, dict[int, Cost]] = {SINGLE: {}, GROUPED: {}}
    for partitions in GROUP_PARTITIONS:
        for name in _turned([SINGLE, GROUPED], number):
            async with (
                _table_of(data, WARM_UP + GROUP_COUNT) as organization,
                ours(data, organization) as single,
                appends(data) as ready,
            ):
                group = GroupCommit(ready, url)
                insert = single if name is SINGLE else _grouped(group, organization)
                await _insert_all(insert, _ids(partitions), WARM_UP, GROUP_WRITERS)
                found[name][partitions] = await _insert_all(
                    insert, _ids(partitions), GROUP_COUNT, GROUP_WRITERS
                )
    return found


def _grouped(group: GroupCommit, organization: str) -> Insert:
    return lambda row: group.append(organization, row)


@asynccontextmanager
async def _table_of(data: str, count: int) -> AsyncIterator[str]:
    """Give an organization with a table, and count in the end that it has so many rows."""
    organization = secrets.token_hex(8)
    async with TableServiceClient.from_connection_string(data) as service:
        client = await service.create_table(keys.table(organization))
        yield organization
        stored = 0
        async for _ in client.list_entities(select=["RowKey"]):
            stored += 1
    if stored != count:
        raise RuntimeError(f"{count} rows were acknowledged, and {stored} are stored.")


async def _insert_all(insert: Insert, ids: Sequence[str], count: int, at_once: int) -> Cost:
    """Insert *count* rows into the partitions *ids* in turns, so many at the same time."""
    rows = iter([entity(ids[number % len(ids)]) for number in range(count)])
    taken: list[float] = []

    async def write() -> None:
        for row in rows:
            began = time.perf_counter()
            await insert(row)
            taken.append(time.perf_counter() - began)

    spent, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(write() for _ in range(at_once)))
    spent, lasted = time.process_time() - spent, time.perf_counter() - began
    *_, p99 = statistics.quantiles(taken, n=100)
    p50 = statistics.median(taken)
    return Cost(spent * 1000 / count, p50 * 1000, p99 * 1000, count / lasted)


def _ids(count: int) -> list[str]:
    return [secrets.token_hex(12) for _ in range(count)]


def _turned(names: list[str], number: int) -> list[str]:
    """Return *names* with another one first in each round."""
    first = number % len(names)
    return [*names[first:], *names[:first]]


def _figures(taken: Sequence[dict[str, dict[int, Cost]]]) -> list[Figure]:
    def cpu(name: str) -> list[float]:
        return [one[name][16].cpu for one in taken]

    what = "client CPU of one append, 16 at the same time"
    return [
        Figure(f"{what}, beside aiohttp", ratios(cpu(OURS), cpu(AIOHTTP)), at_most=1.3),
        Figure(f"{what}, beside the SDK", ratios(cpu(OURS), cpu(SDK)), at_most=0.25),
    ]


def _group_figures(groups: Sequence[dict[str, dict[int, Cost]]]) -> list[Figure]:
    # Without an aim: docs/adr/0021-no-group-commit.md.
    return [
        Figure(
            f"appends a second to {partitions} message{'s' if partitions > 1 else ''}, "
            "group commit beside single inserts",
            ratios(
                [one[GROUPED][partitions].rate for one in groups],
                [one[SINGLE][partitions].rate for one in groups],
            ),
        )
        for partitions in GROUP_PARTITIONS
    ]


def _table(taken: Sequence[dict[str, dict[int, Cost]]], what: str, names: Sequence[str]) -> str:
    """Return medians of the rounds; *what* is the second column."""
    rows = []
    for place in taken[0][next(iter(names))]:
        for name in names:
            costs = [one[name][place] for one in taken]
            middle = Cost(
                *(statistics.median(getattr(cost, field) for cost in costs) for field in FIELDS)
            )
            shown = [f"{middle.cpu:.3f}", f"{middle.p50:.1f}", f"{middle.p99:.1f}"]
            rows.append([name, str(place), *shown, f"{middle.rate:,.0f}"])
    return table(["", what, "CPU ms", "p50 ms", "p99 ms", "a second"], rows)


FIELDS = ("cpu", "p50", "p99", "rate")


def _as_json(found: dict[str, dict[int, Cost]]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {str(place): asdict(cost) for place, cost in costs.items()}
        for name, costs in found.items()
    }
