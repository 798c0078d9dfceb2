"""KPIs of periods over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from deployment import ok
from problem import assert_problem

from engagement.domain.tracking.tracking_token import Kind
from engagement.services.rolling_up import Report

TODAY = datetime.now(UTC).date()
NOTHING = {"open_count": 0, "click_count": 0, "attachment_view_count": 0}


def roll_up(message):
    """Roll up what changed so far in a message's organization, as the timer will."""
    deployment = message.crm.deployment
    token = message.pixel.rpartition("/")[2].removesuffix(".gif")
    key = deployment.services.tracking.signer.verify(token, Kind.OPEN).organization
    later = datetime.now(UTC) + timedelta(minutes=5)
    deployment.run(deployment.services.rolling_up.roll_up(key, later, 10, Report()))


def kpis(crm, **query):
    """Read KPIs."""
    return crm.call("GET", "/kpis", params={name.rstrip("_"): x for name, x in query.items()})


@pytest.fixture(scope="module")
def seller(deployment):
    """An organization with two sellers and two templates; one message was opened and answered."""
    crm = deployment.new_crm()
    other = {"user_id": "u/18 'or' 1 eq 1", "email": "other@contoso.example", "name": None}
    for name in ("t-1", "t-2"):
        crm.template(name)
    opened = crm.sent(template_id="t-1", segment={"language": "de"})
    crm.sent(template_id="t-1", sender=other)
    crm.sent(template_id="t-2", sender=other)
    crm.sent(follow=False)
    deployment.get(opened.pixel)
    deployment.get(opened.link)
    deployment.request("HEAD", opened.link)
    body = {"replied_by": "ann@fabrikam.example"}
    ok(crm.call("POST", f"/messages/{opened.id}/replies", json=body))
    roll_up(opened)
    crm.opened = opened
    return crm


def test_a_period_has_totals_distributions_and_a_series(seller):
    answer = ok(kpis(seller))
    totals = answer["totals"]

    assert answer["to"] == TODAY.isoformat()
    assert answer["from"] == (TODAY - timedelta(days=29)).isoformat()
    assert totals == {
        "sent_count": 4,
        "followed_count": 3,
        "opened_count": 1,
        "replied_count": 1,
        "open_rate": 0.3333,
        "reply_rate": 0.3333,
        "kpis": {
            "open_count": 1,
            "click_count": 1,
            "attachment_view_count": 0,
            "reply_count": 1,
            "inferred_open_count": 0,
            "unsure": NOTHING,
            "automated": {**NOTHING, "click_count": 1},
        },
    }
    for name in ("open", "click", "reply"):
        hours, weekdays = answer["by_hour"][name], answer["by_weekday"][name]
        assert (len(hours), sum(hours), len(weekdays), sum(weekdays)) == (24, 1, 7, 1)
    assert answer["by_weekday"]["reply"][TODAY.weekday()] == 1
    assert [day["on"] for day in answer["series"]] == [
        (TODAY - timedelta(days=29 - number)).isoformat() for number in range(30)
    ]
    assert answer["series"][-1] == {"on": TODAY.isoformat(), **totals}
    assert answer["series"][0]["open_rate"] is None
    assert "groups" not in answer


def test_the_kpis_of_a_period_are_those_of_its_messages(seller):
    message = seller.opened.kpis
    period = ok(kpis(seller))["totals"]["kpis"]
    assert {name: message[name] for name in period} == period


def test_groups_come_by_the_number_of_their_messages(seller):
    senders = ok(kpis(seller, group_by="sender"))["groups"]
    templates = ok(kpis(seller, group_by="template"))["groups"]

    assert [(each["sender"], each["sent_count"]) for each in senders] == [
        ("u-17", 2),
        ("u/18 'or' 1 eq 1", 2),
    ]
    assert [(each["template_id"], each["sent_count"]) for each in templates] == [
        ("t-1", 2),
        ("t-2", 1),
    ]
    assert templates[0]["open_rate"] == 0.5
    assert ok(kpis(seller, group_by="organization")) == ok(kpis(seller))


def test_one_sender_or_template_can_be_chosen(seller):
    sender = ok(kpis(seller, sender="u/18 'or' 1 eq 1"))
    template = ok(kpis(seller, template="t-1", from_=TODAY.isoformat()))

    assert (sender["totals"]["sent_count"], sender["totals"]["opened_count"]) == (2, 0)
    assert (template["totals"]["sent_count"], template["totals"]["opened_count"]) == (2, 1)
    assert len(template["series"]) == 1
    for nobody in ("nobody", "' or RowKey ne '", "\x00", "u-1"):
        assert ok(kpis(seller, sender=nobody))["totals"]["sent_count"] == 0


def test_days_without_anything_are_zeros(seller):
    answer = ok(kpis(seller, from_="2024-02-28", to="2024-03-01", group_by="sender"))
    assert [day["on"][5:] for day in answer["series"]] == ["02-28", "02-29", "03-01"]
    assert answer["totals"]["sent_count"] == 0
    assert answer["groups"] == []


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"from_": "2026-11-02", "to": "2026-11-01"}, 400, "from"),
        ({"from_": "2016-11-01", "to": "2026-11-01"}, 422, "from"),
        ({"from_": "yesterday"}, 400, "from"),
        ({"to": "2026-11-31"}, 400, "to"),
        ({"to": " "}, 400, "to"),
        ({"group_by": "recipient"}, 400, "group_by"),
        ({"group_by": "sender", "sender": "u-17"}, 400, "group_by"),
        ({"sender": "u-17", "template": "t-1"}, 400, "template"),
        ({"sender": " "}, 400, "sender"),
        ({"template": "x" * 201}, 400, "template"),
        ({"time_zone": "Europe/Berlin"}, 400, "time_zone"),
    ],
)
def test_B81_a_period_that_cannot_be_is_refused_by_its_parameter(seller, query, status, field):
    assert_problem(kpis(seller, **query), status, field)


def test_a_day_is_recomputed_as_often_as_one_likes(seller):
    before = ok(kpis(seller))["totals"]
    first = ok(seller.call("POST", "/kpis/recompute", json={"on": TODAY.isoformat()}))
    again = ok(seller.call("POST", "/kpis/recompute", json={"on": TODAY.isoformat()}))

    assert first == again
    assert first == {
        "on": TODAY.isoformat(),
        "message_count": 4,
        "totals": before,
        "continuation": None,
    }
    assert ok(kpis(seller))["totals"] == before


def test_a_day_on_which_nothing_was_is_recomputed_to_nothing(seller):
    answer = ok(seller.call("POST", "/kpis/recompute", json={"on": "1999-12-31"}))
    assert (answer["message_count"], answer["totals"]["sent_count"]) == (0, 0)


@pytest.mark.parametrize(
    "on",
    ["2026-02-30", "today", "", None, 20261101, "9999-12-31", "2026-11-01T00:00"],
)
def test_B81_a_day_that_cannot_be_recomputed_is_named(seller, on):
    assert_problem(seller.call("POST", "/kpis/recompute", json={"on": on}), 400, "on")


def test_another_organization_sees_nothing_of_it(seller, deployment):
    assert ok(kpis(deployment.new_crm()))["totals"]["sent_count"] == 0
