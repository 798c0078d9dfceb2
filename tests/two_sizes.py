"""Cases of load in two sizes: short in ``make test``, in full by ``make soak``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from traffic import Outcome, quantiles


def sizes(names: str, *, short: Sequence[Any], full: Sequence[Any]) -> Callable[[Any], Any]:
    """Give a test its numbers: *short* ones in ``make test``, *full* ones in ``make soak``."""
    return pytest.mark.parametrize(
        names.split(","),
        [
            pytest.param(*short, id="short"),
            pytest.param(*full, id="full", marks=pytest.mark.soak),
        ],
    )


def tell(case: str, outcomes: Iterable[Outcome] = (), **figures: object) -> None:
    """Print one line of what a case did; times are printed and judged by nobody."""
    outcomes = list(outcomes)
    parts = [f"{name.replace('_', ' ')} {figure}" for name, figure in figures.items()]
    if outcomes:
        answered = sum(outcome.answered for outcome in outcomes)
        p50, p99 = quantiles(outcomes, 0.5, 0.99)
        parts = [f"sent {len(outcomes)}", f"answered {answered}", *parts]
        parts.append(f"p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    sys.stdout.write(f"\n{case}: {', '.join(parts)}\n")
