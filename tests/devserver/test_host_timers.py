"""Schedules are NCRONTAB's, and a timer keeps to its own."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from devserver import timers

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 */5 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
        ("0 */5 * * * *", "2026-01-01T00:04:59.5", "2026-01-01T00:05:00"),
        ("*/10 * * * * *", "2026-01-01T00:00:51", "2026-01-01T00:01:00"),
        ("30 5 */6 * * *", "2026-01-01T00:05:30", "2026-01-01T06:05:30"),
        ("0 0 0 * * *", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("0 0 12 29 2 *", "2026-01-01T00:00:00", "2028-02-29T12:00:00"),
        ("0 0 12 29 FEB *", "2096-03-01T00:00:00", "2104-02-29T12:00:00"),
        ("0 30 9 * * 1-5", "2026-01-02T09:30:00", "2026-01-05T09:30:00"),
        ("0 0 0 * * SUN", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("0 0 0 13 * FRI", "2026-01-01T00:00:00", "2026-02-13T00:00:00"),
        ("5,8,10 * * * * *", "2026-01-01T00:00:05", "2026-01-01T00:00:08"),
    ],
)
def test_the_next_occurrence_is_later_and_in_utc(expression, after, expected):
    found = timers.next_occurrence(expression, datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


def test_a_time_of_another_zone_counts_by_utc():
    after = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    found = timers.next_occurrence("0 0 0 * * *", after)
    assert found == NEW_YEAR


@pytest.mark.parametrize(
    "expression",
    ["", "* * * * *", "60 * * * * *", "0 0 0 L * *", "0 0 0 * * 7", "0 0 0 * * 1#2", "x * * * * *"],
)
def test_what_the_real_host_would_not_read_is_refused(expression):
    with pytest.raises(ValueError, match="schedule"):
        timers.next_occurrence(expression, NEW_YEAR)


def test_a_day_that_never_comes_is_refused():
    with pytest.raises(ValueError, match="schedule"):
        timers.next_occurrence("0 0 0 31 2 *", NEW_YEAR)


async def fired(clock, fire, **options):
    """Run the timer until `fire` has been called twice."""
    calls, enough = [], asyncio.Event()

    async def once(datum, metadata):
        calls.append(json.loads(datum.value))
        await fire()
        if len(calls) == 2:
            enough.set()
        return True

    running = asyncio.create_task(timers.run("0 * * * * *", once, clock=clock, **options))
    await asyncio.wait_for(enough.wait(), 10)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return calls


class Clock:
    """A clock that jumps as it is told."""

    def __init__(self, *times):
        self.times = [NEW_YEAR + timedelta(seconds=s) for s in times]

    def __call__(self):
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


async def no_work():
    pass


async def test_a_late_run_is_past_due_and_missed_runs_collapse_into_one():
    clock = Clock(0, 600, 600, 600, 660, 660.5)
    late, punctual = await fired(clock, no_work)
    assert late["IsPastDue"] is True
    assert late["ScheduleStatus"]["Next"] == "2026-01-01T00:11:00+00:00"
    assert punctual["IsPastDue"] is False


async def test_a_timer_may_run_at_the_start():
    clock = Clock(0, 0, 0, 0, 60, 60, 60)
    first, _ = await fired(clock, no_work, on_startup=True)
    assert first["IsPastDue"] is False


async def test_one_timer_never_runs_twice_at_once():
    running = 0

    async def work():
        nonlocal running
        running += 1
        await asyncio.sleep(0)
        assert running == 1
        running -= 1

    assert len(await fired(Clock(0, 60, 60, 200, 240, 240), work)) == 2
