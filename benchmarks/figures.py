"""What a benchmark found: figures, each beside its aim, and the tables and data behind them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, the median of what several rounds in one run found."""

    name: str
    #: tuple of float, one of each round
    rounds: tuple[float, ...]
    #: str, ``x`` for a ratio of two things in the same run
    unit: str = "x"
    #: float or None, the aim: the figure is to be this much or more, or this much or less
    at_least: float | None = None
    at_most: float | None = None

    @property
    def value(self) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        if self.at_most is not None:
            return self.value <= self.at_most
        return None

    @property
    def aim(self) -> str:
        """Return the aim in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g} {self.unit}"
        return "" if self.at_most is None else f"at most {self.at_most:g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Part:
    """What one benchmark found."""

    #: str, Markdown: what was measured, in tables
    text: str
    figures: Sequence[Figure]
    #: Mapping, everything that was measured, for the JSON file
    data: Mapping[str, Any] = field(default_factory=dict)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Return how ours relates to theirs, round by round."""
    return tuple(mine / other for mine, other in zip(ours, theirs, strict=True))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first column is text, the others are numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table_of(figures: Sequence[Figure]) -> str:
    """Return figures beside their aims."""
    verdicts = {True: "met", False: "**missed**", None: ""}
    return table(
        ["figure", "median", "least", "most", "aim", ""],
        [
            [
                one.name,
                f"{one.value:.3g} {one.unit}",
                f"{min(one.rounds):.3g}",
                f"{max(one.rounds):.3g}",
                one.aim,
                verdicts[one.met],
            ]
            for one in figures
        ],
    )
