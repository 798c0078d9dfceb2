"""How often somebody may try: the limit holds, for others too, and memory has its bound."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.rate_limit import MOST_KEYS, RateLimit
from engagement.errors import TooManyRequestsError

MINUTE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRIES = st.lists(
    st.tuples(
        st.integers(0, 6),
        # Clocks may step back.
        st.integers(0, 600).map(lambda seconds: MINUTE + timedelta(seconds=seconds)),
    ),
    max_size=60,
)


def allowed(limit, key, now=MINUTE):
    """Whether *key* may try."""
    try:
        limit.take(key, now)
    except TooManyRequestsError:
        return False
    return True


def test_S14_the_limit_is_per_key_and_minute():
    limit = RateLimit(3)

    assert [allowed(limit, "a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert allowed(limit, "b")
    assert not allowed(limit, "a", MINUTE + timedelta(seconds=59.999))
    assert allowed(limit, "a", MINUTE + timedelta(seconds=60))


@pytest.mark.parametrize(("into", "left"), [(0, 60), (12.5, 47.5), (59.5, 0.5)])
def test_S14_the_refusal_says_when_there_are_tries_again(into, left):
    limit, now = RateLimit(1), MINUTE + timedelta(seconds=into)
    limit.take("a", now)

    with pytest.raises(TooManyRequestsError) as refusal:
        limit.take("a", now)

    assert refusal.value.retry_after == pytest.approx(left)
    assert allowed(limit, "a", now + timedelta(seconds=refusal.value.retry_after))


def test_S14_zero_is_no_limit_and_remembers_nothing():
    limit = RateLimit(0)

    assert all(allowed(limit, key % 2) for key in range(1_000))
    assert not limit.counts


def test_S14_looking_costs_no_try():
    limit = RateLimit(1)
    for _ in range(3):
        limit.check("a", MINUTE)
    limit.take("a", MINUTE)

    with pytest.raises(TooManyRequestsError):
        limit.check("a", MINUTE)


def test_S14_a_clock_that_is_set_back_locks_nobody_out():
    limit = RateLimit(1)
    limit.take("a", MINUTE)

    assert allowed(limit, "a", MINUTE - timedelta(hours=1))


@given(TRIES, st.integers(1, 4))
def test_S14_with_room_for_all_each_gets_just_the_limit(tries, most):
    tries.sort(key=lambda item: item[1])
    limit, passed = RateLimit(most), {}
    for key, now in tries:
        place = (key, int(now.timestamp() // 60))
        assert allowed(limit, key, now) == (passed.get(place, 0) < most)
        passed[place] = min(passed.get(place, 0) + 1, most)


@given(TRIES, st.integers(1, 4), st.integers(1, 3))
def test_S14_without_room_nobody_gets_more_and_all_together_get_the_stated_bound(
    tries, most, most_keys
):
    tries.sort(key=lambda item: item[1])
    limit, passed = RateLimit(most, most_keys), {}
    for key, now in tries:
        if allowed(limit, key, now):
            in_minute = passed.setdefault(int(now.timestamp() // 60), {})
            in_minute[key] = in_minute.get(key, 0) + 1
        assert len(limit.counts) <= most_keys
    for in_minute in passed.values():
        assert max(in_minute.values()) <= most
        assert sum(in_minute.values()) <= most * (most_keys + 1)


@given(TRIES)
def test_S14_whatever_the_clock_does_a_refusal_names_a_time_of_a_minute(tries):
    limit = RateLimit(1, 2)
    for key, now in tries:
        if not allowed(limit, key, now):
            with pytest.raises(TooManyRequestsError) as refusal:
                limit.check(key, now)
            assert 0 < refusal.value.retry_after <= 60


def test_S14_a_million_sources_take_no_more_memory_than_those_counted_apart():
    limit = RateLimit(60)
    for number in range(200_000):
        allowed(limit, number)
    size = sys.getsizeof(limit.counts)
    for number in range(200_000, 1_000_000):
        allowed(limit, number)

    # What a limit holds is this and nothing else.
    assert set(vars(limit)) == {"limit", "most_keys", "window", "counts", "shared"}
    assert (len(limit.counts), sys.getsizeof(limit.counts)) == (MOST_KEYS, size)
    # Those counted apart keep their tries; the others had theirs together.
    assert allowed(limit, 0)
    assert not allowed(limit, 999_999)
    # The next minute begins empty.
    assert allowed(limit, 999_999, MINUTE + timedelta(minutes=1))
    assert len(limit.counts) == 1
