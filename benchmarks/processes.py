"""Servers that are measured: started, waited for, and asked how much processor time they took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from devserver.backing import die_with_parent

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def served(
    command: Sequence[str], url: str, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it begins once ``/healthz`` below *url* is answered.

    *environment* comes on top of ours. Raises RuntimeError if the server ends or takes a minute.
    """
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A benchmark that is killed leaves nothing behind.
        preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    try:
        _wait(process, url)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(f"{url}/healthz", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"This did not serve: {' '.join(map(str, process.args))}")  # type: ignore[arg-type]


def processor_seconds(pid: int) -> float:
    """Return the user and system time of a process and all below it, ended ones too (proc(5))."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            # It ended while we looked.
            continue
        stats[int(path.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    return sum(stats[each][1] for each in _tree(pid, stats) if each in stats) / TICKS


def _tree(pid: int, stats: Mapping[int, tuple[int, int]]) -> set[int]:
    found, last = {pid}, set[int]()
    while found != last:
        last = found
        found = found | {each for each, (parent, _) in stats.items() if parent in found}
    return found
