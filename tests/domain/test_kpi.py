"""Counting interactions: people, machines and what cannot be known stand side by side."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.interaction import InteractionType
from engagement.domain.kpi import Counts, Kpi, count
from engagement.domain.verdict import Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = st.lists(
    st.tuples(
        st.sampled_from(InteractionType),
        st.sampled_from(Verdict),
        st.integers(0, 10_000).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    ),
    max_size=30,
)


def facts_of(kpi):
    """How many interactions the counts speak of, replies of machines aside."""
    groups = (kpi.people, kpi.unsure, kpi.automated)
    return kpi.reply_count + sum(
        group.open_count + group.click_count + group.attachment_view_count for group in groups
    )


@given(FACTS, st.randoms())
def test_counts_do_not_depend_on_the_order(facts, random):
    assert count(random.sample(facts, len(facts))) == count(facts)


@given(FACTS)
def test_every_fact_is_counted_once_and_in_its_own_place(facts):
    kpi = count(facts)
    tally = Counter((kind, verdict) for kind, verdict, _ in facts)
    for verdict, group in (
        (Verdict.PERSON, kpi.people),
        (Verdict.UNSURE, kpi.unsure),
        (Verdict.AUTOMATED, kpi.automated),
    ):
        assert group.open_count == tally[InteractionType.OPEN, verdict]
        assert group.click_count == tally[InteractionType.CLICK, verdict]
        assert group.attachment_view_count == tally[InteractionType.ATTACHMENT_VIEW, verdict]
    other = sum(
        tally[InteractionType.REPLY, verdict] for verdict in (Verdict.UNSURE, Verdict.AUTOMATED)
    )
    assert facts_of(kpi) == len(facts) - other


@given(FACTS, FACTS)
def test_counts_of_two_halves_add_up(first, second):
    whole, one, two = count(first + second), count(first), count(second)
    assert whole.people.open_count == one.people.open_count + two.people.open_count
    assert whole.reply_count == one.reply_count + two.reply_count
    assert facts_of(whole) == facts_of(one) + facts_of(two)


@given(FACTS)
def test_a_repeated_fact_is_counted_again_since_removing_it_is_the_stores_work(facts):
    assert facts_of(count(facts + facts)) == 2 * facts_of(count(facts))


@given(FACTS)
def test_first_and_last_open_are_those_of_people(facts):
    kpi = count(facts)
    opened = [at for kind, verdict, at in facts if (kind, verdict) == ("open", "person")]
    assert kpi.first_opened_at == (min(opened) if opened else None)
    assert kpi.last_opened_at == (max(opened) if opened else None)


def test_nothing_that_happened_is_zero_everywhere():
    assert count([]) == Kpi(Counts(0, 0, 0), Counts(0, 0, 0), Counts(0, 0, 0), 0, None, None)


def test_an_automatic_reply_is_no_reply():
    facts = [
        (InteractionType.REPLY, Verdict.AUTOMATED, NOON),
        (InteractionType.REPLY, Verdict.PERSON, NOON),
    ]
    assert count(facts).reply_count == 1
