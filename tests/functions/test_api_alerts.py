"""Alerts: once per message, only of what people did, to whoever sent it, when they want it."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from deployment import FIREFOX, at_once, ok, recipient, wait_until
from problem import assert_problem
from strangers import said, stored, table

from engagement.domain.alert import user_key
from engagement.errors import ConflictError, NotFoundError

SELLER = "u-17"
APPLE = "Mozilla/5.0"
LIBRARY = "python-requests/2.32.4"
#: Without a clock that is turned twice a year.
ZONE = "Asia/Tokyo"
LINKS = "".join(f'<a href="https://contoso.example/{number}">a link</a>' for number in range(4))
TWO = [
    recipient("ann@fabrikam.example", name="Ann"),
    recipient("bob@fabrikam.example", name="Bob"),
]
NOBODYS = f"{'0' * 32}-{'0' * 13}-{'0' * 16}"

ADDRESSES = itertools.count(1)


class Visitor:
    """Somebody with an address of their own: all tests together would be a crowd behind one."""

    def __init__(self, deployment, user_agent=FIREFOX):
        self.deployment = deployment
        number = next(ADDRESSES)
        self.headers = {
            "User-Agent": user_agent,
            "X-Forwarded-For": f"198.18.{number // 256}.{number % 256}",
        }

    def get(self, url, method="GET"):
        return self.deployment.request(method, url, headers=self.headers)


@pytest.fixture
def person(deployment):
    """A person with a browser."""
    return Visitor(deployment)


@pytest.fixture
def patient(deployment):
    """An organization for which all of a minute belongs together, however slow we are."""
    crm = deployment.new_crm()
    crm.set({"verdicts": {"burst_seconds": 60}})
    return crm


def page(crm, user_id=SELLER, **parameters):
    """A page of a user's alerts."""
    return crm.call("GET", "/alerts", params={"user_id": user_id, **parameters})


def alerts(crm, user_id=SELLER):
    """A user's alerts."""
    return ok(page(crm, user_id))["items"]


def the_alert(crm, user_id=SELLER):
    """The only alert of a user, once it is there."""
    wait_until(lambda: alerts(crm, user_id))
    (alert,) = alerts(crm, user_id)
    return alert


def later(crm, now, user_id=SELLER):
    """The alerts that a user is shown at another time."""
    services = crm.deployment.services

    async def read():
        organization = await services.administering.find(crm.organization_id)
        found, _ = await services.alerting.page(organization, user_id, now, after="", size=50)
        return found

    return crm.deployment.run(read())


def judge(message):
    """Judge a message now, as the function of the queue does, and may do at the same time."""
    judging = message.crm.deployment.services.judging
    organization = said(message.pixel).organization

    async def work():
        rules = await judging.rules(organization)
        return await judging.judge(organization, message.id, rules, datetime.now(UTC))

    for _ in range(4):
        try:
            return message.crm.deployment.run(work())
        except ConflictError:
            continue
    return message.crm.deployment.run(work())


def rows(message, user_id=SELLER):
    """A user's alerts as they are stored, newest first."""
    with table(message) as client:
        partition = {"partition": f"alerts-{user_key(user_id)}"}
        return list(client.query_entities("PartitionKey eq @partition", parameters=partition))


def reply(message, body=None, **headers):
    """Report a reply."""
    body = {"replied_by": "ann@fabrikam.example", **(body or {})}
    return message.crm.call("POST", f"/messages/{message.id}/replies", json=body, headers=headers)


def snooze(crm, alert_id, until):
    """Put an alert off until a time, or whatever else is given."""
    body = {"until": until.isoformat() if isinstance(until, datetime) else until}
    return crm.call("POST", f"/alerts/{alert_id}/snooze", json=body)


def dismiss(crm, alert_id):
    """Put an alert away."""
    return crm.call("POST", f"/alerts/{alert_id}/dismiss")


# The first open


def test_an_open_by_a_person_makes_an_alert_as_the_contract_says(crm, person):
    message = crm.sent(copies="per_recipient")
    person.get(message.pixel)
    alert = the_alert(crm)

    (opened,) = message.timeline
    assert alert == {
        "id": alert["id"],
        "type": "first_open",
        "at": opened["at"],
        "due_at": alert["due_at"],
        "user_id": SELLER,
        "message": {"id": message.id, "subject": "Contract for signature"},
        "who": "Ann",
        "client": "Firefox",
        "inferred": False,
        "dismissed": False,
        "text": "Ann opened “Contract for signature” in Firefox.",
    }
    assert alert["due_at"] >= alert["at"]
    assert alert["due_at"].endswith("Z")


def test_a_copy_that_is_shared_says_someone(crm, person):
    message = crm.sent(recipients=TWO)
    person.get(message.pixel)
    alert = the_alert(crm)

    assert alert["who"] == "someone"
    assert alert["text"] == "Someone opened “Contract for signature” in Firefox."


def test_a_copy_of_ones_own_says_who_it_was(crm, person):
    message = crm.sent(recipients=TWO, copies="per_recipient")
    person.get(message.urls("o", copy=1)[0])

    assert the_alert(crm)["who"] == "Bob"


def test_a_recipient_without_a_name_is_called_by_the_address(crm, person):
    message = crm.sent(recipients=[recipient("ann@fabrikam.example")], copies="per_recipient")
    person.get(message.pixel)

    assert the_alert(crm)["who"] == "ann@fabrikam.example"


def test_a_click_without_an_open_makes_an_alert_that_says_so(crm, person):
    message = crm.sent(copies="per_recipient")
    person.get(message.link)
    alert = the_alert(crm)

    assert (alert["type"], alert["inferred"]) == ("first_open", True)
    assert alert["text"] == "Ann opened “Contract for signature”: something in it was selected."
    judge(message)
    assert [x["id"] for x in alerts(crm)] == [alert["id"]]
    assert message.kpis["inferred_open_count"] == 1


def test_an_attachment_that_is_viewed_tells_of_an_open_as_well(crm, person):
    message = crm.sent_with_attachment()
    person.get(message.file)

    assert the_alert(crm)["inferred"] is True


def test_an_open_after_the_click_that_told_of_it_is_no_news(crm, person):
    message = crm.sent()
    person.get(message.link)
    alert = the_alert(crm)
    person.get(message.pixel)
    judge(message)

    assert [x["id"] for x in alerts(crm)] == [alert["id"]]


@pytest.mark.parametrize(
    ("user_agent", "method"), [(LIBRARY, "GET"), (FIREFOX, "HEAD"), (APPLE, "GET"), ("", "GET")]
)
def test_what_no_person_opened_makes_no_alert(crm, deployment, user_agent, method):
    message = crm.sent()
    Visitor(deployment, user_agent).get(message.pixel, method)
    judge(message)

    assert len(stored(message)) == 1
    assert alerts(crm) == []


@pytest.mark.parametrize("first", [LIBRARY, APPLE])
def test_a_machine_first_and_then_a_person_make_one_alert_by_the_person(
    crm, deployment, person, first
):
    message = crm.sent()
    Visitor(deployment, first).get(message.pixel)
    judge(message)
    person.get(message.pixel)
    judge(message)

    alert = the_alert(crm)
    opened = message.timeline[0]
    assert (alert["at"], alert["client"]) == (opened["at"], "Firefox")


def test_only_the_first_open_makes_an_alert(crm, deployment, person):
    message = crm.sent(recipients=TWO, copies="per_recipient")
    person.get(message.pixel)
    alert = the_alert(crm)
    for url in (message.pixel, message.urls("o", copy=1)[0]):
        Visitor(deployment).get(url)
    judge(message)

    assert [x["id"] for x in alerts(crm)] == [alert["id"]]


def test_F6_many_first_opens_at_once_make_one_alert(crm, deployment):
    message = crm.sent()
    visitors = [Visitor(deployment) for _ in range(50)]
    at_once([lambda visitor=visitor: visitor.get(message.pixel) for visitor in visitors])
    alert = the_alert(crm)
    judge(message)

    assert len(stored(message)) == 50
    assert [x["id"] for x in alerts(crm)] == [alert["id"]]
    assert len(rows(message)) == 1


@pytest.mark.parametrize("kind", ["o", "c"])
def test_F6_judging_many_times_at_once_makes_one_alert_and_one_inferred_open(
    crm, deployment, person, kind
):
    message = crm.sent()
    judging = deployment.services.judging
    organization = said(message.pixel).organization

    async def work():
        rules = await judging.rules(organization)
        now = datetime.now(UTC)
        calls = [judging.judge(organization, message.id, rules, now) for _ in range(10)]
        return await asyncio.gather(*calls, return_exceptions=True)

    person.get(message.urls(kind)[0])
    found = [x for x in deployment.run(work()) if not isinstance(x, ConflictError)]

    assert not [x for x in found if isinstance(x, BaseException)]
    judge(message)
    the_alert(crm)
    assert len(rows(message)) == 1
    inferred = [row for row in stored(message) if row["reasons"] == "inferred"]
    assert len(inferred) == (1 if kind == "c" else 0)


def test_a_burst_takes_the_alert_back_that_its_open_had_made(patient, person):
    message = patient.sent(html_body=LINKS)
    person.get(message.pixel)
    the_alert(patient)
    for url in message.urls("c")[:3]:
        person.get(url)

    wait_until(lambda: not alerts(patient))
    judge(message)
    assert rows(message) == []
    assert message.kpis["open_count"] == 0
    assert {item["verdict"] for item in message.timeline} == {"automated"}


def test_after_a_burst_the_first_person_makes_an_alert_again(patient, deployment, person):
    # Or else, so soon after the message went out, a burst would be anybody's.
    patient.set({"verdicts": {"probable_window_seconds": 0}})
    message = patient.sent(html_body=LINKS)
    for url in (message.pixel, *message.urls("c")[:3]):
        person.get(url)
    # The deployment may be at it as well, and have seen less of the burst.
    wait_until(lambda: judge(message) == [] and not alerts(patient))
    Visitor(deployment, FIREFOX.replace("145", "146")).get(message.pixel)
    judge(message)

    the_alert(patient)


def test_an_alert_whose_open_was_a_machines_tells_of_the_person_who_did_open(patient, deployment):
    message = patient.sent(html_body=LINKS, recipients=TWO, copies="per_recipient")
    scanner, bob = Visitor(deployment), Visitor(deployment, FIREFOX.replace("145", "146"))
    scanner.get(message.pixel)
    assert the_alert(patient)["who"] == "Ann"
    bob.get(message.urls("o", copy=1)[0])
    for url in message.urls("c")[:3]:
        scanner.get(url)
    judge(message)

    assert message.kpis["open_count"] == 1
    assert [x["who"] for x in alerts(patient)] == ["Bob"]


def test_whoever_switches_alerts_on_hears_of_what_comes_and_not_of_what_was(crm, person):
    message = crm.sent()
    crm.set({"alerts": {"first_open": False}})
    person.get(message.pixel)
    judge(message)
    crm.set({"alerts": {"first_open": True}})
    judge(message)

    assert alerts(crm) == []


# Replies


def test_a_reply_makes_an_alert_as_the_contract_says(crm):
    message = crm.sent()
    told = ok(reply(message))
    (alert,) = alerts(crm)

    assert alert == {
        "id": alert["id"],
        "type": "reply",
        "at": told["at"],
        "due_at": alert["due_at"],
        "user_id": SELLER,
        "message": {"id": message.id, "subject": "Contract for signature"},
        "who": "Ann",
        "client": None,
        "inferred": False,
        "dismissed": False,
        "text": "Ann replied to “Contract for signature”.",
    }


def test_a_reply_by_a_stranger_is_called_by_the_address(crm):
    ok(reply(crm.sent(), {"replied_by": "boss@fabrikam.example"}))
    assert alerts(crm)[0]["who"] == "boss@fabrikam.example"


def test_F6_a_reply_that_is_reported_again_is_told_once(crm):
    message = crm.sent()
    body = {"internet_message_id": "<1@fabrikam.example>"}
    keys = [{"Idempotency-Key": "k-1"}] * 2 + [{"Idempotency-Key": "k-2"}, {}]
    for headers in keys:
        ok(reply(message, body, **headers))
    at_once([lambda: reply(message, body) for _ in range(5)])
    judge(message)

    assert len(alerts(crm)) == len(rows(message)) == 1


def test_every_reply_of_its_own_makes_an_alert(crm):
    message = crm.sent()
    for number in range(3):
        ok(reply(message, {"internet_message_id": f"<{number}@fabrikam.example>"}))
    judge(message)

    assert [x["type"] for x in alerts(crm)] == ["reply"] * 3


def test_an_automatic_reply_makes_no_alert(crm):
    message = crm.sent()
    ok(reply(message, {"automatic": True}))
    judge(message)

    assert alerts(crm) == []


def test_a_reply_of_long_ago_is_no_news(crm):
    message = crm.sent()
    ok(reply(message, {"at": (datetime.now(UTC) - timedelta(hours=25)).isoformat()}))
    judge(message)

    assert alerts(crm) == []


def test_a_reply_is_told_beside_the_open(crm, person):
    message = crm.sent()
    person.get(message.pixel)
    the_alert(crm)
    ok(reply(message))

    assert [x["type"] for x in alerts(crm)] == ["reply", "first_open"]


# Whose they are


def test_a_reply_while_replies_are_switched_off_is_not_told_later(crm, person):
    message = crm.sent()
    crm.set({"alerts": {"reply": False}})
    reply(message)
    crm.set({"alerts": {"reply": True}})
    person.get(message.pixel)
    the_alert(crm)
    judge(message)

    assert [alert["type"] for alert in alerts(crm)] == ["first_open"]


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


# What is wanted


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
    nothing = {"first_open": None, "reply": None, "quiet_hours": None}
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
    told = crm.set({"alerts": {"reply": False, "quiet_hours": night}})["alerts"]

    assert told == {"first_open": None, "reply": False, "quiet_hours": night}
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


# What goes wrong in between


def test_a_crash_before_the_alert_is_stored_is_made_up_for(crm, deployment, person):
    message = crm.sent()
    person.get(message.pixel)
    alert = the_alert(crm)
    (row,) = rows(message)
    with table(message) as client:
        # As if the process had ended after it claimed the alert.
        claim = client.get_entity(message.id, "4-alert-open")
        client.update_entity({**claim, "stage": "claimed"})
        client.delete_entity(row)
    assert alerts(crm) == []
    judge(message)
    judge(message)

    assert [x["id"] for x in alerts(crm)] == [alert["id"]]


def test_an_alert_that_is_taken_back_while_another_is_making_it_does_not_stay(
    patient, deployment, person
):
    """One judgement saw the open alone, another one the burst; the first is the slower one."""
    message = patient.sent(html_body=LINKS)
    organization = said(message.pixel).organization
    services = deployment.services
    person.get(message.pixel)
    the_alert(patient)
    with table(message) as client:
        claim = client.get_entity(message.id, "4-alert-open")
        client.update_entity({**claim, "stage": "claimed"})

    async def known():
        claim = await services.alerting.alerts.read_first_open(organization, message.id)
        found, _ = await services.judging.interactions.of_message(organization, message.id, 1000)
        return claim, found

    claim, opened = deployment.run(known())
    for url in message.urls("c")[:3]:
        person.get(url)
    wait_until(lambda: not alerts(patient))
    now = datetime.now(UTC)
    # The first one goes on with what it knows. It may fail, as it is asked for again.
    with suppress(ConflictError, NotFoundError):
        deployment.run(services.alerting.follow_up(organization, message.id, opened, claim, now))
    judge(message)

    assert alerts(patient) == []


def test_the_longest_names_of_everything_make_an_alert_that_can_be_stored(crm, person):
    user, subject, name = "ü" * 200, "ö" * 500, "ä" * 200
    sender = {"user_id": user, "email": "seller@contoso.example"}
    people = [recipient("ann@fabrikam.example", name=name)]
    message = crm.sent(subject=subject, sender=sender, recipients=people, copies="per_recipient")
    person.get(message.pixel)

    alert = the_alert(crm, user)
    assert (alert["message"]["subject"], alert["who"]) == (subject, name)
