"""Reading a request's JSON: what is no JSON, and what is no value of a field."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.json_text import parse_json
from engagement.domain.payload import Fields
from engagement.errors import InvalidRequestError

NO_JSON = {
    "empty": b"",
    "blank": b" ",
    "cut": b'{"a": 1',
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "utf-16 without mark": '{"a": 1}'.encode("utf-16-le"),
    "latin-1": '{"a": "\xe9"}'.encode("latin-1"),
    "overlong utf-8": b'{"a": "\xc0\xaf"}',
    "surrogate in utf-8": b'{"a": "\xed\xa0\x80"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "duplicate key": b'{"a": 1, "a": 2}',
    "duplicate key, escaped": b'{"a": 1, "\\u0061": 2}',
    "duplicate key inside": b'{"a": [{"b": 1, "b": 1}]}',
    "200,000 arrays": b"[" * 200_000 + b"]" * 200_000,
    "200,000 objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "two values": b"{} {}",
    "raw line break": b'{"a": "x\ny"}',
    "comment": b"{} // x",
    "single quotes": b"{'a': 1}",
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_B51_what_is_no_json_is_an_invalid_request_without_a_field(body):
    with pytest.raises(InvalidRequestError) as raised:
        parse_json(body)

    assert (raised.value.status, raised.value.field) == (400, None)


@given(st.binary(max_size=60))
def test_B51_any_bytes_are_json_or_an_invalid_request(body):
    try:
        value = parse_json(body)
    except InvalidRequestError:
        return
    assert value == json.loads(body.decode("utf-8"))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Half surrogates may stand in JSON; it is for the fields to refuse them.
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_json_is_read_as_it_was_written(value):
    assert parse_json(json.dumps(value).encode()) == value


@given(JSON_VALUES)
def test_B51_every_field_reader_takes_or_refuses_any_value(value):
    fields = Fields({"x": value}, {"x"}, "outer")
    readers = [
        lambda: fields.line("x", 10),
        lambda: fields.optional_line("x", 10),
        lambda: fields.optional_body("x"),
        lambda: fields.flag("x", default=True),
        lambda: fields.number("x", 1, 5),
        lambda: fields.choice("x", ["a"]),
        lambda: fields.optional_moment("x"),
        lambda: fields.items("x", 2),
        lambda: fields.optional_object("x", lambda inner, path: Fields(inner, (), path)),
    ]
    for read in readers:
        field: str | None = "outer.x"
        try:
            read()
        except InvalidRequestError as error:
            field = error.field
        assert field is not None
        assert field.startswith("outer.x")


@pytest.mark.parametrize("value", [None, [], "{}", 1, True])
def test_B51_only_an_object_has_fields(value):
    with pytest.raises(InvalidRequestError) as raised:
        Fields(value, {"a"}, "recipients[2]")
    assert raised.value.field == "recipients[2]"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Subject", "outer.Subject"),
        ("", "outer."),
        ("é\ud800", "outer.\\xe9\\ud800"),
        ("x" * 5_000, "outer." + "x" * 100),
        ("a\r\nb", "outer.a\r\nb"),
    ],
)
def test_B60_an_unknown_field_is_named_in_ascii_and_cut(name, shown):
    with pytest.raises(InvalidRequestError) as raised:
        Fields({name: 1}, {"subject"}, "outer")
    assert raised.value.field == shown


def test_a_field_of_the_request_itself_has_no_path_in_front():
    assert Fields({}, ()).at("subject") == "subject"
    assert Fields({}, (), "sender").at("name") == "sender.name"


def refused(read):
    """Return the detail of the refusal that *read* raises."""
    with pytest.raises(InvalidRequestError) as raised:
        read()
    return raised.value.detail


def test_a_line_is_one_line_of_text():
    assert Fields({"x": "a b"}, {"x"}).line("x", 3) == "a b"
    assert Fields({"x": ""}, {"x"}).line("x", 3, empty=True) == ""
    assert "empty" in refused(lambda: Fields({"x": " "}, {"x"}).line("x", 3))
    assert "needed" in refused(lambda: Fields({}, {"x"}).line("x", 3))
    assert "text" in refused(lambda: Fields({"x": None}, {"x"}).line("x", 3))
    assert "3 characters" in refused(lambda: Fields({"x": "abcd"}, {"x"}).line("x", 3))


@pytest.mark.parametrize("text", ["a\r\nb", "a\0", "a\u2028b", "\ud800", "\u202egpj.exe", "\x7f"])
def test_S4_a_line_holds_nothing_that_could_start_another(text):
    assert "control" in refused(lambda: Fields({"x": text}, {"x"}).line("x", 50))


def test_a_body_may_have_many_lines_but_no_nul_and_no_half_surrogate():
    assert Fields({"x": "a\r\n\tb\U0001f600"}, {"x"}).optional_body("x") == "a\r\n\tb\U0001f600"
    assert Fields({"x": None}, {"x"}).optional_body("x") is None
    assert Fields({}, {"x"}).optional_body("x") is None
    for text in ("\0", "a\udfff"):
        assert "NUL" in refused(lambda text=text: Fields({"x": text}, {"x"}).optional_body("x"))


@pytest.mark.parametrize("value", [0, 1, "true", "false", None, [], {}])
def test_B60_a_flag_is_true_or_false_and_nothing_like_it(value):
    assert "true or false" in refused(lambda: Fields({"x": value}, {"x"}).flag("x", default=True))


@pytest.mark.parametrize("value", [True, 0, 6, 1.0, "1", None, 10**400, -(10**400)])
def test_B60_a_number_is_a_whole_one_within_its_limits(value):
    assert "whole number" in refused(lambda: Fields({"x": value}, {"x"}).number("x", 1, 5))


def test_a_number_at_its_limits_is_taken():
    assert [Fields({"x": n}, {"x"}).number("x", 1, 5) for n in (1, 5)] == [1, 5]
    assert Fields({}, {"x"}).number("x", 1, 5, 3) == 3


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00.123+02:00", datetime(2026, 3, 1, 8, 0, 0, 123_000, tzinfo=UTC)),
        # The hour that a clock in Paris passes over is an ordinary one in UTC.
        ("2026-03-29T02:30:00+01:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-03-01T10:00:00-12:00", datetime(2026, 3, 1, 22, tzinfo=UTC)),
    ],
)
def test_B59_a_moment_is_kept_in_utc(text, moment):
    assert Fields({"x": text}, {"x"}).optional_moment("x") == moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T10:00:00",
        "2026-03-01",
        "2026-02-30T10:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T10:00:00+99:00",
        "2026-03-01T10:00:00 Europe/Paris",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "10000-01-01T00:00:00Z",
        "tomorrow",
        "",
        "\ud800",
        0,
        1e308,
        [],
    ],
)
def test_B59_what_is_no_moment_is_refused_with_its_field(value):
    with pytest.raises(InvalidRequestError) as raised:
        Fields({"x": value}, {"x"}, "reminder").optional_moment("x")
    assert (raised.value.status, raised.value.field) == (400, "reminder.x")


def test_items_come_with_their_paths():
    fields = Fields({"x": [1, {}]}, {"x"}, "outer")
    assert fields.items("x", 2) == [(1, "outer.x[0]"), ({}, "outer.x[1]")]
    assert Fields({}, {"x"}).items("x", 2) == []
    assert "At most 1" in refused(lambda: fields.items("x", 1))


def test_only_fields_that_were_given_are_in_it():
    fields = Fields({"x": None}, {"x", "y"})
    assert "x" in fields
    assert "y" not in fields
