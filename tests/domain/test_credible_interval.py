"""The credible interval: against closed forms, exact sums, and its own meaning."""

from __future__ import annotations

from fractions import Fraction
from math import asin, comb, gamma, isclose, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.templates.credible_interval import (
    beta_probability,
    beta_quantile,
    credible_interval,
)

CHANCES = st.floats(0.001, 0.999)
SHAPES = st.floats(0.5, 500)


@given(x=CHANCES, n=st.integers(1, 60), data=st.data())
def test_it_is_the_tail_of_a_binomial_distribution(x, n, data):
    """DLMF 8.17.5, summed in fractions."""
    k = data.draw(st.integers(1, n))
    p = Fraction(x)
    tail = sum(comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))
    assert isclose(beta_probability(x, k, n - k + 1), float(tail), rel_tol=1e-10, abs_tol=1e-12)


@given(x=CHANCES, a=SHAPES, b=SHAPES)
def test_it_is_symmetric(x, a, b):
    """DLMF 8.17.4; for shapes that are mirrored exactly."""
    y = 1 - (1 - x)
    whole = beta_probability(y, a, b) + beta_probability(1 - x, b, a)
    assert isclose(whole, 1, abs_tol=1e-9)


@given(x=CHANCES)
def test_closed_forms_hold(x):
    assert isclose(beta_probability(x, 1, 1), x, abs_tol=1e-12)
    arcsine = 2 / pi * asin(sqrt(x))
    assert isclose(beta_probability(x, 0.5, 0.5), arcsine, abs_tol=1e-12)


@given(x=CHANCES, k=st.integers(0, 12), m=st.integers(0, 12))
def test_half_integers_follow_from_the_arcsine_by_recurrence(x, k, m):
    """DLMF 8.17.20 and 8.17.21, from I_x(1/2, 1/2), as the prior of Jeffreys has half-integers."""
    expected = 2 / pi * asin(sqrt(x))
    a = b = 0.5
    for _ in range(k):
        beta = gamma(a) * gamma(b) / gamma(a + b)
        expected -= x**a * (1 - x) ** b / (a * beta)
        a += 1
    for _ in range(m):
        beta = gamma(a) * gamma(b) / gamma(a + b)
        expected += x**a * (1 - x) ** b / (b * beta)
        b += 1
    assert isclose(beta_probability(x, a, b), expected, abs_tol=1e-10)


@given(probability=CHANCES, a=SHAPES, b=SHAPES)
def test_a_quantile_is_the_inverse(probability, a, b):
    x = beta_quantile(probability, a, b)
    assert 0 <= x <= 1
    assert isclose(beta_probability(x, a, b), probability, abs_tol=1e-9)


@given(n=st.integers(1, 2_000), data=st.data())
def test_an_interval_holds_nine_tenths_around_the_rate(n, data):
    k = data.draw(st.integers(0, n))
    low, high = credible_interval(k, n)
    a, b = k + 0.5, n - k + 0.5
    assert low <= k / n <= high
    assert low == 0 if k == 0 else isclose(beta_probability(low, a, b), 0.05, abs_tol=1e-9)
    assert high == 1 if k == n else isclose(beta_probability(high, a, b), 0.95, abs_tol=1e-9)
    mirrored = credible_interval(n - k, n)
    assert isclose(low, 1 - mirrored[1], abs_tol=1e-9)


@given(n=st.integers(1, 500), data=st.data())
def test_more_replies_raise_both_bounds(n, data):
    k = data.draw(st.integers(0, n - 1))
    fewer, more = credible_interval(k, n), credible_interval(k + 1, n)
    assert fewer[0] < more[0]
    assert fewer[1] < more[1]


@pytest.mark.parametrize("n", [10**5, 10**6])
def test_a_million_messages_are_no_harder(n):
    """There the distribution is as good as normal: 1.644854 standard deviations to either side."""
    low, high = credible_interval(0.2 * n, n)
    width = 1.644854 * sqrt(0.2 * 0.8 / n)
    assert isclose(low, 0.2 - width, abs_tol=2 / n)
    assert isclose(high, 0.2 + width, abs_tol=2 / n)


def test_nothing_is_known_of_nothing():
    assert credible_interval(0, 0) == (0, 1)
