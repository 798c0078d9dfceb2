"""Messages that wait for their time over HTTP: what may still be done with them, and by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from deployment import at_once, draft_of, ok
from problem import assert_problem

LATER = (datetime.now(UTC) + timedelta(days=2)).isoformat()
LATEST = (datetime.now(UTC) + timedelta(days=300)).isoformat()


@pytest.fixture
def waiting(crm):
    """Path of a message that waits for its time."""
    draft = crm.draft(send_at=LATER)
    assert crm.send(draft["id"], "smtp")["status"] == "scheduled"
    return f"/messages/{draft['id']}"


def moment(text):
    """A time, whatever its offset."""
    return datetime.fromisoformat(text)


def test_a_draft_keeps_its_time_and_is_no_scheduled_message_yet(crm):
    draft = crm.draft(send_at=LATER)
    assert (draft["status"], draft["interaction_status"]) == ("draft", "Draft")
    assert moment(draft["send_at"]) - moment(LATER) < timedelta(milliseconds=1)


def test_sending_a_message_with_a_time_schedules_it_and_hands_nothing_over(crm):
    draft = crm.draft(send_at=LATER)
    sent = crm.send(draft["id"], "crm")
    assert (sent["status"], sent["copies"], sent["sent_at"]) == ("scheduled", [], None)
    assert (sent["links"], sent["delivery"]) == ([], "crm")
    assert sent["interaction_status"] == "Scheduled to send"


def test_B58_the_same_order_again_changes_nothing(crm):
    draft = crm.draft(send_at=LATER)
    key = {"Idempotency-Key": "k-1"}
    first = crm.send(draft["id"], "crm", headers=key)
    assert crm.send(draft["id"], "crm", headers=key) == first
    again = crm.call("POST", f"/messages/{draft['id']}/send", json={"delivery": "crm"})
    assert_problem(again, 409, None, "send it now")


def test_B58_of_two_orders_at_once_one_schedules(crm):
    path = f"/messages/{crm.draft(send_at=LATER)['id']}"
    body = {"delivery": "crm"}
    answers = at_once([lambda: crm.call("POST", f"{path}/send", json=body)] * 4)
    assert min(answer.status_code for answer in answers) == 200
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert ok(crm.call("GET", path))["status"] == "scheduled"


def test_what_could_not_be_sent_later_is_refused_while_somebody_is_there(crm):
    draft = crm.draft(send_at=LATER, recipients=[])
    answer = crm.call("POST", f"/messages/{draft['id']}/send", json={"delivery": "smtp"})
    assert_problem(answer, 422, "recipients")
    assert crm.message(draft["id"])["status"] == "draft"


def test_it_may_be_sent_before_its_time(crm, waiting, mailbox):
    before = len(mailbox.envelopes)
    body = {"delivery": "smtp", "now": True}
    assert ok(crm.call("POST", f"{waiting}/send", json=body))["status"] == "sent"
    assert len(mailbox.envelopes) == before + 1


@pytest.mark.parametrize("now", [None, 1, "true", {}])
def test_B60_whether_to_send_it_now_is_true_or_false(crm, waiting, now):
    answer = crm.call("POST", f"{waiting}/send", json={"delivery": "smtp", "now": now})
    assert_problem(answer, 400, "now")


def test_its_time_can_be_changed(crm, waiting):
    changed = ok(crm.call("PATCH", waiting, json={"send_at": LATEST}))
    assert changed["status"] == "scheduled"
    assert moment(changed["send_at"]) - moment(LATEST) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("send_at", "status"),
    [
        ("2020-01-01T00:00:00Z", 422),
        ("9999-12-31T23:59:59Z", 422),
        ("2027-03-28T02:30:00", 400),
        ("tomorrow", 400),
        (7, 400),
    ],
)
def test_B59_it_cannot_wait_for_a_time_that_is_none_or_past(crm, waiting, send_at, status):
    assert_problem(crm.call("PATCH", waiting, json={"send_at": send_at}), status, "send_at")


@pytest.mark.parametrize(
    "changes",
    [{"subject": "New"}, {"html_body": "x"}, {"send_at": LATEST, "recipients": []}],
)
def test_everything_else_is_read_only(crm, waiting, changes):
    assert_problem(crm.call("PATCH", waiting, json=changes), 409, None, "send_at and reminder")
    assert ok(crm.call("GET", waiting))["subject"] == "Contract for signature"
    upload = crm.call(
        "POST",
        f"{waiting}/attachments",
        params={"name": "a.txt"},
        content=b"x",
        headers={"Content-Type": "text/plain"},
    )
    assert_problem(upload, 409)


def test_cancelled_it_is_a_draft_again_without_a_time(crm, waiting):
    cancelled = ok(crm.call("POST", f"{waiting}/cancel"))
    assert (cancelled["status"], cancelled["send_at"]) == ("draft", None)
    assert ok(crm.call("POST", f"{waiting}/cancel"))["status"] == "draft"
    assert ok(crm.call("PATCH", waiting, json={"subject": "New"}))["subject"] == "New"
    assert crm.send(waiting.rpartition("/")[2], "crm")["status"] == "sent"
    assert_problem(crm.call("POST", f"{waiting}/cancel"), 409)


def test_B85_deleted_it_is_gone_with_its_files_and_twice_is_not_found(crm):
    draft = crm.draft(send_at=LATER)
    attachment = crm.attach(draft["id"])
    crm.send(draft["id"], "smtp")
    path = f"/messages/{draft['id']}"
    assert crm.call("DELETE", path).status_code == 204
    assert_problem(crm.call("GET", path), 404)
    assert_problem(crm.call("GET", f"{path}/attachments/{attachment['id']}"), 404)
    assert_problem(crm.call("DELETE", path), 404)


def test_B85_deleted_by_two_at_once_it_is_gone_once(crm):
    path = f"/messages/{crm.draft()['id']}"
    answers = at_once([lambda: crm.call("DELETE", path)] * 4)
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 204
    assert set(codes[1:]) <= {204, 404, 409}
    assert_problem(crm.call("GET", path), 404)


@pytest.mark.parametrize("message_id", ["0" * 24, "x", "%2e%2e", "a" * 500])
def test_B85_what_is_not_there_cannot_be_deleted(crm, message_id):
    assert_problem(crm.call("DELETE", f"/messages/{message_id}"), 404)


def test_B85_a_message_that_was_sent_stays(crm):
    message = crm.sent()
    assert_problem(crm.call("DELETE", f"/messages/{message.id}"), 409, None, "only unsent")


def test_a_message_made_with_the_key_of_a_deleted_one_is_another(crm):
    headers = {"Idempotency-Key": "k-1"}
    first = ok(crm.call("POST", "/messages", json=draft_of(), headers=headers))
    crm.call("DELETE", f"/messages/{first['id']}")
    again = ok(crm.call("POST", "/messages", json=draft_of(subject="New"), headers=headers))
    assert again["subject"] == "New"


def test_nothing_is_due_where_nothing_waits(crm, waiting):
    assert ok(crm.call("GET", "/due-messages")) == {"items": [], "continuation": None}


@pytest.mark.parametrize("value", ["x", "0" * 20, f"{'0' * 20}-{'g' * 24}", "%00"])
def test_B80_what_no_page_ended_with_is_refused(crm, value):
    answer = crm.call("GET", f"/due-messages?continuation={value}")
    assert_problem(answer, 400, "continuation")


@pytest.mark.parametrize("size", ["0", "-1", "201", "1000000000", "x"])
def test_B81_a_page_has_from_1_to_200(crm, size):
    answer = crm.call("GET", "/due-messages", params={"page_size": size})
    assert_problem(answer, 400, "page_size")
