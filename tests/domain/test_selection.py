"""Filters, orders and the periods of lists."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import row

from engagement.domain.reports.selection import STATES, VALUES, Selection, State, read_selection
from engagement.domain.verdicts.kpi import Counts, Kpi
from engagement.errors import InvalidRequestError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2286, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
ANY_TIME = st.datetimes(timezones=st.just(UTC))
COUNTS = st.builds(Counts, *[st.integers(0, 2)] * 3)
KPIS = st.builds(Kpi, COUNTS, COUNTS, COUNTS, st.integers(0, 2), last_opened_at=st.none() | MOMENTS)
ROWS = st.lists(
    st.builds(
        lambda number, kpi, subject: row(number, kpi=kpi, subject=subject),
        st.integers(0, 10**6),
        KPIS,
        st.text(max_size=5),
    ),
    max_size=12,
    unique_by=lambda one: one.message_id,
)


def whole(at):
    """A time without what is below a millisecond, which keys do not tell."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@given(at=MOMENTS, since=st.none() | ANY_TIME, until=st.none() | ANY_TIME)
def test_the_keys_of_a_period_are_those_of_its_moments(at, since, until):
    since, until = since and whole(since), until and whole(until)
    first, last = Selection(since=since, until=until).keys()
    inside = (since is None or since <= whole(at)) and (until is None or whole(at) < until)

    assert (first < row(0, sent_at=at).key < last) is inside


@given(at=MOMENTS)
def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(at):
    at, moment = whole(at), timedelta(milliseconds=1)
    key = row(0, sent_at=at).key
    for since, until, inside in (
        (at, at + moment, True),
        (at - moment, at, False),
        (at + moment, at + 2 * moment, False),
    ):
        first, last = Selection(since=since, until=until).keys()
        assert (first < key < last) is inside


@given(rows=ROWS, sort=st.sampled_from(sorted(VALUES)), order=st.sampled_from(["asc", "desc"]))
def test_what_comes_behind_a_row_is_the_rest_of_the_order(rows, sort, order):
    selection = Selection(sort=sort, order=order)
    in_order = selection.sorted(rows)
    for place, one in enumerate(in_order):
        last = selection.read_rank(json.loads(json.dumps(selection.rank(one))))
        assert [x for x in in_order if selection.behind(x, last)] == in_order[place + 1 :]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        [],
        [True, 1],
        [True, 1, 1],
        [True, None, "k"],
        [True, 1.5, "k"],
        [True, True, "k"],
        [False, 1, "k"],
        [1, 1, "k"],
        [True, [1], "k"],
        {"a": 1},
    ],
)
@pytest.mark.parametrize("sort", ["open_count", "subject"])
def test_B80_a_place_in_another_kind_of_order_is_none(value, sort):
    with pytest.raises(InvalidRequestError):
        Selection(sort=sort).read_rank(value)
    with pytest.raises(InvalidRequestError):
        Selection(sort="subject").read_rank([True, 1, "k"])
    with pytest.raises(InvalidRequestError):
        Selection(sort="open_count").read_rank([True, "x", "k"])


@given(kpi=KPIS)
def test_a_message_is_opened_or_not_or_cannot_be_known_and_replied_to_or_not(kpi):
    held = [state for state in State if STATES[state](row(1, kpi=kpi))]
    assert len(set(held) & {State.OPENED, State.NOT_OPENED, State.UNKNOWN}) == 1
    assert len(set(held) & {State.REPLIED, State.NOT_REPLIED}) == 1


@pytest.mark.parametrize("end", [None, "0001-01-01T00:00:00Z", "1970-01-05T00:00:00Z"])
def test_another_order_than_the_newest_first_is_of_30_days_unless_told(end):
    query = {"sort": "subject"} if end is None else {"sort": "subject", "to": end}
    selection = read_selection(query).within_a_period(NOW)
    assert selection.since is not None
    if end is None:
        assert selection.since == NOW - timedelta(days=30)
    named = read_selection({"sort": "subject", "from": "2026-01-01T00:00:00Z"})
    assert named.within_a_period(NOW) == named
    newest = read_selection({})
    assert newest.within_a_period(NOW) == newest


@given(text=st.text(max_size=60))
def test_B79_any_text_is_read_as_text_or_refused(text):
    for name in ("sender", "template", "record", "subject", "state", "sort", "from", "followed"):
        try:
            selection = read_selection({name: text})
        except InvalidRequestError as error:
            assert error.field == name  # noqa: PT017 - that it is raised is no must
        else:
            assert isinstance(selection.scope, str)
