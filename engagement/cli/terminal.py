"""The person or script at the other end: results to one stream, everything else to the other.

Results, and secrets that are shown once, are alone on the standard output, so that they can be
piped; questions, progress and errors go to the standard error.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

#: Exit codes, and what each means to a script.
DONE, FAILED, WRONG_USE, TRY_AGAIN, STOPPED = 0, 1, 2, 3, 130


class CommandError(Exception):
    """A command cannot go on; the text is for the person at the terminal."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        #: int, exit code
        self.code = code


class Advance(Protocol):
    """Says how far long work is."""

    def __call__(self, done: int, note: str = "") -> None:
        """Tell how much is done by now, and what."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command reads and writes, and the environment it was started in."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]

    def say(self, text: str) -> None:
        """Tell the person something that is no result."""
        print(text, file=self.stderr, flush=True)

    def show(self, text: str) -> None:
        """Write a result."""
        print(text, file=self.stdout, flush=True)

    def show_json(self, value: Any) -> None:
        """Write a result for scripts."""
        self.show(json.dumps(value, ensure_ascii=False, indent=2))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write rows in columns, for people."""
        texts = [list(head), *([_cell(cell) for cell in row] for row in rows)]
        widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
        for row in texts:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.show("  ".join(cells).rstrip())

    def read(self) -> str:
        """Return everything that is piped in."""
        return self.stdin.read()

    def read_secret(self, prompt: str) -> str:
        """Return one line, which is not shown while a person types it."""
        if self.stdin.isatty():
            return getpass.getpass(prompt, self.stderr).strip()
        return self.stdin.readline().strip()

    def confirm(self, question: str, *, yes: bool, answer: str = "yes") -> None:
        """Go on only if the person types *answer*, or said --yes; raises CommandError."""
        if yes:
            return
        if not self.stdin.isatty():
            raise CommandError(f"{question}\nNobody can be asked here: add --yes.", WRONG_USE)
        self.say(question)
        print(f"Type {answer} to go on: ", end="", file=self.stderr, flush=True)
        if self.stdin.readline().strip() != answer:
            raise CommandError("Nothing was done.")

    @contextmanager
    def progress(self, title: str, total: int | None) -> Iterator[Advance]:
        """Show a bar while long work is done; *total* is None where nobody knows it.

        Where no person is watching there is none.
        """
        if not self.stderr.isatty():
            yield lambda _done, _note="": None
            return
        from engagement.cli.progress import bar

        with bar(self.stderr, title, total) as advance:
            yield advance


def number(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
