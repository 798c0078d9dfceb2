"""Reminders: what each condition waits for, and that its time alone decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.messages.reminder import (
    FARTHEST,
    LONGEST_COMMENT,
    Condition,
    Reminder,
    ReminderStatus,
    check_reminder,
    decide,
    read_reminder,
    reminder_json,
)
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import Fact
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import InvalidRequestError, UnprocessableError

SENT = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
# Two nights later clocks in Europe are put forward.
BY = SENT + timedelta(days=3)
NOW = BY + timedelta(minutes=1)
OPEN, CLICK = InteractionType.OPEN, InteractionType.CLICK
VIEW, REPLY = InteractionType.ATTACHMENT_VIEW, InteractionType.REPLY
PERSON, MACHINE, UNSURE = Verdict.PERSON, Verdict.AUTOMATED, Verdict.UNSURE
SET, MET = ReminderStatus.SET, ReminderStatus.MET
TRIGGERED, INVALID = ReminderStatus.TRIGGERED, ReminderStatus.INVALID
FACTS = st.lists(
    st.builds(
        Fact,
        type=st.sampled_from(InteractionType),
        verdict=st.sampled_from(Verdict),
        at=st.timedeltas(timedelta(), timedelta(days=14)).map(lambda after: SENT + after),
        target=st.integers(0, 3),
    ),
    max_size=12,
)


def fact(kind, verdict=PERSON, *, after=timedelta(hours=1)):
    """Something that happened some time after the message was sent."""
    return Fact(type=kind, verdict=verdict, at=SENT + after)


def decided(condition, facts, *, sent_at=SENT, followed=True, now=NOW):
    """What becomes of a reminder."""
    found = decide(Reminder(condition, BY), facts, sent_at=sent_at, followed=followed, now=now)
    assert found.decided_at == now
    return found.status


@pytest.mark.parametrize(
    ("condition", "facts", "status"),
    [
        ("no_reply_by", [], TRIGGERED),
        ("no_reply_by", [fact(OPEN)], TRIGGERED),
        ("no_reply_by", [fact(REPLY)], MET),
        # An out-of-office note or a bounce is no answer.
        ("no_reply_by", [fact(REPLY, MACHINE)], TRIGGERED),
        ("no_reply_by", [fact(REPLY, after=timedelta(days=3, seconds=1))], TRIGGERED),
        ("no_reply_by", [fact(REPLY, after=timedelta(days=3))], MET),
        ("not_opened_by", [], TRIGGERED),
        ("not_opened_by", [fact(OPEN)], MET),
        # A scanner or a privacy relay is no reader.
        ("not_opened_by", [fact(OPEN, MACHINE), fact(CLICK, MACHINE)], TRIGGERED),
        ("not_opened_by", [fact(OPEN, UNSURE)], TRIGGERED),
        # Whoever selects a link has the message open.
        ("not_opened_by", [fact(CLICK)], MET),
        ("at", [], TRIGGERED),
        ("at", [fact(OPEN), fact(REPLY)], TRIGGERED),
        ("opened_no_reply_by", [], MET),
        ("opened_no_reply_by", [fact(OPEN)], TRIGGERED),
        ("opened_no_reply_by", [fact(OPEN, MACHINE)], MET),
        ("opened_no_reply_by", [fact(OPEN), fact(REPLY)], MET),
        ("clicked_no_reply_by", [fact(OPEN)], MET),
        ("clicked_no_reply_by", [fact(CLICK)], TRIGGERED),
        ("clicked_no_reply_by", [fact(CLICK), fact(REPLY)], MET),
        ("clicked_no_reply_by", [fact(CLICK, MACHINE)], MET),
        ("attachment_not_viewed_by", [fact(OPEN)], TRIGGERED),
        ("attachment_not_viewed_by", [fact(VIEW)], MET),
        ("attachment_not_viewed_by", [fact(VIEW, MACHINE)], TRIGGERED),
    ],
)
def test_what_each_condition_waits_for(condition, facts, status):
    assert decided(Condition(condition), facts) is status


@pytest.mark.parametrize("condition", [x for x in Condition if x is not Condition.AT])
@pytest.mark.parametrize(
    ("sent_at", "followed"),
    [(None, True), (SENT, False), (BY + timedelta(seconds=1), True)],
    ids=["not sent", "not followed", "sent too late"],
)
def test_what_nobody_can_know_is_invalid_and_not_told(condition, sent_at, followed):
    assert decided(condition, [], sent_at=sent_at, followed=followed) is INVALID


def test_a_time_alone_reminds_of_any_message():
    assert decided(Condition.AT, [], sent_at=None, followed=False) is TRIGGERED


@given(
    condition=st.sampled_from(Condition),
    facts=FACTS,
    late=st.timedeltas(timedelta(), timedelta(days=40)),
    order=st.randoms(use_true_random=False),
)
def test_P7_F8_a_reminder_is_decided_by_its_time_however_late_and_in_whatever_order(
    condition, facts, late, order
):
    known = [x for x in facts if x.at <= BY]
    shuffled = list(facts)
    order.shuffle(shuffled)
    assert decided(condition, shuffled, now=BY + late) is decided(condition, known, now=BY)


@given(condition=st.sampled_from(Condition), facts=FACTS)
def test_P7_it_is_told_exactly_if_what_was_waited_for_did_not_happen(condition, facts):
    people = [x for x in facts if x.verdict is PERSON and x.at <= BY]
    did = {kind: any(x.type is kind for x in people) for kind in InteractionType}
    opened = did[OPEN] or did[CLICK] or did[VIEW]
    told = {
        Condition.NO_REPLY_BY: not did[REPLY],
        Condition.NOT_OPENED_BY: not opened,
        Condition.AT: True,
        Condition.OPENED_NO_REPLY_BY: opened and not did[REPLY],
        Condition.CLICKED_NO_REPLY_BY: did[CLICK] and not did[REPLY],
        Condition.ATTACHMENT_NOT_VIEWED_BY: not did[VIEW],
    }
    assert decided(condition, facts) is (TRIGGERED if told[condition] else MET)


@given(
    condition=st.sampled_from(Condition),
    remind_by=st.timedeltas(timedelta(), timedelta(days=9_999)).map(lambda after: SENT + after),
    comment=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9),
)
def test_a_reminder_is_read_as_it_is_shown(condition, remind_by, comment):
    reminder = Reminder(condition, remind_by, comment)
    assert read_reminder(reminder_json(reminder)) == reminder


def test_B59_times_are_read_in_any_offset():
    times = ["2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z", "2026-03-28T20:30:00-05:00"]
    read = [read_reminder({"condition": "at", "remind_by": x}).remind_by for x in times]
    assert all(one == other for one, other in pairwise(read))


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"condition": "at"}, "remind_by"),
        ({"condition": "at", "remind_by": None}, "remind_by"),
        ({"condition": "at", "remind_by": "2026-03-29T02:30:00"}, "remind_by"),
        ({"condition": "at", "remind_by": "2026-03-29T23:59:60Z"}, "remind_by"),
        ({"remind_by": "2026-03-29T01:30:00Z"}, "condition"),
        ({"condition": "AT", "remind_by": "2026-03-29T01:30:00Z"}, "condition"),
        ({"condition": "at", "remind_by": "2026-03-29T01:30:00Z", "comment": 1}, "comment"),
        ({"condition": "at", "remind_by": "2026-03-29T01:30:00Z", "title": ""}, "title"),
        ([], None),
    ],
)
def test_F8_what_is_wrong_is_named(value, field):
    with pytest.raises(InvalidRequestError) as raised:
        read_reminder(value)
    assert raised.value.field == field


def test_a_comment_is_as_long_as_that_of_dynamics():
    value = {"condition": "at", "remind_by": "2026-03-29T01:30:00Z"}
    assert read_reminder({**value, "comment": "é" * LONGEST_COMMENT}).comment
    with pytest.raises(InvalidRequestError):
        read_reminder({**value, "comment": "é" * (LONGEST_COMMENT + 1)})


@pytest.mark.parametrize(
    ("condition", "remind_by", "followed", "field"),
    [
        ("no_reply_by", BY, False, "condition"),
        ("not_opened_by", BY, False, "condition"),
        ("opened_no_reply_by", BY, False, "condition"),
        ("at", SENT, True, "remind_by"),
        ("at", SENT + FARTHEST + timedelta(seconds=1), True, "remind_by"),
        ("no_reply_by", SENT + timedelta(hours=1), True, "remind_by"),
    ],
)
def test_a_reminder_that_could_never_be_decided_is_refused(condition, remind_by, followed, field):
    reminder = Reminder(Condition(condition), remind_by)
    send_at = SENT + timedelta(hours=1)
    with pytest.raises(UnprocessableError) as raised:
        check_reminder(reminder, followed=followed, send_at=send_at, now=SENT, path="reminder")
    assert raised.value.field == f"reminder.{field}"


def test_a_time_alone_may_come_before_the_message_goes_out():
    reminder = Reminder(Condition.AT, SENT + timedelta(minutes=5))
    check_reminder(reminder, followed=False, send_at=SENT + timedelta(hours=1), now=SENT)
