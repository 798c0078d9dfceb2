"""Alerts come to those who want them, when they want them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from deployment import at_once, ok, wait_until
from problem import assert_problem
from sellers import SELLER, alerts, judge, later, reply, rows, the_alert
from strangers import table

#: Without a clock that is turned twice a year.
ZONE = "Asia/Tokyo"


def change(crm, changes, user_id=SELLER):
    """Change what a user wants."""
    return crm.call("PATCH", "/alert-settings", params={"user_id": user_id}, json=changes)


def clock(at):
    """What the clock on the wall of the tests' zone shows."""
    return f"{at.astimezone(ZoneInfo(ZONE)):%H:%M}"


def hours_around(now):
    """Quiet hours that began an hour ago and end in an hour; and that end."""
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    hours = {"from": clock(begin), "to": clock(end), "time_zone": ZONE}
    return hours, end.replace(second=0, microsecond=0)


@pytest.mark.parametrize("switched_by", ["organization", "user"])
@pytest.mark.parametrize("kind", ["first_open", "reply"])
def test_a_kind_of_alert_that_is_switched_off_is_not_made(crm, person, switched_by, kind):
    message = crm.sent()
    if switched_by == "organization":
        crm.set({"alerts": {kind: False}})
        ok(change(crm, {kind: True}))
    else:
        ok(change(crm, {kind: False}))
    person.get(message.pixel)
    ok(reply(message))
    judge(message)

    (other,) = {"first_open", "reply"} - {kind}
    assert the_alert(crm)["type"] == other


def test_what_one_user_switched_off_the_others_still_get(crm, deployment):
    ok(change(crm, {"reply": False}, "u-18"))
    for user in ("u-17", "u-18"):
        ok(reply(crm.sent(sender={"user_id": user, "email": "seller@contoso.example"})))

    assert len(alerts(crm, "u-17")) == 1
    assert alerts(crm, "u-18") == []


def test_what_a_user_wants_is_told_and_merged(crm):
    nothing = {"first_open": None, "reply": None, "reminder": None, "quiet_hours": None}
    night = {"from": "22:00", "to": "07:00", "time_zone": ZONE}
    path = "/alert-settings"

    assert ok(crm.call("GET", path, params={"user_id": SELLER})) == nothing
    assert ok(change(crm, {"first_open": False})) == {**nothing, "first_open": False}
    both = {**nothing, "first_open": False, "quiet_hours": night}
    assert ok(change(crm, {"quiet_hours": night})) == both
    assert ok(crm.call("GET", path, params={"user_id": SELLER})) == both
    assert ok(crm.call("GET", path, params={"user_id": "u-18"})) == nothing
    assert ok(change(crm, {"first_open": None, "quiet_hours": None})) == nothing


def test_what_an_organization_wants_is_told_with_its_settings(crm):
    night = {"from": "22:00", "to": "07:00", "time_zone": ZONE}
    told = crm.set({"alerts": {"reply": False, "reminder": None, "quiet_hours": night}})["alerts"]

    assert told == {"first_open": None, "reply": False, "reminder": None, "quiet_hours": night}
    assert ok(crm.call("GET", "/settings"))["alerts"] == told
    assert crm.set({"alerts": {"quiet_hours": None}})["alerts"]["quiet_hours"] is None


@pytest.mark.parametrize("whose", ["organization", "user"])
@pytest.mark.parametrize("kind", ["first_open", "reply"])
def test_in_quiet_hours_an_alert_waits_for_their_end(crm, person, whose, kind):
    hours, end = hours_around(datetime.now(UTC))
    if whose == "organization":
        crm.set({"alerts": {"quiet_hours": hours}})
    else:
        ok(change(crm, {"quiet_hours": hours}))
    message = crm.sent()
    if kind == "reply":
        ok(reply(message))
    else:
        person.get(message.pixel)
    wait_until(lambda: rows(message))

    (row,) = rows(message)
    assert row["due_at"] == end
    assert alerts(crm) == []
    assert later(crm, end - timedelta(seconds=1)) == []
    (shown,) = later(crm, end)
    assert shown.type == kind


def test_an_alert_that_waited_is_listed_once_it_is_due(crm):
    hours, _ = hours_around(datetime.now(UTC))
    ok(change(crm, {"quiet_hours": hours}))
    message = crm.sent()
    ok(reply(message))
    assert alerts(crm) == []
    (row,) = rows(message)
    with table(message) as client:
        client.update_entity({**row, "due_at": datetime.now(UTC) - timedelta(seconds=1)})

    assert len(alerts(crm)) == 1


def test_outside_quiet_hours_and_without_them_nothing_waits(crm):
    now = datetime.now(UTC)
    begin, end = now + timedelta(hours=2), now + timedelta(hours=3)
    hours = {"from": clock(begin), "to": clock(end), "time_zone": ZONE}
    ok(change(crm, {"quiet_hours": hours}))
    ok(reply(crm.sent()))
    assert len(alerts(crm)) == 1

    ok(change(crm, {"quiet_hours": hours_around(now)[0]}))
    ok(change(crm, {"quiet_hours": None}))
    ok(reply(crm.sent()))
    assert len(alerts(crm)) == 2


def test_a_user_with_hours_of_their_own_is_not_held_to_those_of_all(crm):
    now = datetime.now(UTC)
    crm.set({"alerts": {"quiet_hours": hours_around(now)[0]}})
    begin, end = now + timedelta(hours=2), now + timedelta(hours=3)
    ok(change(crm, {"quiet_hours": {"from": clock(begin), "to": clock(end), "time_zone": ZONE}}))
    ok(reply(crm.sent()))

    assert len(alerts(crm)) == 1


NIGHT = {"from": "22:00", "to": "07:00", "time_zone": ZONE}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quiet_hours": {**NIGHT, "time_zone": "Asia/Nowhere"}}, "quiet_hours.time_zone"),
        ({"quiet_hours": {**NIGHT, "time_zone": "Asia"}}, "quiet_hours.time_zone"),
        ({"quiet_hours": {"from": "22:00", "to": "07:00"}}, "quiet_hours.time_zone"),
        ({"quiet_hours": {**NIGHT, "from": "25:00"}}, "quiet_hours.from"),
        ({"quiet_hours": {"to": "07:00", "time_zone": ZONE}}, "quiet_hours.from"),
        ({"quiet_hours": {**NIGHT, "to": "22:00"}}, "quiet_hours.to"),
        ({"quiet_hours": {"from": "22:00", "time_zone": ZONE}}, "quiet_hours.to"),
        ({"quiet_hours": True}, "quiet_hours"),
        ({"reply": "no"}, "reply"),
        ({"first_open": 0}, "first_open"),
        ({"opens": False}, "opens"),
    ],
)
def test_a_wrong_wish_is_named_and_nothing_changes(crm, changes, field):
    ok(change(crm, {"reply": False}))
    before = ok(crm.call("GET", "/alert-settings", params={"user_id": SELLER}))
    settings = ok(crm.call("GET", "/settings"))

    assert_problem(change(crm, {"first_open": False, **changes}), 400, field)
    wrong = {"follow": {"enabled": False}, "alerts": changes}
    assert_problem(crm.call("PATCH", "/settings", json=wrong), 400, f"alerts.{field}")
    assert ok(crm.call("GET", "/alert-settings", params={"user_id": SELLER})) == before
    assert ok(crm.call("GET", "/settings")) == settings


def test_wishes_at_once_are_kept_or_refused_and_never_half(crm):
    answers = at_once([lambda: change(crm, {"reply": False}) for _ in range(6)])

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    told = ok(crm.call("GET", "/alert-settings", params={"user_id": SELLER}))
    assert told["reply"] is False


def test_whoever_switches_alerts_on_hears_of_what_comes_and_not_of_what_was(crm, person):
    message = crm.sent()
    crm.set({"alerts": {"first_open": False}})
    person.get(message.pixel)
    judge(message)
    crm.set({"alerts": {"first_open": True}})
    judge(message)

    assert alerts(crm) == []


def test_a_reply_while_replies_are_switched_off_is_not_told_later(crm, person):
    message = crm.sent()
    crm.set({"alerts": {"reply": False}})
    reply(message)
    crm.set({"alerts": {"reply": True}})
    person.get(message.pixel)
    the_alert(crm)
    judge(message)

    assert [alert["type"] for alert in alerts(crm)] == ["first_open"]
