"""Alerts: once per message, only of what people did, and whatever goes wrong in between."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from deployment import FIREFOX, at_once, ok, recipient, wait_until
from sellers import SELLER, Visitor, alerts, coming, judge, reply, rows, the_alert
from strangers import said, stored, table

from engagement.errors import ConflictError, NotFoundError

APPLE = "Mozilla/5.0"
LIBRARY = "python-requests/2.32.4"
LINKS = "".join(f'<a href="https://contoso.example/{number}">a link</a>' for number in range(4))
TWO = [
    recipient("ann@fabrikam.example", name="Ann"),
    recipient("bob@fabrikam.example", name="Bob"),
]


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
        "priority": "normal",
        "comment": None,
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
    wait_until(lambda: coming(crm))

    assert [x.inferred for x in coming(crm)] == [True]


def test_an_open_after_the_click_that_told_of_it_is_no_news(crm, person):
    message = crm.sent()
    person.get(message.link)
    wait_until(lambda: coming(crm))
    before = coming(crm)
    person.get(message.pixel)
    judge(message)

    assert [x.id for x in coming(crm)] == [x.id for x in before]
    assert len(before) == 1


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
    wait_until(lambda: coming(crm))
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
        "priority": "normal",
        "comment": None,
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
