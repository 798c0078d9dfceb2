"""Periods, as callers ask for them (B81)."""

from __future__ import annotations

from datetime import date

import pytest

from engagement.domain.reports.period import LONGEST_PERIOD, Period, read_period
from engagement.errors import InvalidRequestError, UnprocessableError

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 10, 24), TODAY),
        ({"to": "2026-03-01"}, date(2026, 1, 31), date(2026, 3, 1)),
        ({"from": "2026-11-22"}, TODAY, TODAY),
        ({"from": "2024-02-29", "to": "2024-03-01"}, date(2024, 2, 29), date(2024, 3, 1)),
        ({"to": "0001-01-02"}, date(1, 1, 1), date(1, 1, 2)),
        ({"from": "9999-12-31", "to": "9999-12-31"}, date.max, date.max),
    ],
)
def test_a_period_is_what_was_asked_for_or_the_last_thirty_days(query, first, last):
    assert read_period(query, TODAY) == Period(first, last)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-23"}, "from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"to": ""}, "to"),
        ({"to": "20261101"}, "to"),
        ({"to": "2026-W01-1"}, "to"),
        ({"to": "2026-11-01T00:00:00Z"}, "to"),
        ({"to": "2026-11-01\n"}, "to"),
        ({"to": "\u0662\u0660\u0662\u0666-11-01"}, "to"),
        ({"to": "0000-01-01"}, "to"),
    ],
)
def test_B81_what_is_no_period_is_refused_by_the_name_of_its_parameter(query, field):
    with pytest.raises(InvalidRequestError) as caught:
        read_period(query, TODAY)
    assert (caught.value.status, caught.value.field) == (400, field)


def test_B81_ten_years_are_too_long():
    with pytest.raises(UnprocessableError) as caught:
        read_period({"from": "2016-11-22"}, TODAY)
    assert caught.value.field == "from"


def test_B81_the_longest_period_has_as_many_days_as_it_says():
    query = {"from": "2025-01-01", "to": "2026-02-04"}
    assert len(list(read_period(query, TODAY).days())) == LONGEST_PERIOD
    with pytest.raises(UnprocessableError):
        read_period({**query, "to": "2026-02-05"}, TODAY)
