"""What an organization says of working hours, and the weeks of countries."""

from __future__ import annotations

import json
from datetime import date, time

import pytest

from engagement.domain.delivery.public_holiday import holiday_on, working_days_of
from engagement.domain.delivery.working_hours import (
    DAYS,
    DeliveryTimeSettings,
    WorkingHours,
    delivery_time_json,
    patched_delivery_time,
)
from engagement.domain.time_zone import countries
from engagement.errors import InvalidRequestError

DEFAULT = DeliveryTimeSettings()


def test_without_a_word_it_is_eight_to_five_on_five_days():
    assert delivery_time_json(DEFAULT) == {
        "working_hours": {"days": None, "from": "08:00", "to": "17:00"},
        "countries": {},
        "holidays": True,
    }
    hours = DEFAULT.hours_in(None)
    assert (hours.begin, hours.end, sorted(hours.days)) == (time(8), time(17), [0, 1, 2, 3, 4])


def test_settings_are_merged_and_read_back():
    changes = {
        "working_hours": {"from": "09:00", "to": "18:00"},
        "countries": {"AE": {"days": ["mon", "sun"]}, "ES": {"from": "10:00", "to": "19:00"}},
        "holidays": False,
    }
    settings = patched_delivery_time(DEFAULT, changes)
    assert settings.hours_in("AE") == WorkingHours(time(8), time(17), frozenset({0, 6}))
    assert settings.hours_in("ES").begin == time(10)
    assert settings.hours_in("FR").begin == time(9)
    stored = json.loads(json.dumps(delivery_time_json(settings)))
    assert patched_delivery_time(DEFAULT, stored) == settings

    fewer = patched_delivery_time(settings, {"countries": {"AE": None, "DE": None}})
    assert set(fewer.countries) == {"ES"}
    assert fewer.holidays is False
    assert patched_delivery_time(fewer, {"working_hours": None}).working_hours == WorkingHours()
    assert patched_delivery_time(fewer, {}) == fewer


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ([], None),
        ({"hours": {}}, "hours"),
        ({"holidays": None}, "holidays"),
        ({"holidays": "yes"}, "holidays"),
        ({"working_hours": "08:00"}, "working_hours"),
        ({"working_hours": {"from": "8:00"}}, "working_hours.from"),
        ({"working_hours": {"from": 8}}, "working_hours.from"),
        ({"working_hours": {"to": "24:00"}}, "working_hours.to"),
        ({"working_hours": {"from": "17:00"}}, "working_hours.to"),
        ({"working_hours": {"from": "20:00", "to": "04:00"}}, "working_hours.to"),
        ({"working_hours": {"days": []}}, "working_hours.days"),
        ({"working_hours": {"days": "mon"}}, "working_hours.days"),
        ({"working_hours": {"days": ["monday"]}}, "working_hours.days[0]"),
        ({"working_hours": {"days": ["mon", 1]}}, "working_hours.days[1]"),
        ({"working_hours": {"days": ["mon", ["tue"]]}}, "working_hours.days[1]"),
        ({"working_hours": {"days": [*DAYS, "mon"]}}, "working_hours.days"),
        ({"countries": None}, "countries"),
        ({"countries": ["AE"]}, "countries"),
        ({"countries": {"XX": {}}}, "countries.XX"),
        ({"countries": {"ae": {}}}, "countries.ae"),
        ({"countries": {"AE": {"to": "07:00"}}}, "countries.AE.to"),
    ],
)
def test_B59_settings_that_make_no_sense_are_named(changes, field):
    with pytest.raises(InvalidRequestError) as refusal:
        patched_delivery_time(DEFAULT, changes)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("country", "days"),
    [
        (None, "mon tue wed thu fri"),
        ("DE", "mon tue wed thu fri"),
        ("AE", "mon tue wed thu fri"),
        ("HK", "mon tue wed thu fri"),
        ("SA", "mon tue wed thu sun"),
        ("IL", "mon tue wed thu sun"),
        ("IR", "mon tue wed sat sun"),
        ("KP", "mon tue wed thu fri"),
    ],
)
def test_a_country_has_a_week_of_its_own(country, days):
    assert working_days_of(country) == {DAYS.index(day) for day in days.split()}


@pytest.mark.parametrize(
    ("country", "region", "day", "name"),
    [
        ("DE", None, date(2028, 10, 3), "German Unity Day"),
        ("FR", None, date(2026, 7, 14), "National Day"),
        ("US", "CA", date(2026, 7, 3), "Independence Day (observed)"),
        ("DE", "BY", date(2026, 1, 6), "Epiphany"),
        ("DE", "BE", date(2026, 1, 6), None),
        ("DE", None, date(2026, 1, 6), None),
        # What the package does not know as a region has the country's.
        ("GB", "LND", date(2026, 12, 25), "Christmas Day"),
        ("DE", None, date(9999, 1, 1), None),
        ("DE", None, date(1, 1, 1), None),
    ],
)
def test_public_holidays_have_names(country, region, day, name):
    assert holiday_on(country, region, day) == name


def test_every_country_has_a_week_and_a_calendar():
    for country in countries():
        assert len(working_days_of(country)) == 5
        assert {holiday_on(country, None, date(2026, 1, day)) for day in range(1, 32)}
