"""Continuations: opaque, and good for one list."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.continuation import LONGEST, continuation_of, position_of
from engagement.domain.reports.selection import LONGEST_SEARCH
from engagement.errors import InvalidRequestError

POSITIONS = st.none() | st.text() | st.tuples(st.booleans(), st.integers(), st.text()).map(list)


@given(position=POSITIONS, scope=st.text(st.characters(codec="utf-8")))
def test_a_continuation_tells_the_position_in_its_scope(position, scope):
    text = continuation_of(position, scope)
    assert position_of(text, scope) == position
    assert text.isascii()
    with pytest.raises(InvalidRequestError):
        position_of(text, scope + "x")


@given(place=st.integers(0, 60), bit=st.integers(0, 5))
def test_B80_no_continuation_survives_a_changed_bit(place, bit):
    text = continuation_of(["position", 7], "scope")
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises(InvalidRequestError):
        position_of(base64.urlsafe_b64encode(raw).decode().rstrip("="), "scope")


@given(text=st.text(max_size=100))
def test_B80_what_was_never_made_is_refused(text):
    with pytest.raises(InvalidRequestError):
        position_of(text, "scope")


@pytest.mark.parametrize("value", [b"[[[[" * 900, b"[1,2]", b"[]", b"{}", b"null", b"[1,2,3]"])
def test_B80_what_is_json_and_no_continuation_is_refused(value):
    with pytest.raises(InvalidRequestError):
        position_of(base64.urlsafe_b64encode(value).decode(), "scope")


def test_the_longest_position_fits():
    position = [True, "\U0001f600" * LONGEST_SEARCH, "9" * 38]
    assert len(continuation_of(position, "scope")) < LONGEST
