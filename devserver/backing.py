"""Starts and stops the programs that the functions stand on: Azurite and a mail inbox."""

import contextlib
import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from devserver.settings import ROOT, StartError

START_SECONDS, STOP_SECONDS = 60.0, 10.0
# The published key of every emulator; it opens nothing else.
EMULATOR_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
PROGRAMS = ROOT / "node_modules" / ".bin"
PR_SET_PDEATHSIG = 1


def free_ports(preferred: Sequence[int]) -> list[int]:
    """Give for each preferred port itself if it is free, and any free one otherwise."""
    with contextlib.ExitStack() as held:
        ports = []
        for port in preferred:
            try:
                listener = held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                listener = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            ports.append(listener.getsockname()[1])
        return ports


def free_port(preferred: int = 0) -> int:
    """Give the preferred port if it is free, and any free one otherwise."""
    return free_ports([preferred])[0]


def connection_string(ports: Sequence[int]) -> str:
    """Give the connection string of an emulator whose blobs, queues and tables are on `ports`."""
    services = zip(("Blob", "Queue", "Table"), ports, strict=True)
    endpoints = (f"{name}Endpoint=http://127.0.0.1:{p}/devstoreaccount1" for name, p in services)
    account = f"AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY}"
    return ";".join(("DefaultEndpointsProtocol=http", account, *endpoints)) + ";"


def die_with_parent() -> None:
    """Ask Linux to end this child when the thread that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A program of ours: started, waited for, and stopped so that it can save its data."""

    name: str
    #: What the program says once for each port that it has opened. Its own word is
    #: waited for, since a port that answers may be another instance's.
    says: str
    #: The ports to take where they are free.
    preferred: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None

    def __init__(self, folder: Path, ports: Sequence[int] = ()) -> None:
        self.folder, self.ports = folder, list(ports or self.preferred)
        self.log = folder / f"{self.name}.log"

    def command(self) -> list[str]:
        """Give the command that serves on the ports."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the program on free ports; `wait` tells when it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = free_ports(self.ports)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal is for the host, which stops this one last.
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def wait(self) -> None:
        """Wait until the program has said that all its ports are open."""
        until = time.monotonic() + START_SECONDS
        while (output := self.log.read_text("utf-8", "replace")).count(self.says) < len(self.ports):
            if self.process is None or self.process.poll() is not None:
                if "EADDRINUSE" not in output:
                    raise StartError(f"{self.name} ended before it served:\n{output[-2000:]}")
                # Another instance, started at the same time, took a port first.
                self.start()
            if time.monotonic() > until:
                raise StartError(f"{self.name} did not serve in {START_SECONDS:.0f} s: {self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask the program to end, wait for it, and end it after ten seconds."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Azurite(Child):
    """The storage emulator; its data live in the folder, which is its own."""

    name, says = "azurite", "service is successfully listening at"
    preferred = (10000, 10001, 10002)

    def command(self) -> list[str]:
        """Serve blobs, queues and tables for the newest SDKs, and call nobody."""
        flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        for service, port in zip(("blob", "queue", "table"), self.ports, strict=True):
            flags += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
        return [str(PROGRAMS / self.name), *flags, "--location", str(self.folder)]

    @property
    def connection_string(self) -> str:
        """The way to the emulator."""
        return connection_string(self.ports)


class Inbox(Child):
    """An SMTP server that delivers nothing, and a web page that shows what it got."""

    name, says = "maildev", " running at "
    preferred = (1080, 1025)

    def command(self) -> list[str]:
        """Serve the web page and SMTP on this machine only."""
        web, smtp = map(str, self.ports)
        where = ["--ip", "127.0.0.1", "--web-ip", "127.0.0.1"]
        return [str(PROGRAMS / self.name), "--web", web, "--smtp", smtp, *where]
