"""Placeholders: their form, the values that fill them, and plain texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.templates.placeholder import (
    LONGEST_VALUE,
    MOST_PLACEHOLDERS,
    Values,
    fill_line,
    fill_text,
    find_placeholders,
)
from engagement.errors import InvalidRequestError, UnprocessableError

CONTACT = {"contact": {"first_name": "Ann", "age": 41, "vip": True, "rate": 0.5, "nick": " "}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {{contact.first_name}}!", "Dear Ann!"),
        ("Dear {{ contact.first_name | there }}!", "Dear Ann!"),
        ("Dear {{contact.last_name| dear friend }}!", "Dear dear friend!"),
        ("Dear {{contact.nick|there}}!", "Dear there!"),
        ("[{{contact.nick}}]", "[ ]"),
        ("[{{contact.last_name|}}]", "[]"),
        ("[{{contact.first_name.more|x}}]", "[x]"),
        ("{{contact.age}} {{contact.vip}} {{contact.rate}}", "41 true 0.5"),
        ("{ {contact.age}} } }} {", "{ {contact.age}} } }} {"),
        ("", ""),
    ],
)
def test_a_placeholder_is_filled_from_the_values(text, expected):
    assert fill_text(text, Values(CONTACT)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{}}",
        "{{ }}",
        "{{x",
        "{{x}",
        "{{{x}}}",
        "{{#if x}}",
        "{{x y}}",
        "{{x.}}",
        "{{.x}}",
        "{{1x}}",
        "{{x|a{b}}",
        "{{x|a\nb}}",
        "{{x|<b>}}",
        "{{é}}",
        "{{" + "x" * 51 + "}}",
        "{{a.b.c.d.e.f}}",
        "{{x|" + "y" * 201 + "}}",
    ],
)
def test_what_looks_like_a_placeholder_but_is_none_is_refused_with_its_place(text):
    with pytest.raises(UnprocessableError, match=r"^Line 2, column 6: ") as refused:
        find_placeholders(f"Dear\nAnn, {text}", "text_body")
    assert refused.value.field == "text_body"


@pytest.mark.parametrize("missing", [None, {}, {"contact": None}, {"contact": {"name": None}}])
def test_a_value_that_is_missing_is_named(missing):
    with pytest.raises(UnprocessableError) as refused:
        fill_text("{{contact.name}}", Values(missing))
    assert refused.value.field == "values.contact.name"


@pytest.mark.parametrize(
    "value",
    [[], {}, ["a"], "a\0", "\ud83d", "x" * (LONGEST_VALUE + 1), float("inf"), 10**3_000],
)
def test_a_value_of_another_kind_is_named(value):
    with pytest.raises(InvalidRequestError) as refused:
        fill_text("{{a.b|c}}", Values({"a": {"b": value}}))
    assert refused.value.field == "values.a.b"


def test_values_that_no_placeholder_names_may_be_anything():
    values = Values({"x": "1", "@odata.etag": [None, {"y": []}], "": {}})
    assert fill_text("{{x}}", values) == "1"


@pytest.mark.parametrize("value", ["x", 1, [], True])
def test_values_are_an_object(value):
    with pytest.raises(InvalidRequestError) as refused:
        Values(value)
    assert refused.value.field == "values"


def test_a_text_has_so_many_placeholders_and_no_more():
    assert len(find_placeholders("{{x}}" * MOST_PLACEHOLDERS, "subject")) == MOST_PLACEHOLDERS
    with pytest.raises(UnprocessableError):
        find_placeholders("{{x}}" * (MOST_PLACEHOLDERS + 1), "subject")


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: x@evil.example", "a\nb", "a\x00b", "a\u2028b", "a\u202eb"]
)
def test_S4_a_subject_takes_no_value_with_a_line_break(value):
    with pytest.raises(InvalidRequestError) as refused:
        fill_line("Dear {{contact.name}}", Values({"contact": {"name": value}}))
    assert refused.value.field == "values.contact.name"


@given(value=st.text(max_size=20))
def test_S4_a_filled_subject_is_one_line_with_the_value_as_it_is(value):
    try:
        subject = fill_line("Dear {{name}}!", Values({"name": value}))
    except InvalidRequestError:
        return
    assert subject == f"Dear {value}!"
    assert len(subject.splitlines()) == 1


@given(text=st.text(st.sampled_from("{}x |.\n<"), max_size=30), value=st.text(max_size=5))
def test_every_text_is_filled_or_refused(text, value):
    try:
        filled = fill_text(text, Values({"x": value}))
    except InvalidRequestError:
        return
    if "{{" not in text:
        assert filled == text
