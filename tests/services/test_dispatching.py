"""What is due is done once, in order: late, twice at once, killed half-way, with failures."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobServiceClient
from deployment import ok, recipient
from fault_proxy import first, healthy, only, refusing
from office import HOUR, MONTH, NOW
from problem import assert_problem

from engagement.domain.messages.due_time import CRM_PAUSE, GRACE, PATIENCE, SETTLED
from engagement.domain.messages.message import HAND_OVER_LIMIT
from engagement.errors import StorageError
from engagement.storage import keys


def reminder(condition="at", *, after=HOUR):
    """A reminder that is decided some time from now."""
    remind_by = (NOW + after - SETTLED).isoformat()
    return {"condition": condition, "remind_by": remind_by, "comment": "Call"}


def test_a_message_waits_for_its_time_and_goes_out_then(office):
    message_id = office.scheduled()
    shown = office.crm.message(message_id)
    assert (shown["status"], shown["interaction_status"]) == ("scheduled", "Scheduled to send")
    assert shown["sent_at"] is None
    office.run(NOW + HOUR - timedelta(seconds=1))
    assert office.server.subjects == []

    office.run(NOW + HOUR)
    assert office.server.subjects == ["Offer"]
    assert office.status(message_id) == "sent"
    assert office.due() == []
    assert office.run(NOW + HOUR).done_count == 0


@pytest.mark.parametrize("late", [HOUR, timedelta(days=1), MONTH])
def test_F9_a_late_timer_does_everything_once_and_the_oldest_first(office, late):
    for number in (3, 1, 2):
        office.scheduled(f"Offer {number}", after=number * HOUR)
    office.crm.draft(reminder=reminder(after=4 * HOUR))
    report = office.run(NOW + 4 * HOUR + late)
    assert (report.done_count, report.left_count, report.failed_count) == (4, 0, 0)
    assert office.server.subjects == ["Offer 1", "Offer 2", "Offer 3"]
    assert len(office.alerts(NOW + 4 * HOUR + late)) == 1
    assert office.due() == []


def test_F9_two_timers_at_once_do_everything_once(office):
    for number in range(8):
        office.scheduled(f"Offer {number}")
        office.crm.draft(reminder=reminder())
    office.run_twice_at_once(NOW + HOUR)
    office.run(NOW + HOUR)
    assert sorted(office.server.subjects) == [f"Offer {number}" for number in range(8)]
    assert len(office.alerts(NOW + HOUR)) == 8
    assert office.due() == []


def test_an_organization_that_is_being_deleted_sends_nothing_any_more(office):
    message_id = office.scheduled()
    office.crm.draft(reminder=reminder())
    other = office.deployment.new_crm()
    office.scheduled("Another's", crm=other)
    organizations = office.services.administering.organizations

    async def close():
        # As a deletion does first, that a crash cuts short then.
        return await organizations.close(await organizations.read(office.crm.organization_id))

    closed = office.deployment.run(close())
    office.run(NOW + HOUR)

    assert office.server.subjects == ["Another's"]
    assert office.due() == []
    message = office.deployment.run(office.sending.messages.read(closed.key, message_id))
    assert message.status == "scheduled"


def test_a_run_that_finds_nothing_due_asks_once(office):
    office.scheduled()
    office.run(NOW)
    office.tables.seen.clear()
    office.run(NOW)
    assert len(office.tables.seen) == 1


def test_F9_a_run_out_of_time_leaves_the_rest_to_the_next(office):
    for number in range(3):
        office.scheduled(f"Offer {number}", after=HOUR + timedelta(minutes=number))
    assert office.run(NOW + 2 * HOUR, seconds=0.0).done_count == 0
    assert office.server.subjects == []
    assert office.run(NOW + 2 * HOUR).done_count == 3
    assert office.server.subjects == ["Offer 0", "Offer 1", "Offer 2"]


@pytest.mark.parametrize("step", range(1, 12, 2))
def test_F9_F14_a_timer_that_dies_at_any_step_is_made_up_for(office, step):
    message_id = office.scheduled(reminder=reminder(after=2 * HOUR))
    # Whatever it asks of the tables after so many requests is not answered any more.
    office.tables.fault = first(step, healthy, refusing(500))
    with suppress(StorageError):
        office.run(NOW + 2 * HOUR)
    office.tables.fault = healthy
    office.run(NOW + 2 * HOUR)
    office.run(NOW + 2 * HOUR + HAND_OVER_LIMIT + HOUR)
    status = office.status(message_id)
    # Where it died right at the hand-over, nobody can know.
    assert status in ("sent", "unknown")
    assert len(office.server.subjects) in ((1,) if status == "sent" else (0, 1))
    kinds = [alert.type.value for alert in office.alerts(NOW + 4 * HOUR)]
    # Sent too late to be answered in time: then there is nothing to remind of.
    assert kinds.count("reminder") == 1
    assert kinds.count("not_sent") == (status == "unknown")
    assert office.due() == []


def test_F15_what_a_server_may_have_is_unknown_and_never_sent_again(office):
    office.server.answer = None
    message_id = office.scheduled()
    office.run(NOW + HOUR)
    assert office.status(message_id) == "unknown"
    assert office.crm.message(message_id)["interaction_status"] == "Not known whether it was sent"
    office.server.answer = "250 taken"
    office.run(NOW + 2 * HOUR)
    again = office.crm.call("POST", f"/messages/{message_id}/send", json={"delivery": "smtp"})
    assert again.status_code == 409
    assert office.server.subjects == ["Offer"]
    (alert,) = office.alerts(NOW + 2 * HOUR)
    assert (alert.type, alert.priority) == ("not_sent", "high")
    # A reply shows that it went out.
    ok(
        office.crm.call(
            "POST", f"/messages/{message_id}/replies", json={"replied_by": "ann@fabrikam.example"}
        )
    )


def test_F14_what_a_server_puts_off_is_tried_again_in_order_until_it_is_taken(office):
    office.server.answer = "451 greylisted, try again later"
    first_id = office.scheduled("Offer 1")
    office.scheduled("Offer 2", after=HOUR + timedelta(seconds=1))
    report = office.run(NOW + 2 * HOUR)
    assert report.done_count == 2
    assert office.status(first_id) == "scheduled"
    assert "451" in office.crm.message(first_id)["failure"]
    office.server.answer = "250 taken"
    office.run(NOW + 2 * HOUR)
    assert office.server.subjects == []
    office.run(NOW + 3 * HOUR)
    assert office.server.subjects == ["Offer 1", "Offer 2"]
    assert office.alerts(NOW + 3 * HOUR) == []


def test_F14_what_nobody_takes_for_a_day_has_failed_and_its_seller_is_told(office):
    office.server.answer = "451 greylisted, try again later"
    message_id = office.scheduled()
    office.run(NOW + HOUR)
    office.run(NOW + HOUR + PATIENCE)
    assert office.status(message_id) == "failed"
    (alert,) = office.alerts(NOW + HOUR + PATIENCE)
    assert alert.type == "not_sent"
    assert "451" in alert.text
    assert office.due() == []


def test_F14_what_a_server_refuses_has_failed_at_once_and_may_be_sent_again(office):
    office.server.answer = "554 no"
    message_id = office.scheduled()
    office.run(NOW + HOUR)
    assert office.status(message_id) == "failed"
    assert [alert.type for alert in office.alerts(NOW + HOUR)] == ["not_sent"]
    office.server.answer = "250 taken"
    assert office.send_now(message_id, "smtp")["status"] == "sent"


def test_what_the_crm_is_to_send_is_listed_until_it_has(office):
    second = office.scheduled("Offer 2", after=2 * HOUR, delivery="crm")
    early = office.scheduled("Offer 1", delivery="crm")
    office.run(NOW + HOUR)
    office.run(NOW + 2 * HOUR)
    office.run(NOW + 2 * HOUR)
    # They are looked after until the CRM has sent them.
    assert len(office.due()) == 2
    assert office.status(early) == "scheduled"
    # They are due by the clock that was moved, not by that of the route.
    assert waiting(office, NOW + 2 * HOUR) == [early, second]
    assert waiting(office, NOW + HOUR) == [early]

    sent = office.send_now(early, "crm")
    assert sent["status"] == "sent"
    assert len(sent["copies"]) == 1
    assert waiting(office, NOW + 2 * HOUR) == [second]
    ok(office.crm.call("POST", f"/messages/{second}/cancel"))
    assert waiting(office, NOW + 2 * HOUR) == []
    office.run(NOW + 2 * HOUR + CRM_PAUSE)
    assert office.due() == []


def waiting(office, now):
    """Ids of the messages that the CRM is to send, as of a time."""

    async def page():
        organization = await office.services.administering.organizations.read(
            office.crm.organization_id
        )
        return await office.services.reading.waiting(organization, now, after="", size=50)

    return [message.id for message in office.deployment.run(page())[0]]


def test_a_message_with_another_time_goes_out_at_that_time_only(office):
    message_id = office.scheduled()
    path = f"/messages/{message_id}"
    later = (NOW + 3 * HOUR).isoformat()
    assert ok(office.crm.call("PATCH", path, json={"send_at": later}))["status"] == "scheduled"
    office.run(NOW + 2 * HOUR)
    assert office.server.subjects == []
    office.run(NOW + 3 * HOUR)
    assert office.server.subjects == ["Offer"]
    assert office.due() == []


def test_a_message_whose_delay_is_removed_goes_out_with_the_next_run(office):
    message_id = office.scheduled()
    ok(office.crm.call("PATCH", f"/messages/{message_id}", json={"send_at": None}))
    office.run(datetime.now(UTC))
    assert office.server.subjects == ["Offer"]


@pytest.mark.parametrize("how", ["cancelled", "deleted", "organization deleted"])
def test_what_was_withdrawn_does_not_go_out(office, how):
    message_id = office.scheduled(reminder=reminder("no_reply_by", after=2 * HOUR))
    path = f"/messages/{message_id}"
    if how == "cancelled":
        assert ok(office.crm.call("POST", f"{path}/cancel"))["status"] == "draft"
    elif how == "deleted":
        assert office.crm.call("DELETE", path).status_code == 204
    else:
        office.deployment.admin("DELETE", f"/organizations/{office.crm.organization_id}")
    report = office.run(NOW + 3 * HOUR)
    assert report.failed_count == 0
    assert office.server.subjects == []
    assert office.due() == []


def test_F19_what_is_due_waits_for_a_table_that_is_gone(office):
    office.scheduled()
    table = f"/org{office.key()}"
    office.tables.fault = only(lambda request: table in request.path, refusing(404))
    late = NOW + HOUR + 2 * GRACE
    office.run(late)
    assert len(office.due()) == 1

    office.tables.fault = healthy
    office.run(late + 2 * HOUR)
    assert office.server.subjects == ["Offer"]
    assert office.due() == []


def test_F19_a_message_waits_for_a_container_that_is_gone(office):
    message_id = office.scheduled()
    with BlobServiceClient.from_connection_string(office.data) as blobs:
        blobs.delete_container(keys.container(office.key()))
    sending = {"delivery": "smtp", "now": True}
    path = f"/messages/{message_id}/send"
    assert_problem(office.crm.call("POST", path, json=sending), 503, detail="gone")
    assert_problem(office.crm.call("GET", f"/messages/{message_id}"), 503, detail="gone")
    office.run(NOW + HOUR)
    message = office.deployment.run(office.sending.messages.read(office.key(), message_id))
    assert message.status == "scheduled"
    assert len(office.due()) == 1


def test_a_note_that_comes_before_its_message_is_kept_for_it(office):
    message_id = office.scheduled()
    # Rescheduling notes the new time first; here it stops before the message says so.
    now = datetime.now(UTC)
    earlier = (now + timedelta(minutes=1)).isoformat()
    office.tables.fault = only(
        lambda request: request.method == "POST" and "$batch" in request.path, refusing(500)
    )
    path = f"/messages/{message_id}"
    answer = office.crm.call("PATCH", path, json={"send_at": earlier})
    assert answer.status_code == 503
    office.tables.fault = healthy
    assert office.run(now + timedelta(minutes=1)).left_count == 1
    assert len(office.due()) == 2
    # The caller tries again in time.
    ok(office.crm.call("PATCH", path, json={"send_at": earlier}))
    assert office.run(now + timedelta(minutes=1)).done_count == 1
    assert office.server.subjects == ["Offer"]


def test_a_note_that_nobody_bears_out_is_thrown_away_when_nobody_can_be_at_it(office):
    message_id = office.scheduled()
    ok(office.crm.call("POST", f"/messages/{message_id}/cancel"))
    office.run(NOW + HOUR + GRACE)
    assert office.due() == []


def test_F9_a_fault_of_ours_puts_a_reminder_off_and_does_not_lose_it(office):
    office.crm.draft(reminder=reminder())
    reminding = office.services.reminding
    decide, reminding.decide = reminding.decide, broken
    assert office.run(NOW + HOUR).failed_count == 1
    reminding.decide = decide
    office.run(NOW + HOUR)
    assert office.alerts(NOW + HOUR) == []
    office.run(NOW + 2 * HOUR)
    assert [alert.type for alert in office.alerts(NOW + 2 * HOUR)] == ["reminder"]
    assert office.due() == []


@pytest.mark.parametrize("lost", ["content", "file"])
def test_F9_what_has_lost_its_content_fails_once_and_can_be_mended(office, lost):
    message_id = office.crm.draft(subject="Offer", send_at=(NOW + HOUR).isoformat())["id"]
    office.crm.attach(message_id, followed=False)
    office.crm.send(message_id, "smtp")
    office.lose(message_id, lost)
    office.run(NOW + HOUR)

    shown = office.crm.message(message_id)
    assert (shown["status"], office.server.subjects, office.due()) == ("failed", [], [])
    assert "missing" in shown["failure"]
    (alert,) = office.alerts(NOW + HOUR)
    assert alert.type == "not_sent"
    assert office.run(NOW + HOUR).done_count == 0

    path = f"/messages/{message_id}"
    again = office.crm.call("POST", f"{path}/send", json={"delivery": "smtp", "now": True})
    assert_problem(again, 422, None if lost == "content" else "attachments", "missing")
    if lost == "content":
        assert (shown["html_body"], shown["text_body"]) == (None, None)
        assert_problem(office.crm.call("PATCH", path, json={"subject": "x"}), 400, "html_body")
        ok(office.crm.call("PATCH", path, json={"html_body": "<p>Mended</p>"}))
    else:
        assert office.crm.call("DELETE", f"{path}/attachments/1").status_code == 204
    assert office.send_now(message_id, "smtp")["status"] == "sent"


async def broken(*_):
    """Fail as nobody expects."""
    raise RuntimeError("broken")


def test_F9_a_failure_that_nobody_was_told_of_is_told_by_the_next_run(office):
    office.server.answer = "554 no"
    office.scheduled()
    alerting = office.services.alerting
    tell, alerting.tell_of_failure = alerting.tell_of_failure, refused
    office.run(NOW + HOUR)
    alerting.tell_of_failure = tell
    assert office.alerts(NOW + HOUR) == []
    for _ in range(2):
        office.run(NOW + HOUR)
    assert [alert.type for alert in office.alerts(NOW + HOUR)] == ["not_sent"]
    assert office.due() == []


async def refused(*_):
    """Fail as a store that is down."""
    raise StorageError("The store did not answer.")


def test_one_organization_that_fails_does_not_hold_the_others_up(office):
    other = office.deployment.new_crm()
    stuck = office.scheduled("Stuck")
    office.scheduled("Offer", after=2 * HOUR, crm=other)
    office.tables.fault = only(lambda request: stuck in str(request.url), refusing(500))
    office.run(NOW + 2 * HOUR)
    assert office.server.subjects == ["Offer"]
    office.tables.fault = healthy
    office.run(NOW + 2 * HOUR)
    assert office.server.subjects == ["Offer", "Stuck"]


def test_a_message_that_cannot_be_sent_any_more_is_told_and_does_not_stay(office):
    message_id = office.scheduled()
    office.sending.handing_over.transports = {}
    office.run(NOW + HOUR)
    message = office.crm.message(message_id)
    assert (message["status"], message["failure"]) == (
        "failed",
        "No mail server is configured here.",
    )
    assert [alert.type for alert in office.alerts(NOW + HOUR)] == ["not_sent"]
    assert office.due() == []


def test_P7_of_many_sellers_each_is_reminded_once_of_each_message(office):
    crms = [office.crm, *(office.deployment.new_crm() for _ in range(4))]
    for number, crm in enumerate(crms):
        for minute in range(number + 1):
            crm.draft(
                reminder=reminder(after=HOUR + timedelta(minutes=minute)),
                recipients=[recipient("ann@fabrikam.example")],
            )
    for hours in (1, 1.01, 2, 24 * 30):
        office.run(NOW + hours * HOUR)
    now = NOW + 24 * 30 * HOUR
    assert [len(office.alerts(now, crm)) for crm in crms] == [1, 2, 3, 4, 5]
    assert office.due() == []
