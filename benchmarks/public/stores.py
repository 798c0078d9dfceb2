"""The stores: an Azurite and a PostgreSQL of our own, empty, on this machine, gone at the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devserver.backing import Azurite, Child
from devserver.settings import StartError

#: Where Debian's package postgresql-15 has its programs.
POSTGRES = Path("/usr/lib/postgresql/15/bin")
#: Debian's user of that name: the server refuses to run as root.
USER = "postgres"


class InMemoryAzurite(Azurite):
    """An Azurite that writes nothing to disk, so that nobody waits for its saving of everything."""

    def command(self) -> list[str]:
        """Serve as ever, from memory."""
        command = super().command()
        where = command.index("--location")
        return [*command[:where], "--inMemoryPersistence"]


class PostgreSQL(Child):
    """A PostgreSQL with the settings of its package: every commit is on disk when it is told."""

    name, says = "postgres", "database system is ready to accept connections"
    #: Of the socket's name; nothing listens on the network.
    preferred = (5432,)

    def command(self) -> list[str]:
        """Serve on a socket in the folder."""
        where = ["-D", str(self.folder / "data"), "-k", str(self.folder)]
        quiet = ["-c", "listen_addresses=", "-c", "logging_collector=off"]
        server = [str(POSTGRES / "postgres"), *where, "-p", str(self.ports[0]), *quiet]
        return [*_as_owner("--pdeathsig=TERM"), *server]

    @property
    def environment(self) -> dict[str, str]:
        """Return how clients of libpq find the database."""
        return {
            "PGHOST": str(self.folder),
            "PGPORT": str(self.ports[0]),
            "PGUSER": USER,
            "PGDATABASE": "postgres",
        }

    def copy(self, name: str) -> str:
        """Copy the first database; return the name that the copy got, made of *name*."""
        import psycopg

        copy = re.sub(r"\W+", "_", name)
        create = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE postgres")
        # From another one: nobody may be in the one that is copied.
        with psycopg.connect(self._where("template1"), autocommit=True) as connection:
            connection.execute(create.format(psycopg.sql.Identifier(copy)))
        return copy

    def rows(self, database: str, table: str) -> int:
        """Return how many rows a table has."""
        import psycopg

        count = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table))
        with psycopg.connect(self._where(database)) as connection:
            found: int = connection.execute(count).fetchone()[0]
        return found

    def _where(self, database: str) -> str:
        return f"host={self.folder} port={self.ports[0]} user={USER} dbname={database}"


def missing() -> list[str]:
    """Return the Debian packages that have to be installed first."""
    needed = {"wrk": shutil.which("wrk"), "postgresql-15": shutil.which(POSTGRES / "postgres")}
    return [package for package, found in needed.items() if not found]


@contextmanager
def postgres() -> Iterator[PostgreSQL]:
    """Run an empty PostgreSQL; raises StartError if it cannot."""
    # Not below a folder of ours, which its own user could not enter.
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        trust = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-locale"]
        initdb = [*_as_owner(), str(POSTGRES / "initdb"), "-D", str(folder / "data"), *trust]
        made = subprocess.run(initdb, capture_output=True, check=False, cwd="/")  # noqa: S603
        if made.returncode:
            raise StartError(made.stderr.decode("utf-8", "replace"))
        with PostgreSQL(folder) as server:
            yield server


def _as_owner(*options: str) -> list[str]:
    """Return what a command begins with to run as the owner of the database."""
    if os.geteuid():
        return []
    if sys.platform != "linux":
        raise StartError("Do not run this as root: PostgreSQL refuses to.")
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", *options, "--"]
