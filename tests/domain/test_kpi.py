"""Counting interactions: people, machines and what cannot be known stand side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import Counts, Fact, Kpi, count
from engagement.domain.verdicts.verdict import Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = st.lists(
    st.builds(
        Fact,
        type=st.sampled_from(InteractionType),
        verdict=st.sampled_from(Verdict),
        at=st.integers(0, 600).map(lambda seconds: NOON + timedelta(seconds=seconds)),
        recipient=st.integers(0, 2),
        target=st.integers(0, 2),
        actor=st.sampled_from(["a", "b"]),
        inferred=st.just(value=False),
    ),
    max_size=30,
)


def fact(kind, seconds=0, **more):
    """Something that a person did."""
    at = NOON + timedelta(seconds=seconds)
    return Fact(**{"type": kind, "verdict": Verdict.PERSON, "at": at, "recipient": 1, **more})


def opened(seconds=0, **more):
    return fact(InteractionType.OPEN, seconds, **more)


def clicked(seconds=0, **more):
    return fact(InteractionType.CLICK, seconds, **{"target": 1, **more})


@given(FACTS, st.randoms())
def test_P4_counts_do_not_depend_on_the_order(facts, random):
    assert count(random.sample(facts, len(facts))) == count(facts)


@given(FACTS)
def test_P4_a_repeated_fact_changes_nothing_but_replies(facts):
    hits = [fact for fact in facts if fact.type is not InteractionType.REPLY]
    assert count(hits + hits) == count(hits)


@given(FACTS)
def test_counts_are_never_more_than_what_happened_and_what_it_implies(facts):
    kpi = count(facts)
    for verdict, counts in (
        (Verdict.PERSON, kpi.people),
        (Verdict.UNSURE, kpi.unsure),
        (Verdict.AUTOMATED, kpi.automated),
    ):
        kinds = [fact.type for fact in facts if fact.verdict is verdict]
        inferred = kpi.inferred_open_count if verdict is Verdict.PERSON else 0
        assert counts.open_count <= kinds.count(InteractionType.OPEN) + inferred
        assert counts.click_count <= kinds.count(InteractionType.CLICK)
        # Whatever was done was done at least once.
        assert (counts.click_count > 0) == (InteractionType.CLICK in kinds)
    assert kpi.reply_count == sum(
        (fact.type, fact.verdict) == (InteractionType.REPLY, Verdict.PERSON) for fact in facts
    )


@given(FACTS)
def test_opens_are_never_fewer_than_the_recipients_who_selected_something(facts):
    people = {
        fact.recipient
        for fact in facts
        if fact.verdict is Verdict.PERSON
        and fact.type in (InteractionType.CLICK, InteractionType.ATTACHMENT_VIEW)
    }
    kpi = count(facts)
    assert kpi.people.open_count >= len(people)
    assert (kpi.first_opened_at is None) == (kpi.people.open_count == 0)


@given(FACTS, FACTS.map(lambda facts: [replace(x, verdict=Verdict.AUTOMATED) for x in facts]))
def test_P5_machines_change_nothing_of_what_is_said_of_people(people, machines):
    alone, together = count(people), count(people + machines)
    assert together.people == alone.people
    assert together.reply_count == alone.reply_count
    assert together.first_opened_at == alone.first_opened_at


def test_nothing_that_happened_is_zero_everywhere():
    assert count([]) == Kpi(Counts(0, 0, 0), Counts(0, 0, 0), Counts(0, 0, 0), 0, None, None, 0)


def test_the_same_act_by_the_same_actor_within_a_minute_counts_once():
    again = [opened(seconds, actor="a") for seconds in (0, 20, 59)]

    assert count(again).people.open_count == 1
    assert count([*again, opened(60, actor="a")]).people.open_count == 2
    # A minute is counted from what was counted, so that refetching does not hide everything.
    assert count([opened(s, actor="a") for s in range(0, 301, 30)]).people.open_count == 6


def test_another_actor_recipient_link_or_verdict_counts_by_itself():
    base = clicked(0, actor="a")
    others = [
        clicked(1, actor="b"),
        clicked(1, actor="a", recipient=2),
        clicked(1, actor="a", target=2),
        clicked(1, actor="a", verdict=Verdict.AUTOMATED),
    ]

    kpi = count([base, *others])
    assert (kpi.people.click_count, kpi.automated.click_count) == (4, 1)


def test_a_click_without_an_open_implies_one_until_the_open_is_seen():
    clicks = [clicked(10), clicked(400), clicked(20, recipient=2)]

    kpi = count(clicks)
    assert (kpi.people.open_count, kpi.inferred_open_count) == (2, 2)
    assert kpi.first_opened_at == NOON + timedelta(seconds=10)

    kpi = count([*clicks, opened(900)])
    assert (kpi.people.open_count, kpi.inferred_open_count) == (2, 1)


def test_a_click_tells_of_an_open_that_the_prefetch_hid():
    prefetch = opened(0, verdict=Verdict.UNSURE)

    kpi = count([prefetch, clicked(10_800)])
    assert (kpi.people.open_count, kpi.unsure.open_count, kpi.inferred_open_count) == (1, 1, 1)


def test_a_machines_click_implies_nothing():
    assert count([clicked(verdict=Verdict.AUTOMATED)]).people.open_count == 0


def test_opens_that_are_kept_as_inferred_are_not_counted_twice():
    assert count([clicked(), opened(inferred=True)]).people.open_count == 1
    assert count([opened(inferred=True)]).people.open_count == 0


def test_an_automatic_reply_is_no_reply():
    replies = [
        fact(InteractionType.REPLY, verdict=Verdict.AUTOMATED),
        fact(InteractionType.REPLY),
        fact(InteractionType.REPLY, 5),
    ]
    assert count(replies).reply_count == 2
