"""What a target of fuzzing is: a check that any bytes have to pass, and what to begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: Stands between the parts of an input; no UTF-8 holds it.
BETWEEN = b"\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A parser of the product, and what must hold whatever it reads.

    The short run in ``make test`` and the long one of ``make fuzz`` try the same targets.
    """

    #: takes any bytes; raises for a fault of the product, and returns for everything else
    check: Callable[[bytes], None]
    #: whole inputs, from which others are made by changes
    seeds: tuple[bytes, ...]
    #: pieces that mean something to the parser
    words: tuple[str, ...]
    #: int, bytes of the longest input that is tried
    longest: int = 2_000


def parts(data: bytes, count: int) -> list[bytes]:
    """Take an input apart into *count* parts; those that it lacks are empty."""
    found = data.split(BETWEEN, count - 1)
    return found + [b""] * (count - len(found))


def joined(*texts: str | bytes) -> bytes:
    """Return the input of which *texts* are the parts."""
    return BETWEEN.join(text.encode() if isinstance(text, str) else text for text in texts)


def as_body(data: bytes) -> str:
    """Return text as a body has it, which is refused with half of a surrogate pair."""
    return data.decode("utf-8", "replace")


def as_field(data: bytes) -> str:
    """Return text as a field of JSON may have it: with halves of surrogate pairs."""
    return data.decode("utf-8", "surrogateescape")


def as_header(data: bytes) -> str:
    """Return text as a server hands on the bytes of a header."""
    return data.decode("latin-1")
