"""S10: a seller who signs in sees and changes what is the seller's own."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from deployment import draft_of, ok, wait_until
from entra_fake import KIM, LEE
from problem import assert_problem
from sellers import alerts, reply

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
REMINDER = {"condition": "at", "remind_by": TOMORROW}


def sender(user_id):
    """The sender of a message."""
    return {"user_id": user_id, "email": "seller@contoso.example", "name": "Kim Seller"}


@pytest.fixture(scope="module")
def contoso(signed_in):
    """An organization with two sellers, each of whom has sent a message that was answered."""
    crm = signed_in.new_crm()
    crm.set({"sign_in": {"users": [KIM, LEE]}})
    crm.mails = {user: crm.sent(sender=sender(user), subject=f"Of {user}") for user in (KIM, LEE)}
    for user, mail in crm.mails.items():
        ok(reply(mail))
        wait_until(lambda user=user: alerts(crm, user))
    # Somebody's whose id is none of Entra's, and who is told nothing here.
    crm.sent()
    return crm


@pytest.fixture
def kim(contoso, as_kim):
    """Calls routes as Kim."""

    def call(method, path, **options):
        url = f"{contoso.deployment.url}/api/v1/organizations/{contoso.organization_id}{path}"
        return contoso.deployment.http.request(method, url, headers=as_kim, **options)

    return call


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/messages", "sender"),
        ("/exports/messages", "sender"),
        ("/kpis", "sender"),
        ("/alerts", "user_id"),
        ("/alert-settings", "user_id"),
    ],
)
def test_S10_sellers_have_to_ask_for_their_own(kim, path, parameter):
    for value in (None, "", LEE, KIM.upper(), f"{KIM} ", f"{KIM},{LEE}", "u-17"):
        query = {} if value is None else {parameter: value}
        assert_problem(kim("GET", path, params=query), 403, detail=parameter)
    other = "user_id" if parameter == "sender" else "sender"
    assert_problem(kim("GET", path, params={other: KIM}), 403, detail=parameter)
    assert kim("GET", path, params={parameter: KIM}).status_code == 200


@pytest.mark.parametrize("order", [(KIM, LEE), (LEE, KIM)])
def test_S10_naming_two_senders_shows_nothing_of_the_other(kim, contoso, order):
    for path in ("/messages", "/exports/messages"):
        answer = kim("GET", path, params=[("sender", name) for name in order])
        assert contoso.mails[LEE].id not in answer.text
        assert LEE not in answer.text


def test_S10_the_lists_of_a_seller_hold_own_mail_only(kim, contoso):
    page = ok(kim("GET", "/messages", params={"sender": KIM}))
    assert [item["id"] for item in page["items"]] == [contoso.mails[KIM].id]

    sheet = kim("GET", "/exports/messages", params={"sender": KIM}).content.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(sheet)))) == 2
    assert f"Of {KIM}" in sheet
    # Not even by a record that both have written to.
    record = contoso.mails[LEE].value["recipients"][0]["record"]
    for followed in ("true", "false"):
        query = {"sender": KIM, "record": f"{record['type']}:{record['id']}", "followed": followed}
        page = ok(kim("GET", "/messages", params=query))
        assert {item["sender"]["user_id"] for item in page["items"]} == {KIM}


def test_S10_kpis_of_a_seller_are_not_grouped_by_others(kim):
    for group in ("sender", "template"):
        assert_problem(kim("GET", "/kpis", params={"group_by": group}), 403)
        query = {"sender": KIM, "group_by": group}
        assert_problem(kim("GET", "/kpis", params=query), 400, "group_by")


def test_S10_a_seller_reads_an_own_message(kim, contoso):
    mail = contoso.mails[KIM]
    assert ok(kim("GET", f"/messages/{mail.id}"))["id"] == mail.id
    assert len(ok(kim("GET", f"/messages/{mail.id}/timeline"))["items"]) >= 1


def test_S10_a_seller_sets_and_removes_an_own_reminder(kim, contoso):
    path = f"/messages/{contoso.mails[KIM].id}/reminder"
    assert ok(kim("PUT", path, json=REMINDER))["condition"] == "at"
    assert kim("DELETE", path).status_code == 204


@pytest.mark.parametrize(
    ("method", "part", "options"),
    [
        ("GET", "", {}),
        ("GET", "/timeline", {}),
        ("PUT", "/reminder", {"json": REMINDER}),
        ("DELETE", "/reminder", {}),
    ],
)
def test_S10_messages_of_others_do_not_exist_for_a_seller(kim, contoso, method, part, options):
    ok(contoso.call("PUT", f"/messages/{contoso.mails[LEE].id}/reminder", json=REMINDER))
    foreign = kim(method, f"/messages/{contoso.mails[LEE].id}{part}", **options)
    assert_problem(foreign, 404)
    for unknown in ("0" * 24, "x", "%00", "' or '", "settings"):
        missing = kim(method, f"/messages/{unknown}{part}", **options)
        assert (missing.status_code, missing.content) == (404, foreign.content)
    assert contoso.message(contoso.mails[LEE].id)["reminder"]["condition"] == "at"


def test_S10_a_draft_that_gets_another_sender_is_lost_to_the_first(kim, contoso):
    message_id = contoso.draft(sender=sender(KIM))["id"]
    assert kim("GET", f"/messages/{message_id}").status_code == 200

    ok(contoso.call("PATCH", f"/messages/{message_id}", json={"sender": sender(LEE)}))
    assert_problem(kim("GET", f"/messages/{message_id}"), 404)


def test_S10_a_seller_sees_to_own_alerts(kim, contoso):
    (alert,) = ok(kim("GET", "/alerts", params={"user_id": KIM}))["items"]
    ok(kim("POST", f"/alerts/{alert['id']}/snooze", json={"until": TOMORROW}))
    ok(kim("POST", f"/alerts/{alert['id']}/dismiss"))

    (other,) = alerts(contoso, LEE)
    for act, options in (("snooze", {"json": {"until": TOMORROW}}), ("dismiss", {})):
        assert_problem(kim("POST", f"/alerts/{other['id']}/{act}", **options), 404)
    assert alerts(contoso, LEE) == [other]


def test_S10_a_seller_chooses_what_to_be_told(kim, contoso):
    ok(kim("PATCH", "/alert-settings", params={"user_id": KIM}, json={"reply": False}))
    assert_problem(
        kim("PATCH", "/alert-settings", params={"user_id": LEE}, json={"reply": False}), 403
    )
    chosen = {
        user: ok(contoso.call("GET", "/alert-settings", params={"user_id": user}))["reply"]
        for user in (KIM, LEE)
    }
    assert chosen == {KIM: False, LEE: None}
    ok(kim("PATCH", "/alert-settings", params={"user_id": KIM}, json={"reply": None}))


def test_a_seller_reads_templates_and_asks_when_to_send(kim, contoso):
    contoso.template("t-1")
    assert [item["id"] for item in ok(kim("GET", "/templates"))["items"]] == ["t-1"]
    assert ok(kim("GET", "/templates/t-1"))["id"] == "t-1"
    body = {"time_zone": "Europe/Berlin", "recipients": [{"email": "ann@fabrikam.example"}]}
    assert kim("POST", "/delivery-time", json=body).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/messages", draft_of(sender=sender(KIM))),
        ("PATCH", "/settings", {"sign_in": {"everyone": True}}),
        ("GET", "/settings", None),
        ("GET", "/records/contact/r-ann@fabrikam.example/activities", None),
        ("PUT", "/templates/t-2", {"name": "Mine"}),
        ("GET", "/due-messages", None),
        ("POST", "/api-keys", None),
    ],
)
def test_S10_a_seller_does_nothing_that_is_the_organizations(kim, contoso, method, path, body):
    assert_problem(kim(method, path, json=body), 403)
    assert ok(contoso.call("GET", "/settings"))["sign_in"]["everyone"] is False
