"""Rollups equal a recount, whatever comes late, twice, in another order or in parts (P4)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Copies, Message, Segment, Sender, Status
from engagement.domain.reports.cohort import Cohort
from engagement.domain.reports.contribution import contributions, roll_up
from engagement.domain.reports.rollup import (
    MOST_SEGMENTS,
    ORGANIZATION,
    Group,
    GroupKind,
    Rollup,
    bounded,
    total,
)
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import Fact, count
from engagement.domain.verdicts.verdict import Verdict

#: Shortly before midnight, so that a minute of facts falls on two days.
START = datetime(2026, 3, 1, 23, 58, tzinfo=UTC)
NOW = START + timedelta(days=40)
EVENTS = st.builds(
    Fact,
    type=st.sampled_from(InteractionType),
    verdict=st.sampled_from(Verdict),
    at=st.one_of(
        st.integers(0, 400).map(lambda seconds: START + timedelta(seconds=seconds)),
        st.integers(0, 35 * 24).map(lambda hours: START + timedelta(hours=hours)),
    ),
    recipient=st.integers(0, 2),
    target=st.integers(0, 2),
    actor=st.sampled_from(["a", "b"]),
    inferred=st.booleans(),
)


def message(number=0, **fields):
    """A message that was sent."""
    return Message(
        **{
            "id": f"{number:024x}",
            "subject": "Contract",
            "sender": Sender(f"u-{number % 2}", "seller@contoso.example", None),
            "regarding": None,
            "template_id": (None, "t-1", "t-2")[number % 3],
            "segment": Segment(language=("de", None)[number % 2], industry="Wine"),
            "follow": True,
            "copies": Copies.SINGLE,
            "status": Status.SENT,
            "created_at": START,
            "sent_at": START + timedelta(days=number % 2),
            "follow_state": (FollowState.FOLLOWED, FollowState.NOT_FOLLOWED)[number % 5 == 4],
            "content_blob": "b",
            **fields,
        }
    )


MESSAGES = [message(number) for number in range(6)]
#: (message, id of the interaction, what it tells)
HISTORY = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), EVENTS), max_size=40)


class Store:
    """Rows by their keys, replaced and never incremented, as services keep them."""

    def __init__(self):
        self.facts = defaultdict(dict)
        self.days = defaultdict(dict)

    def write(self, number, name, fact):
        """Insert an interaction; one that is there already stays."""
        self.facts[number].setdefault(name, fact)

    def recompute(self, number):
        """Replace what a message adds to days."""
        for rows in self.days.values():
            rows.pop(number, None)
        for on, item in contributions(MESSAGES[number], self.facts[number].values(), NOW).items():
            self.days[on][number] = item

    def rollups(self):
        """Rollups by day and group."""
        return {on: roll_up(rows.values()) for on, rows in self.days.items() if rows}


def recounted(history):
    """A store that knew everything from the beginning."""
    store = Store()
    for number, name, fact in history:
        store.write(number, name, fact)
    for number in range(len(MESSAGES)):
        store.recompute(number)
    return store


@given(HISTORY, st.randoms(), st.integers(1, 4))
def test_P4_rollups_equal_a_recount_for_any_order_repetition_and_split(history, random, runs):
    unique = {(number, name): (number, name, fact) for number, name, fact in reversed(history)}
    events = list(unique.values())
    store = Store()
    for number in range(len(MESSAGES)):
        store.recompute(number)
    # Each in some run, some of them twice; only what changed is recomputed.
    arriving = random.choices(events, k=len(events)) if events else []
    arriving += random.sample(events, len(events))
    for run in range(runs):
        changed = set()
        for number, name, fact in arriving[run::runs]:
            store.write(number, name, fact)
            changed.add(number)
        for number in random.sample(sorted(changed), len(changed)):
            store.recompute(number)

    assert store.rollups() == recounted(events).rollups()


@given(HISTORY)
def test_P4_the_days_of_a_message_add_up_to_its_kpis(history):
    store = recounted(history)
    for number, facts in store.facts.items():
        kpi = count(facts.values())
        whole = total(rows[number].rollup for rows in store.days.values() if number in rows)

        assert (whole.people, whole.unsure, whole.automated) == (
            kpi.people,
            kpi.unsure,
            kpi.automated,
        )
        assert whole.reply_count == kpi.reply_count
        assert whole.inferred_open_count == kpi.inferred_open_count
        assert sum(whole.open_hours) == kpi.people.open_count
        assert sum(whole.click_hours) == kpi.people.click_count
        assert sum(whole.reply_hours) == kpi.reply_count
        followed = MESSAGES[number].follow_state is FollowState.FOLLOWED
        assert whole.cohort == Cohort(
            1, followed, followed and kpi.people.open_count > 0, followed and kpi.reply_count > 0
        )


@given(HISTORY)
def test_P4_senders_add_up_to_the_organization_and_segments_to_their_templates(history):
    for groups in recounted(history).rollups().values():
        senders = total(x for group, x in groups.items() if group.kind is GroupKind.SENDER)
        assert replace(senders, segments=groups[ORGANIZATION].segments) == groups[ORGANIZATION]
        for group, rollup in groups.items():
            if group.kind is GroupKind.TEMPLATE:
                # Every message has this industry.
                assert rollup.segments.get(("industry", "Wine"), Cohort()) == rollup.cohort


@given(HISTORY, st.integers(0, 40))
def test_P4_a_rollup_grows_page_by_page_as_at_once(history, size):
    for rows in recounted(history).days.values():
        items = list(rows.values())
        at_once = roll_up(items)
        assert roll_up(items[size:], onto=roll_up(items[:size])) == at_once


def test_acts_belong_to_their_day_and_what_became_of_a_message_to_the_day_it_was_sent():
    at = START + timedelta(days=3)
    opened = Fact(type=InteractionType.OPEN, verdict=Verdict.PERSON, at=at, recipient=1)
    found = contributions(message(1), [opened], NOW)

    assert found.keys() == {date(2026, 3, 2), date(2026, 3, 4)}
    assert found[date(2026, 3, 2)].rollup.cohort == Cohort(1, 1, 1, 0)
    assert found[date(2026, 3, 2)].rollup.people.open_count == 0
    assert found[date(2026, 3, 4)].rollup.cohort == Cohort()
    assert found[date(2026, 3, 4)].rollup.open_hours[23] == 1


def test_a_visit_that_lasts_over_midnight_counts_once():
    visits = [
        Fact(type=InteractionType.OPEN, verdict=Verdict.PERSON, at=START + timedelta(seconds=s))
        for s in (100, 130)
    ]
    assert contributions(message(), visits, NOW).keys() == {START.date()}


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"status": Status.DRAFT, "sent_at": None}, 0),
        ({"status": Status.FAILED, "sent_at": None}, 0),
        ({"status": Status.SENDING, "sending_at": NOW, "sent_at": None}, 0),
        ({"status": Status.SENDING, "sending_at": START, "sent_at": None}, 0),
        ({"status": Status.SENDING, "sending_at": START, "ambiguous": True, "sent_at": None}, 1),
        ({"status": Status.UNKNOWN, "sending_at": START, "ambiguous": True, "sent_at": None}, 1),
        ({"status": Status.SENT}, 1),
    ],
)
def test_what_did_not_go_out_adds_nothing_and_what_nobody_knows_of_does(fields, days):
    assert len(contributions(message(**fields), [], NOW)) == days


def test_a_reply_that_a_machine_wrote_makes_no_day():
    at = START + timedelta(days=5)
    reply = Fact(type=InteractionType.REPLY, verdict=Verdict.AUTOMATED, at=at)
    assert contributions(message(), [reply], NOW).keys() == {START.date()}


def test_a_rollup_keeps_the_segments_with_the_most_messages():
    segments = {("industry", f"{number:04d}"): Cohort(number) for number in range(500)}
    kept = bounded(Rollup(segments=segments)).segments

    assert len(kept) == MOST_SEGMENTS
    assert min(cohort.sent_count for cohort in kept.values()) == 500 - MOST_SEGMENTS


def test_ids_of_any_characters_have_keys():
    digests = {Group(GroupKind.SENDER, name).digest for name in ("a/b", "a#b", "\U0001f600", "")}
    assert len(digests) == 4
    assert all(len(digest) == 32 for digest in digests)
