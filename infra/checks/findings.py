"""What a check says: which rule is broken, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake in one place."""

    #: str, path from the folder that is checked
    path: str
    #: int, counted from 1
    line: int
    #: str, name of the rule
    rule: str
    #: str, what is wrong and what to do
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"
