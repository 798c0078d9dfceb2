"""The model of docs/cost.md: its units, its rules of billing, and an example worked by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from deployment import ROOT
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cost import PRICES, bill_table, per_million_table, read_prices, timers_table
from benchmarks.cost_model import Month, bill, billed_seconds, table_requests, timer_runs, total
from benchmarks.operations import requests, runs_a_month, schedules

PRICED, FREE = read_prices()
NOTHING_FREE = dict.fromkeys(FREE, 0.0)
COUNTS = st.floats(0, 1e9)


def amounts(month, free=NOTHING_FREE):
    """Part to US dollars; a part with several prices has them summed."""
    found = {}
    for line in bill(month, PRICED, free):
        found[line.part] = found.get(line.part, 0.0) + line.amount
    return found


def test_the_timers_run_as_often_as_they_are_declared():
    assert timer_runs(Month()) == {
        "dispatch": 4 * 60 * 730,
        "roll_up": 60 * 730,
        "sweep": 730,
        "watch_queues": 12 * 730,
    }
    assert set(schedules()) == set(timer_runs(Month()))


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [("0 0 3 * * *", 730 / 24), ("0 */5 * * * *", 12 * 730), ("30 0,12 * * * *", 2 * 730)],
)
def test_a_schedule_is_counted_over_a_month(schedule, runs):
    assert runs_a_month(schedule) == pytest.approx(runs)


def test_an_idle_month_is_as_worked_out_by_hand():
    # 228,490 runs of a second on 2 GB, at 0.000026 a GB-second.
    assert sum(timer_runs(Month()).values()) == 228_490
    compute = 228_490 * 2 * 0.000026
    executed = 228_490 / 1e6 * 0.40
    timers = sum(value for name, value in amounts(Month()).items() if "timer" in name)
    watched = 8_760 * 6 / 1e6 * 0.04
    tables = (175_200 + 43_800 * 3 + 730) / 1e6 * 0.036

    assert timers == pytest.approx(compute + executed + tables + watched)
    # The free grant takes 100,000 GB-seconds and all executions off, telemetry is below 5 GB.
    paid = (456_980 - 100_000) * 0.000026
    polls = 3 * 0.1 * 730 * 3600 / 1e6 * 0.04
    swept = 730 * 2 / 1e6 * 5.00
    assert total(bill(Month(), PRICED, FREE)) == pytest.approx(
        paid + tables + watched + polls + swept
    )


def test_a_million_opens_are_as_worked_out_by_hand():
    of = {name: tables for name, (tables, _) in requests().items()}
    follow_up = (
        2 * of["a look at a message that is judged already"]
        + of["three lists when a count changed"]
        + of["rolling up a message that changed"]
    )
    busy, idle = amounts(Month(opens=1e6, hours=1 / 3600)), amounts(Month())

    # A million in one second take 5,000 instances of 200 a second, each billed for nearly one.
    assert busy["public: hits"] == pytest.approx(1e6 / 201 * 2 * 0.000026 + 0.40)
    assert busy["tables: hits"] == pytest.approx(of["pixel"] * 0.036)
    assert busy["tables: judgements, lists and rollups of hits"] == pytest.approx(follow_up * 0.036)
    assert busy["queue: judgements"] == pytest.approx(6 * 0.04)
    assert busy["telemetry"] - idle["telemetry"] == pytest.approx(3e6 * 1500 / 1e9 * 2.30)


def test_executions_far_apart_are_billed_for_a_second_each():
    assert billed_seconds(1000, 1e12) == pytest.approx(1000)


def test_executions_at_one_a_second_share_half_of_their_seconds():
    assert billed_seconds(3600, 3600) == pytest.approx(1800)


def test_what_one_instance_cannot_take_goes_to_others():
    assert billed_seconds(400, 1, capacity=200) == pytest.approx(2 * billed_seconds(200, 1))


@given(COUNTS, st.floats(1, 1e9), st.floats(1, 1e4))
def test_billed_seconds_are_never_more_than_one_each_nor_below_what_instances_take(
    count, seconds, capacity
):
    billed = billed_seconds(count, seconds, capacity)
    assert count / (1 + capacity) <= billed * (1 + 1e-9)
    assert billed <= count


@given(COUNTS, COUNTS, st.sampled_from(["opens", "clicks", "views", "messages", "organizations"]))
def test_more_of_anything_never_costs_less(one, other, what):
    few, many = sorted((one, other))
    # Where a further instance begins, seconds are shared less well; the rest of them then more.
    costs = [
        total(bill(replace(Month(capacity=1e9), **{what: count}), PRICED, FREE))
        for count in (few, many)
    ]
    assert costs[0] <= costs[1] * (1 + 1e-9)


@given(COUNTS)
def test_larger_instances_and_rarer_hits_never_cost_less(opens):
    costs = [
        total(bill(month, PRICED, FREE))
        for month in (
            Month(opens=opens, public_memory=512, private_memory=512, hours=1),
            Month(opens=opens, public_memory=2048, private_memory=512, hours=1),
            Month(opens=opens, hours=1),
            Month(opens=opens, hours=730),
        )
    ]
    assert costs == sorted(costs)


@given(COUNTS, st.floats(0, 1e6))
def test_what_is_free_never_pays_out(opens, probes):
    month = Month(opens=opens, probes=probes)
    granted, whole = (total(bill(month, PRICED, free)) for free in (FREE, NOTHING_FREE))
    assert 0 <= granted <= whole


def test_always_ready_instances_cost_while_nothing_happens_and_less_while_something_does():
    month = Month(opens=1e8)
    ready = replace(month, always_ready=1)
    idle = amounts(replace(ready, opens=0))["public: always ready"]

    assert idle == pytest.approx(730 * 3600 * 2 * 0.000004)
    assert amounts(ready)["public: hits"] < amounts(month)["public: hits"]


def test_a_front_door_costs_by_itself_and_takes_the_traffic_over():
    bare, fronted = Month(opens=1e6), Month(opens=1e6, front_door=True)

    assert amounts(fronted)["Front Door"] == pytest.approx(35 + 0.90 + 1 * 0.083)
    assert "traffic" in amounts(bare)
    assert "traffic" not in amounts(fronted)


def test_rolling_up_reads_every_organization_each_minute():
    per_run = requests()["rolling up when nothing changed"][0]
    many = table_requests(Month(organizations=10_000))["timer roll_up"]

    assert many == 43_800 * (1 + 10_000 * per_run)


def test_rolling_up_many_organizations_takes_longer_than_its_least_second_and_no_more_than_it_may():
    few, many, all_of_them = (
        amounts(Month(organizations=count))["private: timer roll_up"]
        for count in (100, 2_000, 1_000_000)
    )
    executed = 43_800 / 1e6 * 0.40
    assert few == pytest.approx(43_800 * 2 * 0.000026 + executed)
    assert many == pytest.approx(43_800 * 2_000 * 0.0065 * 2 * 0.000026 + executed)
    assert all_of_them == pytest.approx(43_800 * 50 * 2 * 0.000026 + executed)


def test_every_price_says_what_it_is_for_and_how_well_it_is_known():
    import tomllib

    prices = tomllib.loads(PRICES.read_text())
    del prices["free"]
    assert set(prices) == set(PRICED)
    for price in prices.values():
        assert price["price"] > 0
        assert price["unit"]
        assert price["standing"] in {"secondary", "single", "remembered"}
        assert price["source"] or price["standing"] == "remembered"


def test_the_tables_of_the_document_are_those_of_its_commands():
    text = (ROOT / "docs" / "cost.md").read_text()

    for made in (
        bill_table(bill(Month(), PRICED, FREE)),
        bill_table(bill(Month(opens=1e6), PRICED, FREE)),
        per_million_table(Month(), PRICED),
        per_million_table(Month(public_memory=512, private_memory=512), PRICED),
        timers_table(Month(), PRICED),
    ):
        assert made in text


def test_the_document_names_only_options_that_there_are():
    text = (ROOT / "docs" / "cost.md").read_text()
    known = (ROOT / "benchmarks" / "cost.py").read_text()
    options = set(re.findall(r"--[a-z][a-z-]+", text))

    assert options
    for option in options - {"--opens", "--clicks", "--views", "--messages"}:
        assert f'"{option}"' in known
