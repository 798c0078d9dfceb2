"""Entity tags follow from what a value says; If-Match asks for one of them to be current."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.precondition import Precondition, entity_tag
from engagement.errors import ConflictError, InvalidRequestError, PreconditionFailedError

VALUE = {"follow": {"enabled": True}, "names": ["ä", "b"]}
TAG = entity_tag(VALUE)
TEXT = st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)


@given(value=st.dictionaries(TEXT, JSON, max_size=3))
def test_a_tag_is_strong_and_survives_another_order_and_a_copy(value):
    turned = dict(reversed(json.loads(json.dumps(value)).items()))
    assert entity_tag(turned) == entity_tag(value)
    assert Precondition(entity_tag(value)).tags == (entity_tag(value),)


@given(one=JSON, other=JSON)
def test_two_values_have_one_tag_only_if_they_are_the_same(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (entity_tag(one) == entity_tag(other)) == same


@pytest.mark.parametrize(
    "header", ["", " ", "*", " * ", TAG, f'"x", {TAG}', f'W/"a",,{TAG} ,"b,c"']
)
def test_what_is_asked_for_or_nothing_lets_a_change_through(header):
    with Precondition(header).holding(VALUE):
        pass


@pytest.mark.parametrize("header", ['"x"', f"W/{TAG}", '""', '"*"', TAG.upper()])
def test_another_tag_and_a_weak_one_do_not_match(header):
    with pytest.raises(PreconditionFailedError), Precondition(header).holding(VALUE):
        raise AssertionError


@pytest.mark.parametrize(
    "header", ["x", TAG[1:], TAG[:-1], f"{TAG} x", "*, *", ",", f"*, {TAG}", 'w/"x"']
)
def test_what_is_no_tag_is_named(header):
    with pytest.raises(InvalidRequestError) as caught:
        Precondition(header)
    assert caught.value.field == "If-Match"


@pytest.mark.parametrize(("header", "error"), [("", ConflictError), (TAG, PreconditionFailedError)])
def test_a_race_that_is_lost_is_a_conflict_or_what_the_caller_asked_about(header, error):
    with pytest.raises(error), Precondition(header).holding(VALUE):
        raise ConflictError("Somebody else was faster.")
