"""Webhooks over the API: made, changed, tested, rotated, replayed, deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from deployment import at_once, ok, settings, wait_until
from problem import assert_problem
from receiver import Receiver

from engagement.config import Config
from engagement.domain.webhooks.webhook import MOST_ENDPOINTS, MOST_SECRETS
from engagement.domain.webhooks.webhook_event import EventType, event_of
from engagement.domain.webhooks.webhook_signature import verify
from engagement.storage.webhook_deliveries import Delivery, record_of
from engagement.wiring import build_services

NOBODY = "0" * 24


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def create(crm, url="http://127.0.0.1:9/hook", *, headers=None, **fields):
    """Ask for a webhook."""
    return crm.call("POST", "/webhooks", json={"url": url, **fields}, headers=headers or {})


def key_of(crm):
    """Key of the organization's table."""
    services = crm.deployment.services
    return crm.deployment.run(services.administering.find(crm.organization_id)).key


#: What is told of a message that the CRM is to send.
DUE = {"message_id": "0" * 24, "subject": "Offer", "send_at": None}


def give_up(crm, webhook_id, name="e"):
    """Have the last try of an event made, which the receiver is to refuse."""
    key, now = key_of(crm), datetime.now(UTC)
    event = event_of(key, EventType.MESSAGE_DUE, DUE["message_id"], name, now, DUE)
    record = record_of(Delivery(key, webhook_id, event, tries=9))
    crm.deployment.run(crm.deployment.services.notifying.take(record, now))
    return event


def test_a_webhook_is_made_read_listed_changed_and_deleted(crm):
    made = create(crm, event_types=["message.sent", "message.opened"], notify_user_id="u-17")
    value = ok(made)
    secret, path = value.pop("secret"), f"/webhooks/{value['id']}"

    assert made.status_code == 201
    assert secret.startswith("whsec_")
    created_at = value["created_at"]
    assert value == {
        "id": value["id"],
        "url": "http://127.0.0.1:9/hook",
        "event_types": ["message.opened", "message.sent"],
        "state": "enabled",
        "disabled_reason": None,
        "notify_user_id": "u-17",
        "created_at": created_at,
        "failing_since": None,
        "failure": None,
    }
    assert ok(crm.call("GET", path)) == value
    assert ok(crm.call("GET", "/webhooks")) == {"items": [value], "continuation": None}

    changed = ok(crm.call("PATCH", path, json={"event_types": None, "state": "disabled"}))
    assert changed == value | {
        "event_types": None,
        "state": "disabled",
        "disabled_reason": "by_request",
    }
    assert ok(crm.call("GET", path)) == changed

    assert crm.call("DELETE", path).status_code == 204
    assert_problem(crm.call("DELETE", path), 404)
    assert_problem(crm.call("GET", path), 404)
    assert ok(crm.call("GET", "/webhooks"))["items"] == []


def test_a_test_is_delivered_signed_even_where_nothing_else_is_subscribed_to(crm, receiver):
    value = ok(create(crm, receiver.url(), event_types=["message.sent"]))
    answer = crm.call("POST", f"/webhooks/{value['id']}/test")
    assert answer.status_code == 202

    wait_until(lambda: receiver.requests)
    (request,) = receiver.requests
    assert request.id == answer.json()["event_id"]
    assert verify(value["secret"], request.headers, request.body, datetime.now(UTC)) == request.id
    assert request.json["type"] == "webhook.test"
    assert request.json["data"] == {"webhook_id": value["id"]}


def test_an_event_is_delivered_to_those_who_subscribed_to_it(crm, receiver):
    ok(create(crm, receiver.url(path="/all")))
    ok(create(crm, receiver.url(path="/opens"), event_types=["message.opened"]))
    ok(create(crm, receiver.url(path="/sent"), event_types=["message.sent"]))
    key, services = key_of(crm), crm.deployment.services
    event = event_of(key, EventType.MESSAGE_OPENED, "m-1", "i-1", datetime.now(UTC), {"a": 1})
    crm.deployment.run(services.notifying.emit(key, event))

    wait_until(lambda: len(receiver.requests) == 2)
    assert {request.path for request in receiver.requests} == {"/all", "/opens"}
    assert {request.id for request in receiver.requests} == {event.id}


def test_the_same_request_again_returns_the_first_webhook_and_its_secret(crm):
    headers = {"Idempotency-Key": "hook-1"}
    first, again = ok(create(crm, headers=headers)), ok(create(crm, headers=headers))

    assert first == again
    assert_problem(create(crm, "http://127.0.0.1:9/other", headers=headers), 409)
    assert len(ok(crm.call("GET", "/webhooks"))["items"]) == 1

    rotated = ok(crm.call("POST", f"/webhooks/{first['id']}/rotate-secret"))
    assert ok(create(crm, headers=headers))["secret"] is None
    assert rotated["secret"] not in {None, first["secret"]}


def test_the_same_request_several_times_at_once_makes_one_webhook(crm):
    headers = {"Idempotency-Key": "hook-1"}
    answers = at_once([lambda: create(crm, headers=headers)] * 4)

    assert len({ok(answer)["secret"] for answer in answers}) == 1
    assert len(ok(crm.call("GET", "/webhooks"))["items"]) == 1


def test_a_webhook_that_is_made_again_after_its_deletion_has_another_secret(crm):
    headers = {"Idempotency-Key": "hook-1"}
    first = ok(create(crm, headers=headers))
    crm.call("DELETE", f"/webhooks/{first['id']}")

    assert ok(create(crm, headers=headers))["secret"] != first["secret"]


def test_an_organization_has_a_limited_number_of_webhooks(crm):
    for _ in range(MOST_ENDPOINTS):
        ok(create(crm))
    assert_problem(create(crm), 422, detail=str(MOST_ENDPOINTS))


def test_secrets_that_sign_at_a_time_are_limited(crm):
    path = f"/webhooks/{ok(create(crm))['id']}/rotate-secret"
    found = [ok(crm.call("POST", path))["secret"] for _ in range(MOST_SECRETS - 1)]

    assert len(set(found)) == MOST_SECRETS - 1
    assert_problem(crm.call("POST", path), 422)


def test_what_was_given_up_is_listed_and_replayed(crm, receiver):
    value = ok(create(crm, receiver.url()))
    path = f"/webhooks/{value['id']}"
    receiver.answer(500)
    event = give_up(crm, value["id"])

    (item,) = ok(crm.call("GET", f"{path}/dead-letters"))["items"]
    assert (item["event_id"], item["tries"]) == (event.id, 10)
    assert item["failure"] == "500 Internal Server Error"
    assert (item["type"], item["data"]) == ("message.due", DUE)
    assert ok(crm.call("GET", path))["failure"] == "500 Internal Server Error"

    answer = crm.call("POST", f"{path}/replay", json={"event_id": event.id})
    assert (answer.status_code, answer.json()) == (202, {"replayed_count": 1, "complete": True})
    wait_until(lambda: len(receiver.requests) == 2)
    assert {request.id for request in receiver.requests} == {event.id}
    assert ok(crm.call("GET", f"{path}/dead-letters"))["items"] == []
    wait_until(lambda: ok(crm.call("GET", path))["failure"] is None)
    assert_problem(crm.call("POST", f"{path}/replay", json={"event_id": event.id}), 404)


def test_dead_letters_come_in_pages_and_are_replayed_since_a_time(crm, receiver):
    value = ok(create(crm, receiver.url()))
    path = f"/webhooks/{value['id']}"
    for name in "abc":
        receiver.answer(500)
        give_up(crm, value["id"], name)

    first = ok(crm.call("GET", f"{path}/dead-letters?page_size=2"))
    rest = ok(
        crm.call("GET", f"{path}/dead-letters", params={"continuation": first["continuation"]})
    )
    assert [len(page["items"]) for page in (first, rest)] == [2, 1]
    assert rest["continuation"] is None

    body = {"since": "2020-01-01T00:00:00Z"}
    answer = crm.call("POST", f"{path}/replay", json=body)
    assert answer.json() == {"replayed_count": 3, "complete": True}
    wait_until(lambda: len(receiver.requests) == 6)


def test_a_disabled_webhook_is_neither_tested_nor_replayed(crm):
    path = f"/webhooks/{ok(create(crm, state='disabled'))['id']}"

    assert_problem(crm.call("POST", f"{path}/test"), 409)
    body = {"since": "2020-01-01T00:00:00Z"}
    assert_problem(crm.call("POST", f"{path}/replay", json=body), 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ({"event_id": "evt_" + "0" * 24, "since": "2020-01-01T00:00:00Z"}, None),
        ({"event_id": "x' or RowKey ne '"}, "event_id"),
        ({"event_id": 1}, "event_id"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2020-01-01T00:00:00"}, "since"),
        ({"all": True}, "all"),
    ],
)
def test_a_replay_says_what_is_wrong_with_it(crm, body, field):
    path = f"/webhooks/{NOBODY}/replay"
    assert_problem(crm.call("POST", path, json=body), 400, field)


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_replay_since_any_time_is_possible(crm, since):
    path = f"/webhooks/{ok(create(crm))['id']}/replay"
    assert ok(crm.call("POST", path, json={"since": since}))["replayed_count"] == 0


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"url": None}, 400, "url"),
        ({"url": "ftp://hooks.contoso.com/"}, 422, "url"),
        ({"url": "http://user@127.0.0.1/"}, 422, "url"),
        ({"url": "http://127.0.0.1/\r\nX: 1"}, 400, "url"),
        ({"event_types": ["message.exploded"]}, 400, "event_types[0]"),
        ({"secret": "whsec_mine"}, 400, "secret"),
    ],
)
def test_B83_what_is_wrong_with_a_webhook_is_named_and_nothing_stored(crm, fields, status, field):
    assert_problem(create(crm, **fields), status, field)
    assert ok(crm.call("GET", "/webhooks"))["items"] == []


def test_another_organizations_webhook_does_not_exist(crm, deployment):
    webhook_id = ok(create(crm))["id"]
    other = deployment.new_crm()

    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/dead-letters")]:
        assert_problem(other.call(method, f"/webhooks/{webhook_id}{path}"), 404)
    assert_problem(other.call("POST", f"/webhooks/{webhook_id}/rotate-secret"), 404)
    ok(crm.call("GET", f"/webhooks/{webhook_id}"))


@pytest.mark.parametrize("allowed", [True, False])
def test_B83_the_setting_reaches_whoever_takes_and_whoever_calls_urls(azurite, allowed):
    environment = settings(
        azurite.connection_string, ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE=str(allowed).lower()
    )
    services = build_services(Config.from_environment(environment))

    assert services.subscribing.allow_private is allowed
    assert services.notifying.webhooks.allow_private is allowed
