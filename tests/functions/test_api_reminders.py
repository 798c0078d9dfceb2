"""Reminders over HTTP: set with a draft or later, changed, removed, also after sending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from deployment import draft_of, ok
from problem import assert_problem

from engagement.domain.messages.due_time import SETTLED

SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()
LATER = (datetime.now(UTC) + timedelta(days=3)).isoformat()
REMINDER = {"condition": "no_reply_by", "remind_by": LATER, "comment": "Call Ann\nat noon"}


def shown(crm, message_id):
    """What a message says of its reminder, without the times."""
    reminder = crm.message(message_id)["reminder"]
    return reminder and (reminder["condition"], reminder["comment"], reminder["status"])


def test_a_draft_may_come_with_a_reminder_and_keeps_it(crm):
    draft = crm.draft(reminder=REMINDER)
    expected = ("no_reply_by", "Call Ann\nat noon", "set")
    assert shown(crm, draft["id"]) == expected
    path = f"/messages/{draft['id']}"
    ok(crm.call("PATCH", path, json={"subject": "New"}))
    assert shown(crm, draft["id"]) == expected
    crm.send(draft["id"])
    assert shown(crm, draft["id"]) == expected
    assert crm.message(draft["id"])["reminder"]["decided_at"] is None


def test_a_reminder_can_be_set_changed_and_removed_after_sending(crm):
    message = crm.sent()
    path = f"/messages/{message.id}/reminder"
    assert ok(crm.call("PUT", path, json=REMINDER))["status"] == "set"
    changed = {"condition": "clicked_no_reply_by", "remind_by": LATER}
    assert ok(crm.call("PUT", path, json=changed))["comment"] is None
    assert shown(crm, message.id) == ("clicked_no_reply_by", None, "set")
    assert crm.call("DELETE", path).status_code == 204
    assert shown(crm, message.id) is None
    assert crm.call("DELETE", path).status_code == 204


def test_a_message_that_waits_may_get_another_reminder(crm):
    draft = crm.draft(send_at=SOON, reminder=REMINDER)
    crm.send(draft["id"])
    path = f"/messages/{draft['id']}"
    ok(crm.call("PATCH", path, json={"reminder": {"condition": "at", "remind_by": LATER}}))
    assert shown(crm, draft["id"]) == ("at", None, "set")
    ok(crm.call("PATCH", path, json={"reminder": None}))
    assert shown(crm, draft["id"]) is None


def test_the_time_of_a_message_cannot_be_moved_behind_its_reminder(crm):
    draft = crm.draft(send_at=SOON, reminder=REMINDER)
    crm.send(draft["id"])
    later = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    answer = crm.call("PATCH", f"/messages/{draft['id']}", json={"send_at": later})
    assert_problem(answer, 422, "reminder.remind_by")


def test_a_reminder_of_a_message_that_waits_is_due_after_it(crm):
    draft = crm.draft(send_at=LATER)
    crm.send(draft["id"])
    path = f"/messages/{draft['id']}/reminder"
    before = {"condition": "no_reply_by", "remind_by": SOON}
    assert_problem(crm.call("PUT", path, json=before), 422, "remind_by")
    assert crm.call("PUT", path, json={**before, "condition": "at"}).status_code == 200


@pytest.mark.parametrize("follow", [True, False])
def test_only_a_followed_message_can_be_waited_for(crm, follow):
    recipients = [] if follow else draft_of()["recipients"]
    draft = crm.draft(follow=follow, recipients=recipients or [{"email": "x@fabrikam.example"}])
    path = f"/messages/{draft['id']}/reminder"
    if follow:
        # Nobody of it has a record, which only sending decides.
        crm.send(draft["id"])
    assert_problem(crm.call("PUT", path, json=REMINDER), 422, "condition")
    assert crm.call("PUT", path, json={**REMINDER, "condition": "at"}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"condition": "never"}, 400, "condition"),
        ({"condition": None}, 400, "condition"),
        ({"remind_by": None}, 400, "remind_by"),
        ({"remind_by": "2027-03-28T02:30:00"}, 400, "remind_by"),
        ({"remind_by": "2020-01-01T00:00:00Z"}, 422, "remind_by"),
        ({"remind_by": "9999-12-31T23:59:59Z"}, 422, "remind_by"),
        ({"comment": "x" * 1_251}, 400, "comment"),
        ({"comment": "\0"}, 400, "comment"),
        ({"comment": 7}, 400, "comment"),
        ({"status": "met"}, 400, "status"),
    ],
)
def test_B59_B60_what_is_wrong_with_a_reminder_is_named(crm, changes, status, field):
    value = {**REMINDER, **changes}
    path = f"/messages/{crm.draft()['id']}/reminder"
    assert_problem(crm.call("PUT", path, json=value), status, field)
    answer = crm.call("POST", "/messages", json=draft_of(reminder=value))
    assert_problem(answer, status, f"reminder.{field}")


def test_a_message_that_is_not_there_has_no_reminder(crm):
    path = f"/messages/{'0' * 24}/reminder"
    assert_problem(crm.call("PUT", path, json=REMINDER), 404)
    assert_problem(crm.call("DELETE", path), 404)


def test_a_reminder_that_is_due_makes_an_alert_that_comes_first(deployment):
    crm = deployment.new_crm()
    message = crm.sent()
    answered = {"replied_by": "ann@fabrikam.example"}
    ok(crm.call("POST", f"/messages/{message.id}/replies", json=answered))
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    crm.draft(subject="Call", reminder={"condition": "at", "remind_by": soon, "comment": "Ann"})
    due = datetime.now(UTC) + timedelta(seconds=3) + SETTLED
    deployment.run(deployment.services.dispatching.run(lambda: due, 30.0))

    # The alert is shown from when it was decided on, a moment from now.
    def alerts():
        return ok(crm.call("GET", "/alerts", params={"user_id": "u-17"}))["items"]

    assert [alert["type"] for alert in alerts()][-1:] == ["reply"]
    organization = deployment.run(
        deployment.services.administering.organizations.read(crm.organization_id)
    )
    page, _ = deployment.run(
        deployment.services.alerting.page(organization, "u-17", due, after="", size=10)
    )
    assert [(alert.type, alert.priority) for alert in page] == [
        ("reminder", "high"),
        ("reply", "normal"),
    ]
    assert page[0].comment == "Ann"
    # High priority ends a page of its own, and the next goes on with the others.
    first, end = deployment.run(
        deployment.services.alerting.page(organization, "u-17", due, after="", size=1)
    )
    second, _ = deployment.run(
        deployment.services.alerting.page(organization, "u-17", due, after=end, size=1)
    )
    assert [*first, *second] == page


def test_who_wants_no_reminders_gets_none(deployment):
    crm = deployment.new_crm()
    ok(crm.call("PATCH", "/alert-settings?user_id=u-17", json={"reminder": False}))
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    draft = crm.draft(reminder={"condition": "at", "remind_by": soon})
    due = datetime.now(UTC) + timedelta(seconds=3) + SETTLED
    deployment.run(deployment.services.dispatching.run(lambda: due, 30.0))
    assert shown(crm, draft["id"])[2] == "triggered"
    organization = deployment.run(
        deployment.services.administering.organizations.read(crm.organization_id)
    )
    page, _ = deployment.run(
        deployment.services.alerting.page(organization, "u-17", due, after="", size=10)
    )
    assert page == []
