"""One of those that are compared: a server, what it is asked for, and what it has stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import processor_seconds, served
from benchmarks.public.generator import Load, ask, press
from devserver.backing import Child

#: A redirect is one of them.
SUCCESSES = (200, 302)


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started."""

    port: int
    command: list[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Store:
    """Where a subject stores."""

    program: Child
    #: how many interactions are stored now
    stored: Callable[[], int]
    #: how many wait elsewhere to be stored
    set_aside: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True)
class Visit:
    """What one subject did for some seconds."""

    load: Load
    #: float, milliseconds of processor time per answer, of the server and of its store
    server_cpu: float
    store_cpu: float


@dataclass(frozen=True, slots=True)
class Count:
    """What came of requests."""

    sent: int
    #: int, with success
    answered: int
    stored: int
    #: int, what no table took and a queue keeps
    set_aside: int
    #: int, requests that may be stored though nobody waited for their answers
    cut_off: int = 0

    @property
    def lost(self) -> int:
        """Return how many were answered and are nowhere."""
        return max(0, self.answered - self.stored - self.set_aside)

    @property
    def unasked(self) -> int:
        """Return how many are stored that nobody asked for, or twice."""
        return max(0, self.stored - self.sent - self.cut_off)


class Subject:
    """A server that runs until the stack is closed."""

    def __init__(
        self,
        name: str,
        server: Server,
        paths: Mapping[str, list[str]],
        store: Store | None,
        stack: ExitStack,
    ) -> None:
        self.name, self.paths, self.store = name, paths, store
        self.url = f"http://127.0.0.1:{server.port}"
        process = stack.enter_context(served(server.command, self.url, server.environment))
        self.pid = process.pid

    def visit(self, kind: str, connections: int, seconds: int, folder: Path) -> Visit:
        """Keep the server busy; the generator's list of paths is left in *folder*."""
        paths = folder / "paths.txt"
        paths.write_text("\n".join(self.paths[kind]) + "\n", "ascii")
        before = self._spent()
        load = press(self.url, paths, connections, seconds)
        server, store = (
            (after - then) * 1000 / load.requests
            for after, then in zip(self._spent(), before, strict=True)
        )
        return Visit(load, server, store)

    def warm_up(self, number: int, at_once: int) -> None:
        """Ask for everything, whatever the answers: whoever has just started may want time."""
        for paths in self.paths.values():
            ask(self.url, paths, number, at_once)

    def send(self, number: int, at_once: int) -> Count:
        """Send *number* requests, opens and clicks in turn; count what came of them."""
        pairs = zip(self.paths["open"], self.paths["click"], strict=True)
        stored, aside = self.kept()
        statuses = ask(self.url, [path for pair in pairs for path in pair], number, at_once)
        answered = sum(statuses[status] for status in SUCCESSES)
        stored_now, aside_now = self.kept()
        return Count(number, answered, stored_now - stored, aside_now - aside)

    def kept(self) -> tuple[int, int]:
        """Return how many interactions are stored now, and how many were set aside."""
        return (self.store.stored(), self.store.set_aside()) if self.store else (0, 0)

    def _spent(self) -> tuple[float, float]:
        program = self.store.program.process if self.store else None
        return processor_seconds(self.pid), processor_seconds(program.pid) if program else 0.0
