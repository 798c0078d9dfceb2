"""Whoever asks: wrk for a time, and a client of our own that asks a fixed number of times.

wrk cuts replies off that are on their way when its time is up: what they did is stored and not
counted. So what is stored is held against its count with that much room, and exactly after a fixed
number, each of which is waited for.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import aiohttp

SCRIPT = Path(__file__).parent / "cycle.lua"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
#: Addresses that the script has for visitors.
VISITORS = 131_072


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted."""

    requests: int
    seconds: float
    #: float, milliseconds within which half of the answers, and 99 % of them, came
    p50: float
    p99: float
    #: int, answers of 400 and above
    refused: int
    #: int, connections that failed and answers that did not come in time
    broken: int

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return self.requests / self.seconds


def press(url: str, paths: Path, connections: int, seconds: int) -> Load:
    """Ask for what a file of paths names, in turn, for some seconds and always at once again."""
    visitor = str(secrets.randbelow(VISITORS))
    many = [f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    command = ["wrk", "-t1", *many, "-s", str(SCRIPT), url, "--", str(paths), AGENT, visitor]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603
    return load_of(done.stdout)


def load_of(output: str) -> Load:
    """Read what the script printed at its end; raises ValueError if it did not get there."""
    line = output.strip().rpartition("\n")[2]
    found = json.loads(line)
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
        refused=found["refused"],
        broken=found["broken"],
    )


def ask(url: str, paths: Sequence[str], number: int, at_once: int) -> Counter[int]:
    """Ask *number* times and wait for each answer; return how often each status came."""
    return asyncio.run(_ask(url, islice(cycle(paths), number), at_once))


async def _ask(url: str, paths: Iterator[str], at_once: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    visitors = cycle(range(secrets.randbelow(256) * 256, VISITORS))

    async def ask_on(http: aiohttp.ClientSession) -> None:
        for path in paths:
            visitor = next(visitors)
            address = f"198.{18 + visitor // 65536}.{visitor // 256 % 256}.{visitor % 256}"
            headers = {"User-Agent": AGENT, "X-Forwarded-For": address}
            async with http.get(url + path, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                statuses[answer.status] += 1

    limit = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=limit) as http:
        await asyncio.gather(*(ask_on(http) for _ in range(at_once)))
    return statuses
