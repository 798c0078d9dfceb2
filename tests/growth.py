"""How the work of a function grows with its input: what is too slow for its size, not for a clock.

CPU time of this process says nothing by itself on a busy machine. So a function is called too slow
only if it took long, and took more than twice what a linear one would for four times the input.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from re import _constants as op
from re import _parser as parser
from typing import Any

#: Sizes grow by a quarter, so that what grows exponentially is found before it never ends.
SIZES = [8]
while SIZES[-1] < 40_000:
    SIZES.append(max(SIZES[-1] + 1, SIZES[-1] * 5 // 4))
#: Seconds of CPU time that are worth a second look.
LONG = 0.2

Try = Callable[[], object]


def cpu_seconds(attempt: Try) -> float:
    """CPU time that *attempt* takes."""
    start = time.process_time()
    attempt()
    return time.process_time() - start


def grows_too_fast(attempt: Callable[[int], Try], sizes: Sequence[int] = SIZES) -> int | None:
    """Return the size at which *attempt*, made for a size, is superlinear; None for never."""
    for size in sizes:
        whole = attempt(size)
        if cpu_seconds(whole) > LONG:
            quarter = attempt(size // 4)
            # The fastest of three: others who use the machine can only slow it down.
            times = [min(cpu_seconds(each) for _ in range(3)) for each in (whole, quarter)]
            if times[0] > LONG and times[0] > 8 * times[1]:
                return size
    return None


def attacks(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (head, pump, tail): texts that lead into each repetition of *pattern*, and on."""
    seen = set()
    signs = [sign for sign in OTHERS if sign in pattern.pattern]
    for before, body in _repetitions(list(parser.parse(pattern.pattern, pattern.flags)), ""):
        likely = _characters(body) & {*USUAL, *signs}
        pumps = {_sample(body), *sorted(likely)} - {""}
        for pump in pumps:
            # In a search each beginning may be tried again, so what leads in is repeated, too.
            for attack in ((before, pump, "\0"), ("", before + pump, "\0"), (before, pump, "")):
                if attack not in seen:
                    seen.add(attack)
                    yield attack


def _repetitions(items: list[Any], before: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield what each repetition repeats, with a text that leads there."""
    for kind, value in items:
        for inner in _inside(kind, value):
            yield from _repetitions(inner, before)
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT) and value[1] > 9:
            yield before, list(value[2])
        before += _sample([(kind, value)])


def _inside(kind: Any, value: Any) -> list[list[Any]]:
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return [list(value[2])]
    if kind is op.SUBPATTERN:
        return [list(value[3])]
    if kind is op.ATOMIC_GROUP:
        return [list(value)]
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return [list(value[1])]
    if kind is op.BRANCH:
        return [list(branch) for branch in value[1]]
    return []


def _sample(items: list[Any]) -> str:
    """A short text that *items* match, more or less."""
    text = ""
    for kind, value in items:
        if kind is op.LITERAL:
            text += chr(value)
        elif kind in (op.IN, op.ANY, op.NOT_LITERAL):
            text += next(iter(_matching(kind, value)), "")
        elif kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            text += _sample(list(value[2])) * max(1, min(value[0], 100))
        elif kind not in (op.ASSERT, op.ASSERT_NOT) and (inside := _inside(kind, value)):
            text += _sample(inside[0])
    return text


def _characters(items: list[Any]) -> set[str]:
    """Characters that every kind of which *items* are made may begin with: where they overlap."""
    found: set[str] = set()
    for kind, value in items:
        if kind in (op.IN, op.ANY, op.NOT_LITERAL, op.LITERAL):
            found.update(_matching(kind, value))
        for inner in _inside(kind, value):
            found |= _characters(inner)
    return found


#: What is tried for a class of characters; signs only where the pattern speaks of them.
USUAL, OTHERS = "a0 \n", "\t-_.,:;/<>\"'=&()[]{}@%\\|\u00e9\uff0c"


def _matching(kind: Any, value: Any) -> list[str]:
    if kind is op.LITERAL:
        return [chr(value)]
    one = [(kind, value)]
    state = parser.State()
    state.str = ""
    compiled = re._compiler.compile(parser.SubPattern(state, one), re.DOTALL)
    return [character for character in USUAL + OTHERS if compiled.match(character)]
