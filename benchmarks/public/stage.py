"""What one round runs on: empty stores, followed messages, and every subject with two workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from benchmarks.processes import ROOT
from benchmarks.public.preparing import KINDS, MESSAGES, ORGANIZATIONS, command, prepare
from benchmarks.public.stores import InMemoryAzurite, postgres
from benchmarks.public.subject import Server, Store, Subject
from benchmarks.surfaces import settings
from devserver.backing import free_port

WORKERS = 2

OURS = "engagement"
CONSTANT = "constant answer"
THIN = "thin insert"
SDK = "insert with the SDK"
PYTRACKING = "pytracking"
MAIL_ANALYTICS = "django-mail-analytics"
PYTRACKING_THREADS = f"{PYTRACKING}, threads"
MAIL_ANALYTICS_THREADS = f"{MAIL_ANALYTICS}, threads"

#: Subject to its factory and its table.
FLOORS = {CONSTANT: ("constant", ""), THIN: ("thin", "thin"), SDK: ("sdk", "sdk")}
#: Peers to their tables.
PEERS = {PYTRACKING: "peers_event", MAIL_ANALYTICS: "django_mail_analytics_mailrecipientaction"}
#: Subject to its peer, and how gunicorn serves it: one process a request is what it does unasked,
#: and threads, with which it keeps connections, were faster.
SITES = {
    PYTRACKING: (PYTRACKING, ["--worker-class", "sync"]),
    PYTRACKING_THREADS: (PYTRACKING, ["--worker-class", "gthread", "--threads", "16"]),
    MAIL_ANALYTICS: (MAIL_ANALYTICS, ["--worker-class", "sync"]),
    MAIL_ANALYTICS_THREADS: (MAIL_ANALYTICS, ["--worker-class", "gthread", "--threads", "16"]),
}
#: The paths of floors, as ours look.
SUFFIXES = {"open": ".gif", "click": "", "attachment": "/offer.pdf"}
#: What ours has on its disk while no store takes it is placed every two seconds.
PLACING_SECONDS = 60.0
#: Rows of interactions in tables of ours.
INTERACTIONS = "RowKey ge '5-interaction-' and RowKey lt '5-interaction.'"


class Stage:
    """Stores and subjects, from entering to leaving."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.spill = self.folder / "spill"
            self.azurite = stack.enter_context(InMemoryAzurite(self.folder / "azurite", [0, 0, 0]))
            self.database = stack.enter_context(postgres())
            data = self.azurite.connection_string
            self.tables = stack.enter_context(TableServiceClient.from_connection_string(data))
            self.queues = stack.enter_context(QueueServiceClient.from_connection_string(data))
            self.subjects = [
                self._ours(stack),
                *(self._floor(name, stack) for name in FLOORS),
                *self._peers(stack),
            ]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def queued(self, queue: str) -> int:
        """Return how much waits in a queue of ours."""
        found = self.queues.get_queue_client(queue).get_queue_properties()
        return found.approximate_message_count or 0

    def _ours(self, stack: ExitStack) -> Subject:
        data = self.azurite.connection_string
        private, public = (
            {**settings(data, surface), "ENGAGEMENT_SPILL_FOLDER": str(self.spill)}
            for surface in ("private", "public")
        )
        sent, port = prepare(private, data), free_port()
        server = Server(port, command("host:host", port, WORKERS), public)
        store = Store(
            self.azurite,
            stored=lambda: self._interactions(sent.tables),
            set_aside=lambda: self.queued("interactions"),
        )
        return Subject(OURS, server, sent.paths, store, stack)

    def _floor(self, name: str, stack: ExitStack) -> Subject:
        (factory, table), port = FLOORS[name], free_port()
        where = {"STORE": self.azurite.connection_string, "TABLE": table}
        server = Server(port, command(f"floors:{factory}", port, WORKERS), where)
        store = None
        if table:
            self.tables.create_table(table)
            store = Store(self.azurite, lambda: self._rows(table))
        messages = [f"{number:024x}" for number in range(ORGANIZATIONS * MESSAGES)]
        paths = {
            kind: [f"/{letter}/{message}{SUFFIXES[kind]}" for message in messages]
            for kind, letter in KINDS.items()
        }
        return Subject(name, server, paths, store, stack)

    def _peers(self, stack: ExitStack) -> list[Subject]:
        paths = self._sent_by_peers()
        return [self._site(name, paths[peer], stack) for name, (peer, _) in SITES.items()]

    def _site(self, name: str, paths: dict[str, list[str]], stack: ExitStack) -> Subject:
        (peer, workers), port = SITES[name], free_port()
        # One of its own, as two subjects are of the same peer.
        database = self.database.copy(name)
        gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
        site = ["--workers", str(WORKERS), *workers, "benchmarks.public.peers.wsgi:application"]
        environment = {**self.database.environment, "PGDATABASE": database}
        store = Store(self.database, lambda: self.database.rows(database, PEERS[peer]))
        return Subject(name, Server(port, [*gunicorn, *site], environment), paths, store, stack)

    def _sent_by_peers(self) -> dict[str, dict[str, list[str]]]:
        """Have peers send as many messages as ours; return the paths of their tracked URLs."""
        number = str(ORGANIZATIONS * MESSAGES)
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "benchmarks.public.peers.prepare", number],
            cwd=ROOT,
            env={**os.environ, **self.database.environment},
            stdout=subprocess.PIPE,
            check=True,
        )
        paths: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
        return paths

    def _interactions(self, tables: list[str]) -> int:
        """Return how many ours has stored, once it has placed what it had left on its disk."""
        until = time.monotonic() + PLACING_SECONDS
        while any(self.spill.glob("*")) and time.monotonic() < until:
            time.sleep(0.5)
        return sum(self._rows(table, INTERACTIONS) for table in tables)

    def _rows(self, table: str, which: str = "") -> int:
        found = self.tables.get_table_client(table).query_entities(which, select=["RowKey"])
        return sum(1 for _ in found)
