"""Progress bars, drawn by rich (requirements-cli.txt)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def bar(stream: TextIO, title: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Draw a bar on *stream* until the work ends, however it ends; yields what moves it on."""
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    times = [TimeElapsedColumn()] if total is None else [TimeElapsedColumn(), TimeRemainingColumn()]
    note = TextColumn("{task.fields[note]}")
    with Progress(*columns, *times, note, console=Console(file=stream)) as progress:
        task = progress.add_task(title, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            progress.update(task, completed=done, note=note)

        yield advance
