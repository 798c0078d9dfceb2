"""Alerts are shown to whom they are for, page by page, until they are put off or away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from deployment import ok, wait_until
from problem import assert_problem
from sellers import SELLER, Visitor, alerts, dismiss, judge, later, page, reply, snooze, the_alert

NOBODYS = f"{'0' * 32}-{'0' * 13}-{'0' * 16}"


# Whose they are


def test_alerts_of_several_users_do_not_mix(crm, deployment):
    users = ["u-17", "u-18", "Ünal/7 ' or 1 eq 1"]
    messages = {
        user: crm.sent(sender={"user_id": user, "email": "seller@contoso.example"})
        for user in users
    }
    for message in messages.values():
        Visitor(deployment).get(message.pixel)

    for user, message in messages.items():
        alert = the_alert(crm, user)
        assert (alert["user_id"], alert["message"]["id"]) == (user, message.id)
    assert alerts(crm, "u-1") == []
    assert alerts(crm, "U-17") == []


def test_alerts_of_two_organizations_do_not_mix(crm, fresh, person):
    message = crm.sent()
    fresh.sent()
    person.get(message.pixel)
    alert = the_alert(crm)

    assert alerts(fresh) == []
    assert_problem(snooze(fresh, alert["id"], datetime.now(UTC) + timedelta(hours=1)), 404)
    assert_problem(dismiss(fresh, alert["id"]), 404)
    assert alerts(crm) == [alert]


@pytest.mark.parametrize("user_id", [None, "", " ", "\t", "x" * 201])
def test_whose_alerts_are_meant_has_to_be_said(crm, user_id):
    parameters = {} if user_id is None else {"user_id": user_id}
    assert_problem(crm.call("GET", "/alerts", params=parameters), 400, "user_id")
    assert_problem(crm.call("GET", "/alert-settings", params=parameters), 400, "user_id")
    changed = crm.call("PATCH", "/alert-settings", params=parameters, json={})
    assert_problem(changed, 400, "user_id")


@pytest.mark.parametrize("user_id", ["x" * 200, "ü" * 200, "../x", "a%00b", "%ED%A0%80", "'"])
def test_a_user_of_whom_nothing_is_known_has_no_alerts(crm, user_id):
    assert alerts(crm, user_id) == []
    assert ok(crm.call("GET", f"/alerts?user_id={user_id}"))["items"] == []


@pytest.mark.parametrize("path", ["/alerts", "/alert-settings"])
def test_a_parameter_that_is_not_known_is_named(crm, path):
    answer = crm.call("GET", path, params={"user_id": SELLER, "type": "reply"})
    assert_problem(answer, 400, "type")


def test_the_administrator_reads_no_alerts(crm, deployment):
    path = f"/organizations/{crm.organization_id}"
    for route in ("/alerts", "/alert-settings"):
        answer = deployment.admin("GET", path + route, params={"user_id": SELLER})
        assert_problem(answer, 401)


# Pages


@pytest.fixture(scope="module")
def busy(deployment):
    """An organization whose seller got five replies, one of them put away."""
    crm = deployment.new_crm()
    message = crm.sent()
    now = datetime.now(UTC)
    for minutes in (3, 1, 5, 2, 4):
        ok(reply(message, {"at": (now - timedelta(minutes=minutes)).isoformat()}))
    return crm


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
def test_pages_are_newest_first_and_have_neither_gaps_nor_repeats(busy, size):
    pages, continuation = [], {}
    while continuation is not None:
        answer = ok(page(busy, page_size=size, **continuation))
        pages.append(answer["items"])
        end = answer["continuation"]
        continuation = end and {"continuation": end}

    items = [item for one in pages for item in one]
    assert all(len(one) == size for one in pages[:-1])
    assert pages[-1]
    assert items == alerts(busy)
    moments = [item["at"] for item in items]
    assert len(set(moments)) == 5
    assert moments == sorted(moments, reverse=True)


def test_what_comes_between_two_pages_does_not_shift_the_second(crm):
    message = crm.sent()
    now = datetime.now(UTC)
    for minutes in (3, 2):
        ok(reply(message, {"at": (now - timedelta(minutes=minutes)).isoformat()}))
    first = ok(page(crm, page_size=1))
    before = alerts(crm)
    ok(reply(message))
    second = ok(page(crm, page_size=1, continuation=first["continuation"]))

    assert first["items"] + second["items"] == before
    assert second["continuation"] is None


def test_an_alert_is_shown_for_a_month(busy):
    now = datetime.now(UTC)
    assert len(later(busy, now + timedelta(days=29))) == 5
    assert later(busy, now + timedelta(days=31)) == []


@pytest.mark.parametrize("size", ["0", "201", "x", "-1", "1.5"])
def test_a_page_size_that_cannot_be_one_is_named(busy, size):
    assert_problem(page(busy, page_size=size), 400, "page_size")


@pytest.mark.parametrize("continuation", ["x", "0", NOBODYS, "' or RowKey ne '", f"{'0' * 13}-"])
def test_a_continuation_that_cannot_be_one_is_named(busy, continuation):
    assert_problem(page(busy, continuation=continuation), 400, "continuation")


# Put off, put away


def test_an_alert_that_is_put_off_is_shown_again_when_it_is_time(crm):
    ok(reply(crm.sent()))
    (alert,) = alerts(crm)
    until = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    answer = ok(snooze(crm, alert["id"], until))

    assert datetime.fromisoformat(answer["due_at"]) == until
    assert {**answer, "due_at": alert["due_at"]} == alert
    assert alerts(crm) == []
    assert later(crm, until - timedelta(seconds=1)) == []
    (shown,) = later(crm, until)
    assert shown.public_id == alert["id"]
    # It may be put off again, also to be shown sooner.
    sooner = datetime.now(UTC) + timedelta(seconds=1)
    ok(snooze(crm, alert["id"], sooner))
    wait_until(lambda: alerts(crm))


@pytest.mark.parametrize(
    "until",
    [
        None,
        "",
        "tomorrow",
        "2026-13-01T00:00:00Z",
        "2026-12-01",
        5,
        True,
        timedelta(0),
        timedelta(seconds=-1),
        timedelta(days=-400),
        timedelta(days=31),
        timedelta(days=40_000),
    ],
    ids=str,
)
def test_a_time_until_which_nothing_can_be_put_off_is_named(busy, until):
    if isinstance(until, timedelta):
        until = datetime.now(UTC) + until
    alert_id = alerts(busy)[0]["id"]
    before = alerts(busy)

    assert_problem(snooze(busy, alert_id, until), 400, "until")
    assert alerts(busy) == before


@pytest.mark.parametrize(
    ("body", "field"), [({}, "until"), ([], None), ({"until": None, "for": "1h"}, "for")]
)
def test_a_body_that_does_not_say_until_when_is_refused(busy, body, field):
    path = f"/alerts/{alerts(busy)[0]['id']}/snooze"
    assert_problem(busy.call("POST", path, json=body), 400, field)


def test_a_dismissed_alert_is_shown_no_more_and_dismissing_it_again_is_fine(crm, person):
    message = crm.sent()
    person.get(message.pixel)
    alert = the_alert(crm)

    assert ok(dismiss(crm, alert["id"])) == {**alert, "dismissed": True}
    assert ok(dismiss(crm, alert["id"])) == {**alert, "dismissed": True}
    assert alerts(crm) == []
    assert later(crm, datetime.now(UTC) + timedelta(days=1)) == []
    # What was put away does not come back with the next look at the message.
    Visitor(crm.deployment).get(message.pixel)
    judge(message)
    assert alerts(crm) == []


def test_a_dismissed_reply_does_not_come_back_when_it_is_reported_again(crm):
    message = crm.sent()
    body = {"internet_message_id": "<1@fabrikam.example>"}
    ok(reply(message, body))
    ok(dismiss(crm, alerts(crm)[0]["id"]))
    ok(reply(message, body))
    judge(message)

    assert alerts(crm) == []


@pytest.mark.parametrize(
    "alert_id",
    [
        NOBODYS,
        NOBODYS.upper().replace("0", "A"),
        NOBODYS[:-1],
        NOBODYS + "0",
        "x",
        "0" * 24,
        "%00",
        "'",
        "a%2Fb",
        "%20",
        "x" * 5_000,
    ],
)
def test_an_alert_that_is_not_there_cannot_be_changed(busy, alert_id):
    assert_problem(snooze(busy, alert_id, datetime.now(UTC) + timedelta(hours=1)), 404)
    assert_problem(dismiss(busy, alert_id), 404)


def test_an_alert_of_which_only_the_user_is_right_is_not_there(busy):
    user, _, _ = alerts(busy)[0]["id"].partition("-")
    assert_problem(dismiss(busy, f"{user}-{'0' * 13}-{'0' * 16}"), 404)
