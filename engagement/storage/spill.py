"""A bounded folder on this machine for interactions that neither table nor queue would take."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

WRITING, CLAIMED = ".jsonl", ".claimed"


@dataclass(slots=True)
class Spill:
    """Lines in files that no two processes share; reading one twice does no harm to appends."""

    folder: Path
    limit_bytes: int
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def add(self, record: str) -> bool:
        """Append one line; False if the folder is full or the disk refuses."""
        line = record.encode() + b"\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._size() + len(line) > self.limit_bytes:
                return False
            with (self.folder / f"{self.name}{WRITING}").open("ab", buffering=0) as file:
                whole = file.write(line) == len(line)
        except OSError:
            whole = False
        if not whole:
            # A full disk may have taken a part of the line: the next one begins another file.
            self.name = uuid.uuid4().hex
        return whole

    def empty(self) -> bool:
        """Whether nothing waits here, from this process or an earlier one."""
        return not any(self._files(WRITING)) and not any(self._files(CLAIMED))

    def claim(self) -> list[Path]:
        """Return the files to read now, and set aside those to read next time.

        A file is read one pass after it was renamed, when no writer can hold it open any more.
        """
        ready = self._files(CLAIMED)
        for file in self._files(WRITING):
            # Another process may be quicker.
            with suppress(FileNotFoundError):
                file.rename(file.with_name(f"{file.stem}-{uuid.uuid4().hex}{CLAIMED}"))
        return ready

    def read(self, file: Path) -> list[str]:
        """Return the whole lines of a file; a last line without its end was never accepted."""
        try:
            *lines, _torn = file.read_bytes().split(b"\n")
        except FileNotFoundError:
            # Another process has placed them.
            return []
        return [line.decode("utf-8", "replace") for line in lines]

    def done(self, file: Path) -> None:
        """Forget a file whose every line has been placed."""
        file.unlink(missing_ok=True)

    def _files(self, suffix: str) -> list[Path]:
        return sorted(self.folder.glob(f"*{suffix}"))

    def _size(self) -> int:
        size = 0
        for file in (*self._files(WRITING), *self._files(CLAIMED)):
            with suppress(FileNotFoundError):
                size += file.stat().st_size
        return size
