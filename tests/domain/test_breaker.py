"""The breaker: nobody waits for a store that is known to be down, and one tries again."""

from __future__ import annotations

from engagement.domain.breaker import Breaker


def test_one_hang_opens_it():
    breaker = Breaker()
    breaker.failed(100.0, hung=True)

    assert not breaker.closed


def test_three_refusals_in_a_row_open_it_and_a_success_between_them_does_not():
    breaker = Breaker()
    for _ in range(2):
        breaker.failed(100.0, hung=False)
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(100.0, hung=False)
    assert breaker.closed

    breaker.failed(100.0, hung=False)
    assert not breaker.closed


def test_one_trial_is_let_through_for_each_pause():
    breaker = Breaker(pause=5.0)
    breaker.failed(100.0, hung=True)

    assert not breaker.trial_due(104.9)
    assert [breaker.trial_due(105.0), breaker.trial_due(105.0)] == [True, False]
    assert breaker.trial_due(110.0)


def test_a_success_closes_it():
    breaker = Breaker()
    breaker.failed(100.0, hung=True)
    breaker.succeeded()

    assert breaker.closed
    assert not breaker.trial_due(1000.0)
