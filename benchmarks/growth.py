"""What operations cost beside the size of what is stored: pages, and bringing one change in.

What counts is the processor time of our process, and the requests and bytes that it exchanges with
the store. The time on a clock stands apart: Azurite filters and sorts in JavaScript what Azure
finds by its keys, so that its own time grows with the rows of a table or partition.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

import aiohttp

from benchmarks.backlog import measure_backlog
from benchmarks.counting import Asked, counted
from benchmarks.figures import Figure, Part, ratios, table
from benchmarks.histories import SERIES, Operation, Stage
from benchmarks.public.stores import InMemoryAzurite
from benchmarks.stored import Filling
from benchmarks.surfaces import private_services
from devserver.backing import connection_string

#: Times that each operation runs in a round.
REPEATED = 5
#: Milliseconds on a clock after which an operation is not repeated in a round any more.
LONGEST_MS = 3_000
AIM = 1.5

INTRODUCTION = """\
Processor time is our own process's, the least of up to five in a round; requests and bytes are
those exchanged with the tables. The time on a clock is Azurite's, which filters and sorts in
JavaScript what Azure finds by its keys. A change is one more interaction: a look at its message,
with the lists, and the rollup. Of other messages, what an operation reads is stored."""


@dataclass(slots=True)
class Spent:
    """What one operation cost at one size, round by round."""

    #: milliseconds of processor time of our process
    cpu: list[float] = field(default_factory=list)
    #: milliseconds on a clock, Azurite's own included
    wall: list[float] = field(default_factory=list)
    requests: int = 0
    bytes: int = 0


def measure(rounds: int) -> Part:
    """Fill stores, measure each operation at each size in turns, and roll a backlog up."""
    with (
        tempfile.TemporaryDirectory() as folder,
        InMemoryAzurite(Path(folder), [0, 0, 0]) as azurite,
    ):
        return asyncio.run(_measure(azurite.ports, rounds))


async def _measure(ports: list[int], rounds: int) -> Part:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
        counted(ports[2]) as asked,
        private_services(connection_string(ports)) as direct,
        private_services(connection_string([*ports[:2], asked.port])) as proxied,
    ):
        stage = Stage(direct, proxied, Filling(ports, http))
        figures, texts, data = [], [], {}
        for name, prepare in SERIES.items():
            sizes = await prepare(stage)
            spent = await _in_turns(sizes, rounds, asked)
            figures.append(_figure(name, spent))
            texts.append(f"### {name}\n\n{_table(spent)}")
            data[name] = {str(size): _as_json(one) for size, one in spent.items()}
        backlog = await measure_backlog(stage, rounds)
    return Part(
        "\n\n".join([INTRODUCTION, *texts, backlog.text]),
        [*figures, *backlog.figures],
        {"growth": data, **backlog.data},
    )


async def _in_turns(sizes: Mapping[int, Operation], rounds: int, asked: Asked) -> dict[int, Spent]:
    """Return what an operation costs at each size; one round more goes before them."""
    spent = {size: Spent() for size in sizes}
    for number in range(rounds + 1):
        for size, (before, operation, _) in sizes.items():
            cpu, wall = [], []
            for _ in range(REPEATED):
                await before()
                began, clock = time.process_time(), time.perf_counter()
                await operation()
                cpu.append((time.process_time() - began) * 1000)
                wall.append((time.perf_counter() - clock) * 1000)
                if sum(wall) > LONGEST_MS:
                    break
            if number:
                # The least of them: who else uses the machine can only slow it down.
                spent[size].cpu.append(min(cpu))
                spent[size].wall.append(min(wall))
    for size, (before, _, counting) in sizes.items():
        await before()
        asked.take()
        await counting()
        spent[size].requests, spent[size].bytes = asked.take()
    return spent


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the power of the size by which costs grow: least squares over the logarithms."""
    xs, ys = [log(size) for size in sizes], [log(cost) for cost in costs]
    return statistics.linear_regression(xs, ys).slope


def _figure(name: str, spent: Mapping[int, Spent]) -> Figure:
    sizes = sorted(spent)
    small, large = 1_000, sizes[-1]
    return Figure(
        f"{name}: {large:,} beside {small:,}",
        ratios(spent[large].cpu, spent[small].cpu),
        at_most=AIM,
    )


def _table(spent: Mapping[int, Spent]) -> str:
    rows = [
        [
            f"{size:,}",
            f"{statistics.median(one.cpu):.2f}",
            f"{one.requests}",
            f"{one.bytes / 1024:,.1f}",
            f"{statistics.median(one.wall):.1f}",
        ]
        for size, one in spent.items()
    ]
    power = exponent(list(spent), [statistics.median(one.cpu) for one in spent.values()])
    head = ["size", "CPU ms", "requests", "KiB", "ms with Azurite"]
    return f"{table(head, rows)}\n\nCPU grows with the size to the power of {power:.2f}."


def _as_json(spent: Spent) -> dict[str, object]:
    return {
        "cpu_ms": spent.cpu,
        "wall_ms": spent.wall,
        "requests": spent.requests,
        "bytes": spent.bytes,
    }
