"""What a process holds on to: memory, descriptors and threads, read from Linux."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process held at one moment."""

    #: float, seconds of a clock that only differences of mean something
    at: float
    #: float, resident memory in MiB
    memory: float
    descriptors: int
    threads: int


def vitals(pid: int) -> Vitals:
    """What a process holds now."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Vitals(
        at=time.monotonic(),
        memory=_mib(status["VmRSS"]),
        descriptors=sum(1 for _ in (process / "fd").iterdir()),
        threads=int(status["Threads"]),
    )


def peak(pid: int) -> float:
    """The most resident memory that a process ever had, or since :func:`forget_peak`, in MiB."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return _mib(status["VmHWM"])


def forget_peak(pid: int) -> None:
    """Have the peak of a process begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Watch:
    """Looks at a process every *pause* seconds, on a thread of its own."""

    def __init__(self, pid: int, pause: float) -> None:
        self.pid, self.pause = pid, pause
        self.seen: list[Vitals] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.ended.wait(self.pause):
            self.seen.append(vitals(self.pid))


def growth(seen: Sequence[Vitals]) -> float:
    """MiB that memory grew by from the first to the last, by the line of least squares."""
    times = [each.at for each in seen]
    slope, _ = statistics.linear_regression(times, [each.memory for each in seen])
    return slope * (times[-1] - times[0])


def _mib(text: str) -> float:
    return int(text.removesuffix("kB")) / 1024
