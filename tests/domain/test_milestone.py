"""What other systems are told of a message: each step once, under the same id every time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import row

from engagement.domain.messages.message import Status
from engagement.domain.verdicts.kpi import Counts, Kpi
from engagement.domain.webhooks.milestone import milestones
from engagement.domain.webhooks.webhook_event import EventType

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DRAFT = replace(row(1), status=Status.DRAFT, kpi=Kpi(), sent_at=None, sending_at=None)
SCHEDULED = replace(DRAFT, status=Status.SCHEDULED, send_at=NOW + HOUR)
SENT = replace(
    SCHEDULED, status=Status.SENT, sending_at=NOW + HOUR, sent_at=NOW + HOUR + timedelta(seconds=1)
)


def seen(listed, **counts):
    """A message with counts of people."""
    replies = counts.pop("reply_count", 0)
    return replace(listed, kpi=Kpi(people=Counts(**counts), reply_count=replies))


def told(before, after, organization="o"):
    """Types of the events between two states."""
    return [event.type.value for event in milestones(organization, before, after, NOW)]


@pytest.mark.parametrize(
    ("before", "after", "types"),
    [
        (None, DRAFT, []),
        (DRAFT, None, []),
        (None, None, []),
        (DRAFT, SCHEDULED, ["message.scheduled"]),
        (None, SCHEDULED, ["message.scheduled"]),
        (SCHEDULED, SCHEDULED, []),
        (SCHEDULED, replace(SCHEDULED, send_at=NOW + 2 * HOUR), ["message.scheduled"]),
        (SCHEDULED, replace(SCHEDULED, status=Status.SENDING, sending_at=NOW), []),
        (SCHEDULED, SENT, ["message.sent"]),
        (SCHEDULED, DRAFT, []),
        (DRAFT, replace(DRAFT, status=Status.FAILED, sending_at=NOW), ["message.failed"]),
        (SENT, replace(SENT, status=Status.UNKNOWN, ambiguous=True), ["message.failed"]),
        (SENT, seen(SENT, open_count=1), ["message.opened"]),
        (seen(SENT, open_count=1), seen(SENT, open_count=5), []),
        (
            SENT,
            seen(SENT, open_count=1, click_count=2, attachment_view_count=1, reply_count=1),
            ["message.opened", "message.clicked", "message.attachment_viewed", "message.replied"],
        ),
        (seen(SENT, reply_count=1), seen(SENT, reply_count=2), ["message.replied"]),
        (seen(SENT, reply_count=1), seen(SENT, reply_count=4), ["message.replied"] * 3),
        # What turned out to be a machine's is not taken back.
        (seen(SENT, open_count=1), SENT, []),
    ],
)
def test_each_step_is_told(before, after, types):
    assert told(before, after) == types


def test_what_machines_did_is_not_told():
    machines = Counts(open_count=3, click_count=9)
    assert told(SENT, replace(SENT, kpi=Kpi(automated=machines, unsure=machines))) == []


STATES = st.lists(
    st.one_of(
        st.sampled_from([DRAFT, SCHEDULED, SENT, replace(SCHEDULED, send_at=NOW + 3 * HOUR)]),
        st.builds(
            lambda opens, clicks, replies: seen(
                SENT, open_count=opens, click_count=clicks, reply_count=replies
            ),
            st.integers(0, 3),
            st.integers(0, 3),
            st.integers(0, 3),
        ),
    ),
    min_size=2,
    max_size=8,
)


@given(states=STATES)
def test_the_same_step_has_the_same_id_and_other_steps_have_others(states):
    names = {}
    for before, after in pairwise([None, *states]):
        events = list(milestones("o", before, after, NOW))
        assert [event.id for event in milestones("o", before, after, NOW + HOUR)] == [
            event.id for event in events
        ]
        for event in events:
            if event.type is EventType.MESSAGE_REPLIED:
                kept = (event.type, "one of several")
            elif event.type in (EventType.MESSAGE_SCHEDULED, EventType.MESSAGE_SENT):
                kept = (event.type, after.send_at, after.sending_at)
            else:
                kept = (event.type,)
            assert names.setdefault(event.id, kept) == kept


def test_organizations_and_messages_have_ids_of_their_own():
    one = next(milestones("o", None, SENT, NOW)).id
    assert one != next(milestones("p", None, SENT, NOW)).id
    assert one != next(milestones("o", None, replace(SENT, message_id="2" * 24), NOW)).id
