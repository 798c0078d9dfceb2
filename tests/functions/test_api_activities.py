"""Activities of records: a tile for each message, newest first, whatever became of it."""

from __future__ import annotations

import pytest
from deployment import ok, recipient, wait_until
from problem import assert_problem
from shelf import ask, everything, fill, ids, row

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Status
from engagement.domain.verdicts.kpi import Counts, Kpi

ANN = {**recipient("ann@fabrikam.example", name="Ann"), "record": {"type": "contact", "id": "c-1"}}
BEN = {**recipient("ben@fabrikam.example"), "record": {"type": "lead", "id": "l/2 %2F"}}
RENEWAL = {"type": "opportunity", "id": "o-9", "name": "Fabrikam renewal"}


def tiles(crm, kind="contact", record_id="c-1", **parameters):
    """The tiles on the first page of a record's activities."""
    answer = ask(crm, f"/records/{kind}/{record_id}/activities", **parameters)
    return ok(answer)["items"]


def test_a_message_has_a_tile_from_the_beginning(crm, deployment):
    draft = crm.draft(recipients=[ANN], regarding=RENEWAL)
    (tile,) = tiles(crm)
    path = f"/api/v1/organizations/{crm.organization_id}/messages/{draft['id']}"

    assert tile == {
        "id": draft["id"],
        "subject": "Contract for signature",
        "sender": {"user_id": "u-17", "email": "seller@contoso.example", "name": "Kim Seller"},
        "recipients": "Ann",
        "regarding": RENEWAL,
        "template_id": None,
        "status": "draft",
        "follow_state": "followed",
        "sent_at": None,
        "kpis": draft["kpis"],
        "interaction_status": "Draft",
        "direction": "outgoing",
        "at": draft["created_at"],
        "send_at": None,
        "expand": {"message": path, "timeline": f"{path}/timeline"},
    }
    assert tiles(crm, "opportunity", "o-9") == [tile]
    for url in tile["expand"].values():
        answer = deployment.http.get(deployment.url + url, headers={"X-Api-Key": crm.api_key})
        assert answer.status_code == 200


def test_a_tile_follows_its_message(crm, deployment):
    first = crm.draft(recipients=[ANN])
    second = crm.sent(recipients=[ANN], subject="Second")
    assert [tile["id"] for tile in tiles(crm)] == [second.id, first["id"]]

    ok(crm.call("PATCH", f"/messages/{first['id']}", json={"subject": "Changed"}))
    assert [tile["subject"] for tile in tiles(crm)] == ["Second", "Changed"]
    crm.send(first["id"])
    assert [tile["id"] for tile in tiles(crm)] == [first["id"], second.id]
    assert tiles(crm)[0]["at"] == tiles(crm)[0]["sent_at"]
    assert [tile["interaction_status"] for tile in tiles(crm)] == ["Not yet opened"] * 2

    deployment.get(second.pixel)
    wait_until(lambda: tiles(crm)[1]["interaction_status"].startswith("Last opened"))
    assert tiles(crm, language="fr")[1]["interaction_status"].startswith("Dernière ouverture")
    assert tiles(crm)[1]["kpis"] == second.kpis


def test_a_message_leaves_the_records_that_it_is_no_more_about(crm):
    draft = crm.draft(recipients=[ANN], regarding=RENEWAL)
    ok(crm.call("PATCH", f"/messages/{draft['id']}", json={"regarding": None}))
    assert tiles(crm, "opportunity", "o-9") == []
    changes = {"recipients": [BEN]}
    ok(crm.call("PATCH", f"/messages/{draft['id']}", json=changes))
    assert tiles(crm) == []
    assert [tile["id"] for tile in tiles(crm, related="lead:l/2 %2F")] == [draft["id"]]


def test_all_of_a_records_messages_are_activities_also_those_that_are_not_followed(crm):
    crm.sent(recipients=[ANN], follow=False)
    crm.set({"follow": {"enabled": False}})
    crm.draft(recipients=[ANN])

    found = [(tile["follow_state"], tile["interaction_status"]) for tile in tiles(crm)]
    assert found == [("disabled", "Draft"), ("not_followed", "Not followed")]
    crm.set({"follow": {"enabled": True}})
    assert [tile["follow_state"] for tile in tiles(crm)] == ["followed", "not_followed"]


def test_a_message_that_could_not_be_sent_says_so_on_its_tile(crm):
    message = crm.draft(recipients=[ANN], sender={"user_id": "u-17", "email": "x@y.example"})
    # Nobody listens where the mail server of this one would be.
    answer = crm.call("POST", f"/messages/{message['id']}/send", json={"delivery": "smtp"})
    words = "Not yet opened" if answer.status_code == 200 else "Could not be sent"
    assert [tile["interaction_status"] for tile in tiles(crm)] == [words]


@pytest.fixture(scope="module")
def seller(deployment):
    """An organization whose records share messages."""
    crm = deployment.new_crm()
    fill(crm, [row(number) for number in range(0, 12, 2)], record=("contact", "c-1"))
    fill(crm, [row(number) for number in range(0, 12, 3)], record=("account", "a-1"))
    unsent = row(20, status=Status.SCHEDULED, sent_at=None, sending_at=None)
    fill(crm, [unsent], record=("account", "a-1"))
    return crm


@pytest.mark.parametrize("page_size", [1, 2, 3, 50])
def test_activities_of_related_records_come_together_each_once(seller, page_size):
    path = "/records/contact/c-1/activities"
    together = sorted({*range(0, 12, 2), *range(0, 12, 3)})
    assert everything(seller, path, page_size=page_size) == list(range(0, 12, 2))
    found = everything(seller, path, page_size=page_size, related="account:a-1,contact:nobody")
    assert found == [*together, 20]
    again = everything(seller, path, page_size=page_size, related="account:a-1,contact:c-1")
    assert again == found


def test_a_scheduled_message_is_shown_as_such_in_the_viewers_language(seller):
    (tile,) = tiles(seller, "account", "a-1", page_size=50)[-1:]
    assert tile["interaction_status"] == "Scheduled to send"
    (tile,) = tiles(seller, "account", "a-1", language="de-DE")[-1:]
    assert tile["interaction_status"] == "Versand geplant"


def test_a_message_that_is_being_moved_is_shown_once_as_it_is_now(crm):
    draft = row(9, status=Status.DRAFT, sent_at=None, sending_at=None)
    sent = row(9, sent_at=row(1).sent_at, kpi=Kpi(people=Counts(1, 0, 0)))
    fill(
        crm, [draft, sent, row(5, follow_state=FollowState.NOT_FOLLOWED)], record=("contact", "c-1")
    )

    found = ok(ask(crm, "/records/contact/c-1/activities"))
    assert ids(found) == [9, 5]
    assert found["items"][0]["status"] == "sent"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("related", "contact"),
        ("related", "contact:c-1,"),
        ("related", ",".join(f"contact:c-{number}" for number in range(21))),
        ("related", "contact:" + "x" * 201),
        ("page_size", "201"),
        ("page_size", "0"),
        ("time_zone", "Europe"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "x" * 100),
        ("language", "de_DE"),
        ("language", "x" * 100),
        ("continuation", "x"),
        ("sender", "u-17"),
    ],
)
def test_B81_what_names_no_activities_is_refused(seller, name, value):
    path = "/records/contact/c-1/activities"
    assert_problem(ask(seller, path, **{name: value}), 400, name)


@pytest.mark.parametrize("record", ["con tact/c-1", "contact%3Ax/c-1", "contact/%20", "1/c-1"])
def test_what_names_no_record_is_refused(seller, record):
    assert_problem(ask(seller, f"/records/{record}/activities"), 400, "record_id")


def test_a_message_is_told_in_the_viewers_words_too(crm, deployment):
    message = crm.sent()
    deployment.get(message.pixel)
    path = f"/messages/{message.id}"
    assert ok(ask(crm, path, language="es-MX"))["interaction_status"].startswith("Última apertura")
    for name, value in (("time_zone", "x"), ("language", "?"), ("lang", "de")):
        assert_problem(ask(crm, path, **{name: value}), 400, name)
