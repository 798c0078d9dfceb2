"""The published rule of recommended templates."""

from __future__ import annotations

from itertools import count, takewhile
from math import comb

import pytest
from deployment import ROOT
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.reports.cohort import Cohort, TemplateTotals
from engagement.domain.templates.credible_interval import credible_interval
from engagement.domain.templates.recommendation import FARTHEST, MINIMUM, Recommendation, recommend

USUAL = Cohort(1_000, 800, 400, 96)  # 12 % are answered


def cohort(replied, followed, opened=None, sent=None):
    """A cohort by its replies."""
    return Cohort(sent or followed, followed, replied if opened is None else opened, replied)


@st.composite
def cohorts(draw, most=400):
    sent = draw(st.integers(0, most))
    followed = draw(st.integers(0, sent))
    opened = draw(st.integers(0, followed))
    return Cohort(sent, followed, opened, draw(st.integers(0, followed)))


@given(own=cohorts(), usual=cohorts())
def test_the_rule_is_what_is_published(own, usual):
    said = Recommendation(own, usual)
    enough = own.followed_count >= MINIMUM
    above = (
        usual.followed_count > 0
        and own.followed_count > 0
        and credible_interval(own.replied_count, own.followed_count)[0]
        > usual.replied_count / usual.followed_count
    )
    assert said.recommended == (enough and above)
    assert said.needs == max(0, 30 - own.followed_count)
    assert (said.reply_rate.value is None) == (own.followed_count == 0)
    assert said.reason.endswith(".")


@pytest.mark.parametrize(
    ("own", "recommended", "needs", "at_this_rate", "reason"),
    [
        (Cohort(), False, 30, None, "30 followed messages are needed: 30 more."),
        (cohort(9, 12), False, 18, 18, "30 followed messages are needed: 18 more."),
        (
            cohort(12, 40),
            True,
            0,
            0,
            "Its reply rate is above the organization's 12.0%, and hardly by chance.",
        ),
        (
            cohort(7, 40),
            False,
            0,
            62,
            "Its reply rate is above the organization's 12.0%, but that may be chance.",
        ),
        (cohort(4, 40), False, 0, None, "Its reply rate is not above the organization's 12.0%."),
    ],
)
def test_what_is_said_of_a_template(own, recommended, needs, at_this_rate, reason):
    said = Recommendation(own, USUAL)
    assert said.recommended is recommended
    assert (said.needs, said.needs_at_this_rate, said.reason) == (needs, at_this_rate, reason)


@given(own=cohorts(120), usual=cohorts(120))
def test_so_many_more_at_this_rate_are_the_fewest_that_do(own, usual):
    said = Recommendation(own, usual)
    more = said.needs_at_this_rate
    if said.recommended:
        assert more == 0
        return
    if not (own.followed_count and usual.followed_count):
        assert more is None
        return
    rate, theirs = said.reply_rate.value, usual.replied_count / usual.followed_count
    if rate <= theirs:
        assert more is None
        return
    does = (
        extra
        for extra in count()
        if own.followed_count + extra >= MINIMUM
        and credible_interval(rate * (own.followed_count + extra), own.followed_count + extra)[0]
        > theirs
    )
    assert more is None or more > 2_000 or more == next(does)


def test_what_would_take_too_long_is_not_estimated():
    said = Recommendation(cohort(1_001, 10_000), Cohort(100_000, 100_000, 0, 10_009))
    assert said.needs_at_this_rate is None
    assert FARTHEST == 100_000


PAGE = (ROOT / "docs" / "templates.md").read_text()


def table(header):
    """Rows below a header of the published page."""
    lines = PAGE[PAGE.index(header) :].splitlines()[2:]
    rows = takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_published_example_is_what_the_rule_says():
    rows = table("| answered | of |")
    assert len(rows) == 4
    for row in rows:
        said = Recommendation(cohort(int(row[0]), int(row[1])), USUAL)
        low, high = said.reply_rate.interval
        more = said.needs_at_this_rate
        assert row[2:] == [
            f"{said.reply_rate.value:.1%}".replace("%", " %"),
            f"{low:.1%} to {high:.1%}".replace("%", " %"),
            "yes" if said.recommended else "no",
            str(said.needs),
            "–" if more is None else str(more),
        ]


def test_the_published_chances_are_those_of_the_rule():
    rows = table("| followed | 10 % |")
    assert len(rows) == 3
    for n, *shown in ([int(row[0]), *row[1:]] for row in rows):
        found = [k for k in range(n + 1) if Recommendation(cohort(k, n), USUAL).recommended]
        chances = [
            sum(comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in found)
            for rate in (0.10, 0.12, 0.15, 0.18, 0.24)
        ]
        assert shown == [f"{chance:.1%}".replace("%", " %") for chance in chances]


DE = ("language", "de")
TOTALS = TemplateTotals(
    cohort(10, 100), {DE: cohort(12, 40), ("industry", "Banking"): cohort(20, 29)}
)
ORGANIZATION = TemplateTotals(USUAL, {DE: cohort(6, 60), ("industry", "Banking"): cohort(25, 50)})


def test_within_a_segment_that_has_enough_its_own_messages_count():
    said = recommend(TOTALS, ORGANIZATION, DE)
    assert (said.within_segment, said.cohort, said.segment_count) == (True, cohort(12, 40), 40)
    assert said.recommended
    assert "the organization's 10.0% with language de" in said.reason


@pytest.mark.parametrize(
    ("segment", "followed"), [(("industry", "Banking"), 29), (("language", "fr"), 0)]
)
def test_in_a_segment_that_has_not_enough_all_messages_count(segment, followed):
    said = recommend(TOTALS, ORGANIZATION, segment)
    assert (said.within_segment, said.cohort, said.segment_count) == (False, TOTALS.all, followed)
    assert said.reason == recommend(TOTALS, ORGANIZATION, None).reason


def test_without_counts_of_the_organization_nothing_is_recommended():
    said = Recommendation(cohort(40, 40), Cohort())
    assert not said.recommended
    assert said.reason == "The organization's reply rate is not known yet."


def test_recommended_ones_rank_first_then_those_with_the_higher_lower_bound():
    owns = {
        "few": cohort(5, 5),
        "good": cohort(12, 40),
        "better": cohort(120, 400),
        "poor": cohort(0, 40),
        "none": Cohort(),
        "perhaps": cohort(7, 40),
    }
    ranks = {name: Recommendation(own, USUAL).rank(name) for name, own in owns.items()}
    order = ["better", "good", "few", "perhaps", "none", "poor"]
    assert sorted(owns, key=ranks.__getitem__) == order
