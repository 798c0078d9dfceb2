"""What messages tell of a person's habits: only what that person did, and only if it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.delivery.habit import (
    MOST_ACTS,
    ReplyOffset,
    Trace,
    combined,
    habit_of,
    traces_of,
)
from engagement.domain.messages.message import Copies, Message, Recipient, Role, Sender, Status
from engagement.domain.time_zone import find_zone
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import Fact
from engagement.domain.verdicts.verdict import Verdict

START = datetime(2026, 6, 8, 9, tzinfo=UTC)
ANN, BOB = "ann@fabrikam.example", "bob@fabrikam.example"
OPEN, REPLY = InteractionType.OPEN, InteractionType.REPLY


def message_to(*addresses):
    """A message to some recipients."""
    return Message(
        id="1" * 24,
        subject="Offer",
        sender=Sender("u-17", "seller@contoso.example", None),
        regarding=None,
        template_id=None,
        follow=True,
        copies=Copies.PER_RECIPIENT,
        status=Status.SENT,
        created_at=START,
        content_blob="",
        recipients=tuple(
            Recipient(number, Role.TO, address, None, None)
            for number, address in enumerate(addresses, 1)
        ),
    )


def act(kind=OPEN, hours=0.0, recipient=0, verdict=Verdict.PERSON, **more):
    """Something that was done some hours after the start."""
    at = START + timedelta(hours=hours)
    return Fact(type=kind, verdict=verdict, at=at, recipient=recipient, **more)


def after(*hours):
    return tuple(START + timedelta(hours=hour) for hour in hours)


@pytest.mark.parametrize(
    ("recipients", "done", "expected"),
    [
        ([ANN], [], {ANN: ()}),
        # Whoever opens a message to one person is that person; of a shared copy nobody knows.
        ([ANN], [act()], {ANN: after(0)}),
        ([ANN, BOB], [act()], {ANN: (), BOB: ()}),
        ([ANN, BOB], [act(recipient=2)], {ANN: (), BOB: after(0)}),
        ([ANN, BOB], [act(recipient=3)], {ANN: (), BOB: ()}),
        ([ANN], [act(verdict=Verdict.UNSURE), act(verdict=Verdict.AUTOMATED)], {ANN: ()}),
        ([ANN], [act(InteractionType.CLICK), act(InteractionType.ATTACHMENT_VIEW)], {ANN: ()}),
        ([ANN, BOB], [act(REPLY, replied_by="BOB@Fabrikam.example")], {ANN: (), BOB: after(0)}),
        ([ANN], [act(REPLY, replied_by="carl@x.example")],
         {ANN: (), "carl@x.example": after(0)}),
        ([ANN], [act(REPLY, replied_by=ANN, verdict=Verdict.AUTOMATED)], {ANN: ()}),
        # Newest first; what comes within an hour is one act.
        ([ANN], [act(hours=5), act(hours=0.5), act(), act(hours=1)], {ANN: after(5, 1, 0)}),
    ],
)  # fmt: skip
def test_acts_are_kept_where_it_is_known_whose_they_are(recipients, done, expected):
    traces = traces_of(message_to(*recipients), done)
    told = {who: trace.acts for who, trace in traces.items() if trace.acts}
    assert told == {who: acts for who, acts in expected.items() if acts}


def test_of_whom_only_a_machine_acted_for_nothing_is_told_and_of_others_nothing_is_said():
    opened = act(verdict=Verdict.AUTOMATED, recipient=1)
    assert traces_of(message_to(ANN, BOB), [opened]) == {ANN: Trace()}
    assert traces_of(message_to(ANN, BOB), []) == {}


def test_the_newest_reply_with_an_offset_tells_of_the_clock():
    replies = [
        act(REPLY, 1, replied_by=ANN, utc_offset_minutes=120),
        act(REPLY, 3, replied_by=ANN),
        act(REPLY, 2, replied_by=ANN, utc_offset_minutes=345),
        act(REPLY, 4, replied_by=BOB, utc_offset_minutes=0),
        act(REPLY, 5, replied_by=ANN, utc_offset_minutes=60, verdict=Verdict.AUTOMATED),
    ]
    traces = traces_of(message_to(ANN, BOB), replies)
    assert traces[ANN].reply_offset == ReplyOffset(345, START + timedelta(hours=2))
    assert traces[BOB].reply_offset == ReplyOffset(0, START + timedelta(hours=4))


@given(hours=st.lists(st.integers(0, 500), max_size=60))
def test_what_is_kept_does_not_depend_on_order_and_is_little(hours):
    done = [act(hours=hour / 4) for hour in hours]
    trace = traces_of(message_to(ANN), done).get(ANN, Trace())

    assert traces_of(message_to(ANN), reversed(done)).get(ANN, Trace()) == trace
    assert len(trace.acts) <= MOST_ACTS
    assert list(trace.acts) == sorted(set(trace.acts), reverse=True)


def test_several_messages_together_tell_more():
    one = Trace(after(3, 1), ReplyOffset(60, START))
    two = Trace(after(2), ReplyOffset(120, START + timedelta(hours=1)))
    assert combined([one, two]) == combined([two, one])
    assert combined([one, two]) == Trace(after(3, 2, 1), two.reply_offset)
    assert combined([]) == Trace()


def test_a_habit_is_by_the_persons_own_clock():
    trace = Trace(tuple(START - timedelta(days=day) for day in range(8)))
    habit = habit_of(trace, find_zone("Asia/Kathmandu"), START)
    assert (habit.act_count, habit.favourite) == (8, 14)
    # One of eight is of the future then, and too few are left.
    assert habit_of(trace, find_zone("UTC"), START - timedelta(hours=1)) is None
