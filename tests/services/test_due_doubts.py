"""What is due while something else happens: a seller, a crash, a clock, a slow or lost answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.data.tables import TableServiceClient
from deployment import ok, recipient
from office import HOUR, MONTH, NOW

from engagement.domain.messages.draft import read_draft
from engagement.domain.messages.due_time import CRM_PAUSE, PATIENCE, SETTLED, pause
from engagement.domain.messages.message import HAND_OVER_LIMIT, Status
from engagement.errors import StorageError
from engagement.services.sending import Order
from engagement.storage import keys

COMMENT = "\U0001f600" * 1_250


def reminder(*, after=HOUR, comment=None):
    """A reminder that is decided some time from now."""
    remind_by = (NOW + after - SETTLED).isoformat()
    return {"condition": "at", "remind_by": remind_by, "comment": comment}


def organization(office):
    """The organization of the test."""
    return office.deployment.run(office.services.administering.find(office.crm.organization_id))


def waiting(office, now):
    """Ids of the messages that the CRM is to send, as of a time."""
    reading = office.services.reading.waiting
    page, _ = office.deployment.run(reading(organization(office), now, after="", size=50))
    return [message.id for message in page]


def claimed(office, message_id, now):
    """Leave a message as whoever began to hand it over and was killed leaves it."""
    messages, key = office.services.reading.messages, organization(office).key

    async def claim():
        message = await messages.read(key, message_id)
        await messages.replace(
            key, message, replace(message, status=Status.SENDING, sending_at=now)
        )

    office.deployment.run(claim())


class Meanwhile:
    """A mail server that does something while it takes a message."""

    def __init__(self, server, deed):
        self.server = server
        self.deed = deed

    def __enter__(self):
        take = self.server.handle_DATA

        async def slow(*arguments):
            await asyncio.to_thread(self.deed)
            return await take(*arguments)

        self.server.handle_DATA = slow

    def __exit__(self, *_):
        del self.server.handle_DATA


@pytest.mark.parametrize("waits", [True, False])
def test_a_reminder_set_while_a_message_goes_out_is_kept_and_the_outcome_too(office, waits):
    message_id = office.scheduled() if waits else office.crm.draft()["id"]
    value = reminder(after=3 * HOUR)
    path = f"/messages/{message_id}/reminder"
    with Meanwhile(office.server, lambda: ok(office.crm.call("PUT", path, json=value))):
        if waits:
            office.run(NOW + HOUR)
        else:
            assert office.crm.send(message_id, "smtp")["status"] == "sent"
    message = office.crm.message(message_id)
    assert (message["status"], message["reminder"]["status"]) == ("sent", "set")
    office.run(NOW + 3 * HOUR + HAND_OVER_LIMIT)
    assert [alert.type for alert in office.alerts(NOW + 4 * HOUR)] == ["reminder"]


def test_F8_a_clock_that_steps_back_loses_nothing(office):
    office.scheduled()
    office.crm.draft(reminder=reminder())
    times = [NOW + HOUR, NOW + HOUR, *[NOW + HOUR - timedelta(seconds=1)] * 50]
    office.deployment.run(office.services.dispatching.run(lambda: times.pop(0), 60.0))
    office.run(NOW + 5 * HOUR)
    assert office.server.subjects == ["Offer"]
    assert len(office.alerts(NOW + 5 * HOUR)) == 1


def test_F18_a_message_that_vanishes_once_it_is_listed_keeps_nobody_else(office):
    kinds = ("smtp", "smtp", "crm", "crm")
    ids = [office.scheduled(f"Offer {n}", delivery=kind) for n, kind in enumerate(kinds)]
    key = organization(office).key
    with TableServiceClient.from_connection_string(office.data) as tables:
        for message_id in (ids[0], ids[2]):
            tables.get_table_client(keys.table(key)).delete_entity(message_id, keys.HEAD)

    report = office.run(NOW + HOUR)
    assert office.server.subjects == ["Offer 1"]
    assert report.failed_count == 0
    assert waiting(office, NOW + HOUR) == [ids[3]]


def test_the_longest_reminder_is_told_and_stands_in_nobodys_way(office):
    office.crm.draft(subject="\U0001f600" * 500, reminder=reminder(comment=COMMENT))
    office.scheduled("Behind", after=2 * HOUR)
    report = office.run(NOW + 2 * HOUR)
    assert (report.done_count, report.failed_count) == (2, 0)
    assert office.due() == []


def test_however_often_something_failed_it_is_tried_again_within_half_an_hour():
    assert pause(10_000, 0.0) == timedelta(minutes=30)
    assert pause(0, 3_600.0) == timedelta(hours=1)


def test_what_the_crm_began_to_fetch_and_did_not_get_waits_for_it_again(office):
    message_id = office.scheduled(delivery="crm")
    claimed(office, message_id, NOW)
    office.run(NOW + HOUR)
    assert office.status(message_id) == "scheduled"
    assert waiting(office, NOW + HOUR) == [message_id]

    claimed(office, message_id, NOW + HOUR)
    assert waiting(office, NOW + HOUR) == []
    office.run(NOW + HOUR + CRM_PAUSE)
    assert waiting(office, NOW + HOUR + CRM_PAUSE) == [message_id]
    assert len(office.send_now(message_id, "crm")["copies"]) == 1
    office.run(NOW + HOUR + 2 * CRM_PAUSE)
    assert office.due() == []


def test_what_the_crm_does_not_fetch_for_a_day_its_seller_is_told_of(office):
    office.scheduled(delivery="crm")
    office.run(NOW + HOUR)
    late = NOW + HOUR + PATIENCE
    for _ in range(2):
        office.run(late)
    (alert,) = office.alerts(late)
    assert alert.text.endswith("the CRM has not fetched it.")
    assert office.due() == []


def test_the_same_order_again_fetches_the_copies_when_their_time_has_come(office):
    order = Order("crm", "k-1")
    draft = office.crm.draft(send_at=(NOW + HOUR).isoformat())
    scheduling = office.services.scheduling
    told = scheduling.clock
    scheduling.clock = lambda: office.now
    try:
        for now, count in ((NOW, 0), (NOW, 0), (NOW + HOUR, 1), (NOW + HOUR, 1)):
            office.now = now
            sent = office.deployment.run(scheduling.send(organization(office), draft["id"], order))
            assert len(sent.copies) == count
    finally:
        scheduling.clock = told


def test_F9_F14_after_a_pause_of_a_month_a_message_is_still_tried_for_a_day(office):
    office.server.answer = "451 greylisted, try again later"
    message_id = office.scheduled()
    office.run(NOW + HOUR + MONTH)
    assert office.status(message_id) == "scheduled"
    office.server.answer = "250 taken"
    office.run(NOW + 2 * HOUR + MONTH)
    assert office.status(message_id) == "sent"


def test_F14_what_failed_and_is_scheduled_again_is_tried_for_a_day_anew(office):
    office.server.answer = "554 no"
    message_id = office.scheduled()
    office.run(NOW + HOUR)
    assert office.status(message_id) == "failed"
    messages, key = office.services.reading.messages, organization(office).key

    async def another_time():
        message = await messages.read(key, message_id)
        await messages.replace(key, message, replace(message, send_at=NOW + 3 * PATIENCE))

    office.deployment.run(another_time())
    assert office.crm.send(message_id, "smtp")["status"] == "scheduled"
    office.server.answer = "451 greylisted, try again later"
    office.run(NOW + 3 * PATIENCE)
    assert office.status(message_id) == "scheduled"


def test_F14_what_is_due_behind_a_message_that_is_put_off_waits_for_it(office):
    office.server.answer = "451 greylisted, try again later"
    office.scheduled("Offer 1")
    office.scheduled("Offer 2", after=HOUR + timedelta(seconds=20))
    office.run(NOW + HOUR)
    office.server.answer = "250 taken"
    office.run(NOW + HOUR + timedelta(seconds=20))
    assert office.server.subjects == []
    office.run(NOW + 2 * HOUR)
    assert office.server.subjects == ["Offer 1", "Offer 2"]


def test_F4_of_a_message_that_was_sent_nobody_is_told_that_it_was_not(office):
    message_id = office.scheduled()
    messages = office.services.reading.messages
    store = messages.replace

    async def answer_lost(key, old, new):
        done = await store(key, old, new)
        if new.status is Status.SENT:
            raise StorageError("The store did not answer.")
        return done

    messages.replace = answer_lost
    try:
        office.run(NOW + HOUR)
    finally:
        messages.replace = store
    office.run(NOW + HOUR)
    assert office.status(message_id) == "sent"
    assert office.alerts(NOW + HOUR) == []
    assert office.due() == []


def test_of_a_message_that_did_not_reach_everybody_its_seller_is_told(office):
    people = [recipient("ann@fabrikam.example"), recipient("ben@fabrikam.example")]
    office.scheduled(copies="per_recipient", recipients=people)
    answers = iter(["250 taken", "554 no such user"])

    def next_answer():
        office.server.answer = next(answers)

    with Meanwhile(office.server, next_answer):
        office.run(NOW + HOUR)
    (alert,) = office.alerts(NOW + HOUR)
    assert "did not reach ben@fabrikam.example" in alert.text
    assert "554" in alert.text


def test_a_place_in_the_list_that_is_left_over_shows_nothing(office):
    message_id = office.scheduled(delivery="crm")
    store = office.services.reading.waiting_messages
    add = store.add

    async def too_late(key, message):
        path = f"/messages/{message_id}/cancel"
        await asyncio.to_thread(lambda: ok(office.crm.call("POST", path)))
        await add(key, message)

    store.add = too_late
    try:
        office.run(NOW + HOUR)
    finally:
        store.add = add
    send_at = (NOW + 2 * HOUR).isoformat()
    ok(office.crm.call("PATCH", f"/messages/{message_id}", json={"send_at": send_at}))
    office.crm.send(message_id, "crm")
    office.run(NOW + 2 * HOUR)
    assert waiting(office, NOW + 2 * HOUR) == [message_id]


def test_B58_a_draft_is_the_same_also_after_its_time_has_passed(office):
    send_at = (NOW + HOUR).isoformat()
    sender = {"user_id": "u-17", "email": "seller@contoso.example"}
    value = {"subject": "Offer", "text_body": "x", "sender": sender, "send_at": send_at}
    create = office.services.drafting.create
    made = [
        office.deployment.run(create(organization(office), read_draft(value), ("k-1", b"x"), now))
        for now in (NOW, NOW + 2 * HOUR)
    ]
    assert made[0] == made[1]


def test_what_was_cut_short_before_anybody_had_it_may_be_changed_and_deleted(office):
    message_id = office.crm.draft()["id"]
    claimed(office, message_id, NOW - HOUR)
    path = f"/messages/{message_id}"
    assert ok(office.crm.call("PATCH", path, json={"subject": "New"}))["status"] == "draft"
    claimed(office, message_id, NOW - HOUR)
    assert office.crm.call("DELETE", path).status_code == 204


def test_the_delay_of_a_message_may_go_while_its_reminder_is_being_decided(office):
    message_id = office.scheduled(after=3 * HOUR, reminder=reminder(after=2 * HOUR))
    messages, key = office.services.reading.messages, organization(office).key

    async def is_due():
        message = await messages.read(key, message_id)
        due = replace(message.reminder, remind_by=NOW - timedelta(seconds=10))
        await messages.replace(key, message, replace(message, reminder=due))

    office.deployment.run(is_due())
    ok(office.crm.call("PATCH", f"/messages/{message_id}", json={"send_at": None}))
