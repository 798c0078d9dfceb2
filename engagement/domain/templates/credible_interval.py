"""Between which bounds a rate lies: the 90 % credible interval of *k* of *n*, by Jeffreys.

With the prior Beta(1/2, 1/2), the rate behind *k* successes in *n* trials is distributed as
Beta(k + 1/2, n - k + 1/2). The interval cuts 5 % off at either end; where nothing or everything
succeeded it reaches to 0 or 1. Brown, Cai and DasGupta, "Interval Estimation for a Binomial
Proportion", Statistical Science 16 (2001), recommend it, for small *n* too.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p

#: The share of the distribution that is cut off at each end.
TAIL = 0.05

#: Half of an interval's width that no longer matters.
_EXACT = 1e-13
_TINY = 1e-300


def credible_interval(successes: float, trials: float) -> tuple[float, float]:
    """Return both bounds, 0 to 1; *successes* are 0 to *trials* and need not be whole."""
    return lower_bound(successes, trials), 1 - lower_bound(trials - successes, trials)


@lru_cache(maxsize=8_192)
def lower_bound(successes: float, trials: float) -> float:
    """Return the bound above which the rate is with 95 %."""
    if not successes:
        return 0.0
    return beta_quantile(TAIL, successes + 0.5, trials - successes + 0.5)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the *x* below which Beta(a, b) is with *probability*.

    By Newton's steps, or by halving what is left where a step would leave it.
    """
    low, high, x = 0.0, 1.0, a / (a + b)
    while high - low > _EXACT:
        surplus = beta_probability(x, a, b) - probability
        low, high = (low, x) if surplus > 0 else (x, high)
        step = surplus * x * (1 - x) / max(_power(x, a, b), _TINY)
        if not low < x - step < high:
            step = x - (low + high) / 2
        x -= step
        if abs(step) < _EXACT:
            break
    return x


def beta_probability(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b) (DLMF 8.17.2)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_probability(1 - x, b, a)
    return _power(x, a, b) / (a * _fraction(x, a, b))


def _power(x: float, a: float, b: float) -> float:
    """Return x^a (1 - x)^b / B(a, b)."""
    return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction 1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22, by Lentz's method.

    It converges for x below (a + 1)/(a + b + 2), after some multiple of the root of a or b.
    """
    value = upper = 1.0
    lower = 0.0
    index, change = 0, 0.0
    while abs(change - 1) > 1e-15 and index < 100_000:
        index += 1
        m, odd = divmod(index, 2)
        if odd:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / (1 + d * lower or _TINY)
        upper = 1 + d / upper or _TINY
        change = upper * lower
        value *= change
    return value
