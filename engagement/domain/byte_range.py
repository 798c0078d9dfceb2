"""The Range header of a download (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engagement.errors import RangeNotSatisfiableError

SINGLE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes *first* to *last* of a file, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Bytes in the range."""
        return self.last - self.first + 1


def read_range(header: str | None, size: int) -> ByteRange | None:
    """Return the one range that *header* asks for, None for the whole file.

    Several ranges, other units and malformed headers get the whole file, as the RFC allows. Raises
    RangeNotSatisfiableError for a range behind the end.
    """
    match = SINGLE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return _suffix(int(last), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise RangeNotSatisfiableError(size)
    return ByteRange(int(first), min(int(last), size - 1) if last else size - 1)


def _suffix(length: int, size: int) -> ByteRange:
    if length == 0 or size == 0:
        raise RangeNotSatisfiableError(size)
    return ByteRange(max(size - length, 0), size - 1)
