"""What an organization and a user want of alerts: who of the two has the last word."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.alerts.alert import AlertType
from engagement.domain.alerts.alert_settings import (
    AlertPolicy,
    AlertSettings,
    alerts_json,
    patched_alerts,
)
from engagement.domain.alerts.quiet_hours import QuietHours
from engagement.errors import InvalidRequestError

SILENT = AlertSettings()
NIGHT = {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}
AT_NIGHT = datetime(2026, 6, 10, 21, 30, tzinfo=UTC)
SWITCHES = st.sampled_from([None, True, False])
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
QUIET = st.one_of(
    st.none(),
    st.tuples(CLOCKS, CLOCKS)
    .filter(lambda clocks: clocks[0] != clocks[1])
    .map(lambda clocks: QuietHours(*clocks, "Europe/Berlin")),
)
SETTINGS = st.builds(AlertSettings, SWITCHES, SWITCHES, SWITCHES, QUIET)


def refused(changes, path=""):
    """Field that a change is refused for."""
    with pytest.raises(InvalidRequestError) as raised:
        patched_alerts(SILENT, changes, path)
    return raised.value.field


@pytest.mark.parametrize(
    ("organization", "user", "wanted"),
    [
        (None, None, True),
        (None, True, True),
        (None, False, False),
        (True, None, True),
        (True, True, True),
        (True, False, False),
        (False, None, False),
        # What the organization switched off, no user switches on.
        (False, True, False),
        (False, False, False),
    ],
)
def test_alerts_are_made_unless_the_organization_or_the_user_switched_them_off(
    organization, user, wanted
):
    opens = AlertPolicy(AlertSettings(first_open=organization), AlertSettings(first_open=user))
    replies = AlertPolicy(AlertSettings(reply=organization), AlertSettings(reply=user))

    assert opens.wants(AlertType.FIRST_OPEN) is wanted
    assert replies.wants(AlertType.REPLY) is wanted
    # One switch says nothing of the other.
    assert opens.wants(AlertType.REPLY)
    assert replies.wants(AlertType.FIRST_OPEN)


def test_the_users_quiet_hours_stand_before_those_of_all():
    all_night = AlertSettings(quiet_hours=QuietHours(time(22), time(7), "Europe/Berlin"))
    till_noon = AlertSettings(quiet_hours=QuietHours(time(22), time(12), "Europe/Berlin"))
    midday = AlertSettings(quiet_hours=QuietHours(time(12), time(13), "Europe/Berlin"))

    seven = datetime(2026, 6, 11, 5, 0, tzinfo=UTC)
    assert AlertPolicy(SILENT, SILENT).due_at(AT_NIGHT) == AT_NIGHT
    assert AlertPolicy(all_night, SILENT).due_at(AT_NIGHT) == seven
    assert AlertPolicy(SILENT, all_night).due_at(AT_NIGHT) == seven
    assert AlertPolicy(all_night, till_noon).due_at(AT_NIGHT) == seven.replace(hour=10)
    assert AlertPolicy(till_noon, all_night).due_at(AT_NIGHT) == seven
    # Whose own hours are at midday is told at night, whatever the others want.
    assert AlertPolicy(all_night, midday).due_at(AT_NIGHT) == AT_NIGHT


@given(SETTINGS)
def test_what_is_stored_is_read_back_as_it_was(settings):
    text = json.dumps(alerts_json(settings))
    assert patched_alerts(SILENT, json.loads(text)) == settings


@given(SETTINGS, SETTINGS)
def test_a_change_that_names_everything_leaves_nothing_of_before(before, after):
    assert patched_alerts(before, alerts_json(after)) == after


@given(SETTINGS)
def test_a_change_that_names_nothing_changes_nothing(settings):
    assert patched_alerts(settings, {}) == settings


def test_null_takes_back_what_was_said():
    said = patched_alerts(SILENT, {"first_open": False, "reply": False, "quiet_hours": NIGHT})
    assert said == AlertSettings(
        first_open=False,
        reply=False,
        quiet_hours=QuietHours(time(22), time(7), "Europe/Berlin"),
    )

    for name in ("first_open", "reply", "quiet_hours"):
        said = patched_alerts(said, {name: None})
        assert alerts_json(said)[name] is None
    assert said == SILENT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ([], None),
        (None, None),
        ({"opens": True}, "opens"),
        ({"first_open": 1}, "first_open"),
        ({"first_open": "false"}, "first_open"),
        ({"reply": 0}, "reply"),
        ({"quiet_hours": "22:00-07:00"}, "quiet_hours"),
        ({"quiet_hours": []}, "quiet_hours"),
        ({"quiet_hours": {}}, "quiet_hours.time_zone"),
        ({"quiet_hours": {**NIGHT, "days": [1]}}, "quiet_hours.days"),
    ],
)
def test_what_is_no_setting_is_named(changes, field):
    assert refused(changes) == field


@pytest.mark.parametrize("name", ["from", "to", "time_zone"])
def test_quiet_hours_are_named_whole(name):
    assert refused({"quiet_hours": {k: v for k, v in NIGHT.items() if k != name}}) == (
        f"quiet_hours.{name}"
    )
    assert refused({"quiet_hours": {**NIGHT, name: None}}, "alerts") == f"alerts.quiet_hours.{name}"


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Nowhere",
        "Europe",
        "Berlin",
        "+01:00",
        "../../etc/passwd",
        "/usr/share/zoneinfo/Europe/Berlin",
        "Europe/Berlin\0",
        "zone.tab",
        "x" * 61,
        "",
        " ",
        1,
        ["Europe/Berlin"],
    ],
)
def test_what_is_no_time_zone_is_named(zone):
    assert refused({"quiet_hours": {**NIGHT, "time_zone": zone}}) == "quiet_hours.time_zone"


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "clock",
    ["25:00", "24:00", "7:00", "07:60", "07", "07:00:00", "0700", " 07:00", "07:00 ", "٠٧:٠٠", 7],
)
def test_what_is_no_time_of_the_day_is_named(name, clock):
    assert refused({"quiet_hours": {**NIGHT, name: clock}}) == f"quiet_hours.{name}"


def test_hours_that_end_when_they_begin_are_refused():
    assert refused({"quiet_hours": {**NIGHT, "to": NIGHT["from"]}}) == "quiet_hours.to"
