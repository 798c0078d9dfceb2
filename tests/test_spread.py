"""The simulation of docs/scale.md: it loses no load, and its placements do what they promise."""

from __future__ import annotations

import pytest
from deployment import ROOT

from benchmarks.spread import (
    DAY,
    Organization,
    busiest,
    by_size,
    minutes,
    moved,
    peaks,
    population,
    rendezvous,
    report,
)

WORLD = population(500, 1e6, seed=7)


def test_one_seed_makes_one_history_and_another_another():
    assert population(500, 1e6, seed=7) == WORLD
    assert population(500, 1e6, seed=8) != WORLD


def test_the_organizations_have_all_opens_together_and_each_opens_them_in_a_day():
    assert sum(one.opens for one in WORLD) == pytest.approx(1e6)
    assert sum(minutes(WORLD)) == pytest.approx(1e6)
    assert len(minutes(WORLD)) == DAY
    for one in WORLD[:20]:
        assert sum(minutes([one])) == pytest.approx(one.opens)


def test_half_of_those_who_open_do_so_in_the_first_half_hour_also_over_midnight():
    for send in (600, DAY - 10):
        loads = minutes([Organization("one", 1000, (send,))])
        early = sum(loads[minute % DAY] for minute in range(send, send + 30))
        assert early == pytest.approx(500, rel=0.02)


def test_the_busiest_is_the_one_with_the_busiest_minute():
    large, small = Organization("large", 1000, (1, 300, 700)), Organization("small", 900, (600,))
    assert busiest([large, small]) == pytest.approx(max(minutes([small])) / 60)
    assert busiest(WORLD) == max(max(minutes([one])) for one in WORLD) / 60


def test_a_further_account_takes_organizations_and_moves_none_between_the_others():
    before, after = rendezvous(WORLD, 8), rendezvous(WORLD, 9)
    gone = {name for name in before if before[name] != after[name]}

    assert {after[name] for name in gone} == {8}
    assert moved(WORLD, before, after)[0] == len(gone) / len(WORLD)
    assert len(gone) / len(WORLD) == pytest.approx(1 / 9, abs=0.05)


def test_nobody_moves_where_nothing_changed():
    assert moved(WORLD, rendezvous(WORLD, 8), rendezvous(WORLD, 8)) == (0, 0)


def test_by_size_no_account_has_more_than_its_share_and_one_organization():
    placed = by_size(WORLD, 8)
    loads = [0.0] * 8
    for one in WORLD:
        loads[placed[one.name]] += one.opens

    assert max(loads) <= 1e6 / 8 + max(one.opens for one in WORLD)
    assert sum(loads) == pytest.approx(1e6)


def test_one_account_has_the_load_of_all():
    placed = dict.fromkeys((one.name for one in WORLD), 0)
    whole = peaks(WORLD, placed, 1)[0]
    several = peaks(WORLD, rendezvous(WORLD, 8), 8)

    assert max(several) < whole <= sum(several)


def test_the_document_shows_what_the_command_prints():
    assert report(10_000, 10e6, 8, 1) in (ROOT / "docs" / "scale.md").read_text()
