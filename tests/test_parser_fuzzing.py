"""Parsers on bytes that nobody would write: the short form of ``make fuzz``, with the same checks.

What ``make fuzz`` finds becomes a seed of its target, so that it is tried here from then on.
"""

from __future__ import annotations

import pytest
from fuzzing.target import BETWEEN
from fuzzing.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st


def inputs(target):
    """Bytes that look like what a parser reads, and do not."""
    words = st.sampled_from([*(word.encode() for word in target.words), BETWEEN])
    pieces = st.lists(words | st.sampled_from(target.seeds) | st.binary(max_size=8), max_size=9)
    places = st.integers(0, 300)
    changed = st.builds(
        lambda seed, start, length, piece: seed[:start] + piece + seed[start + length :],
        st.sampled_from(target.seeds),
        places,
        st.integers(0, 20),
        words | st.binary(max_size=8),
    )
    return (changed | pieces.map(b"".join)).map(lambda data: data[: target.longest])


@pytest.mark.parametrize("name", TARGETS)
def test_P1_P2_P6_what_a_parser_promises_holds_for_any_bytes(name):
    target = TARGETS[name]
    for seed in target.seeds:
        target.check(seed)

    @settings(max_examples=60)
    @given(inputs(target))
    def attempt(data):
        target.check(data)

    attempt()
