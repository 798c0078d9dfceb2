"""Other systems are told what becomes of a message, and advice learns from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from deployment import ok, recipient, wait_until
from description import check_told
from office import HOUR, NOW
from receiver import Receiver

from engagement.errors import StorageError
from engagement.services.rolling_up import Report


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def test_a_webhook_tells_of_each_step_of_a_message_once(office, receiver):
    ok(office.crm.call("POST", "/webhooks", json={"url": receiver.url()}))
    remind_by = (NOW + 2 * HOUR).isoformat()
    reminder = {"condition": "no_reply_by", "remind_by": remind_by}
    message_id = office.scheduled(reminder=reminder)
    other = office.scheduled("By the CRM", delivery="crm")
    office.run(NOW + HOUR)
    for late in (2, 3, 4):
        office.run(NOW + late * HOUR)
    body = {"replied_by": "ann@fabrikam.example"}
    path = f"/messages/{message_id}/replies"
    ok(office.crm.call("POST", path, json=body, headers={"Idempotency-Key": "r"}))
    ok(office.crm.call("POST", path, json=body, headers={"Idempotency-Key": "r"}))

    def told():
        """Types and ids of what was told, for each message."""
        return {
            (request.json["data"]["message_id"], request.json["type"], request.id)
            for request in receiver.requests
        }

    def types(of):
        return sorted(kind for one, kind, _ in told() if one == of)

    wait_until(lambda: "message.replied" in types(message_id))
    expected = ["message.replied", "message.scheduled", "message.sent", "reminder.triggered"]
    assert types(message_id) == expected
    wait_until(lambda: types(other) == ["message.due", "message.scheduled"])
    data = next(x.json["data"] for x in receiver.requests if x.json["type"] == "message.replied")
    assert (data["subject"], data["kpis"]["reply_count"]) == ("Offer", 1)
    for request in receiver.requests:
        check_told(request.json)


def test_an_event_that_no_queue_took_is_made_up_for_by_the_rollups(office, receiver):
    ok(office.crm.call("POST", "/webhooks", json={"url": receiver.url()}))
    services = office.services
    announced = services.projecting.tell

    async def refused(*_):
        raise StorageError("The queue answered 503.")

    services.projecting.tell = refused
    office.crm.send(office.crm.draft()["id"])
    services.projecting.tell = announced
    organization = office.deployment.run(
        services.administering.find(office.crm.organization_id)
    ).key
    later = NOW + timedelta(minutes=10)
    office.deployment.run(services.rolling_up.roll_up(organization, later, 10, Report()))
    wait_until(lambda: receiver.requests)
    assert [x.json["type"] for x in receiver.requests] == ["message.sent"]


def test_the_advice_when_to_send_learns_how_a_person_answers(office):
    services = office.services
    person = {"email": "ann@fabrikam.example"}
    for _ in range(8):
        message_id = office.crm.send(office.crm.draft(recipients=[recipient(**person)])["id"])["id"]
        body = {"replied_by": person["email"], "date_header": "Mon, 5 Jan 2026 09:15:00 +0545"}
        ok(office.crm.call("POST", f"/messages/{message_id}/replies", json=body))
    organization = office.deployment.run(
        services.administering.find(office.crm.organization_id)
    ).key
    later = NOW + timedelta(minutes=10)
    office.deployment.run(services.rolling_up.roll_up(organization, later, 30, Report()))

    body = {"time_zone": "Europe/Berlin", "recipients": [person]}
    advice = ok(office.crm.call("POST", "/delivery-time", json=body))["recipients"][0]
    assert (advice["time_zone"], advice["evidence"]) == ("+05:45", "reply_date_offset")
    assert advice["history"]["acts"] >= 8
