"""Quiet hours: by the clock on the wall, also in the two nights when somebody turns it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engagement.domain.alerts.quiet_hours import QuietHours

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
#: Turned at 2:00 in New York, at 2:00 and 3:00 in Berlin, by half an hour on Lord Howe Island, and
#: at midnight in Beirut; some are not turned at all, some lie half an hour off.
ZONES = [
    BERLIN,
    NEW_YORK,
    "UTC",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "Pacific/Auckland",
]
DAY = timedelta(days=1)

CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
#: Nights in which a clock is turned are rare among all nights, so that they get a share of theirs.
NIGHTS = st.sampled_from(
    [datetime(2026, month, day, tzinfo=UTC) for month, day in [(3, 8), (3, 29), (10, 25), (11, 1)]]
)
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy adds the zone
    st.builds(
        lambda night, minutes: night + timedelta(minutes=minutes),
        NIGHTS,
        st.integers(-1440, 1440),
    ),
)


def quiet(begin, end, zone=BERLIN):
    """Quiet hours from one time of the day to another."""
    return QuietHours(time.fromisoformat(begin), time.fromisoformat(end), zone)


def wall(text, zone=BERLIN, fold=0):
    """A moment, as the clock on the wall shows it; *fold* 1 is the second time in autumn."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def is_quiet(hours, at):
    """Whether the clock on the wall shows a quiet time; written another way than the rule."""
    clock = at.astimezone(ZoneInfo(hours.time_zone)).strftime("%H:%M:%S.%f")
    begin, end = f"{hours.begin:%H:%M:%S.%f}", f"{hours.end:%H:%M:%S.%f}"
    return begin <= clock < end if begin < end else not end <= clock < begin


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-06-10 20:00", "2026-06-11 07:30"),
        ("2026-06-10 23:59:59.999999", "2026-06-11 07:30"),
        ("2026-06-11 00:00", "2026-06-11 07:30"),
        ("2026-06-11 07:29:59.999999", "2026-06-11 07:30"),
        ("2026-12-31 22:00", "2027-01-01 07:30"),
        ("2028-02-28 22:00", "2028-02-29 07:30"),
    ],
)
def test_over_midnight_they_end_in_the_morning_on_either_side_of_it(at, end):
    assert quiet("20:00", "07:30").until(wall(at)) == wall(end)


@pytest.mark.parametrize(
    "at", ["2026-06-10 07:30", "2026-06-10 12:00", "2026-06-10 19:59:59.999999"]
)
def test_outside_of_them_nothing_waits(at):
    assert quiet("20:00", "07:30").until(wall(at)) == wall(at)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-06-10 12:00", "2026-06-10 13:00"),
        ("2026-06-10 12:59:59", "2026-06-10 13:00"),
        ("2026-06-10 11:59:59", "2026-06-10 11:59:59"),
        ("2026-06-10 13:00", "2026-06-10 13:00"),
        ("2026-06-10 00:00", "2026-06-10 00:00"),
    ],
)
def test_within_a_day_they_end_on_that_day(at, end):
    assert quiet("12:00", "13:00").until(wall(at)) == wall(end)


def test_until_midnight_they_end_with_the_day_and_from_midnight_they_begin_with_it():
    assert quiet("20:00", "00:00").until(wall("2026-06-10 23:00")) == wall("2026-06-11 00:00")
    assert quiet("00:00", "06:00").until(wall("2026-06-10 00:00")) == wall("2026-06-10 06:00")
    assert quiet("00:00", "06:00").until(wall("2026-06-09 23:59")) == wall("2026-06-09 23:59")


def test_one_moment_is_quiet_in_one_place_and_not_in_another():
    at = datetime(2026, 6, 10, 20, 30, tzinfo=UTC)

    assert quiet("22:00", "07:00", BERLIN).until(at) == datetime(2026, 6, 11, 5, 0, tzinfo=UTC)
    assert quiet("22:00", "07:00", NEW_YORK).until(at) == at


def test_the_end_is_told_in_utc_whatever_the_question_was_asked_in():
    end = quiet("22:00", "07:00").until(wall("2026-06-10 23:00", "Europe/Berlin"))
    asked_from_afar = wall("2026-06-10 23:00").astimezone(ZoneInfo("Asia/Tokyo"))

    assert (end, end.tzinfo) == (datetime(2026, 6, 11, 5, 0, tzinfo=UTC), UTC)
    assert quiet("22:00", "07:00").until(asked_from_afar) == end


# Nights in which the clock is turned: in Berlin on 29 March and 25 October 2026, in New York on
# 8 March and 1 November.


@pytest.mark.parametrize(
    ("zone", "evening", "morning", "hours"),
    [
        (BERLIN, "2026-03-28 22:00", "2026-03-29 07:00", 8),
        (BERLIN, "2026-10-24 22:00", "2026-10-25 07:00", 10),
        (NEW_YORK, "2026-03-07 22:00", "2026-03-08 07:00", 8),
        (NEW_YORK, "2026-10-31 22:00", "2026-11-01 07:00", 10),
    ],
)
def test_a_night_in_which_the_clock_is_turned_ends_by_the_clock(zone, evening, morning, hours):
    begin = wall(evening, zone).astimezone(UTC)
    end = quiet("22:00", "07:00", zone).until(begin)

    assert end == wall(morning, zone)
    assert end - begin == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        (BERLIN, "2026-03-28 23:00"),
        (BERLIN, "2026-03-29 00:10"),
        (BERLIN, "2026-03-29 01:20"),
        (BERLIN, "2026-03-29 01:59:59"),
        (NEW_YORK, "2026-03-07 23:00"),
        (NEW_YORK, "2026-03-08 01:59:59"),
    ],
)
def test_an_end_that_the_spring_night_leaves_out_is_not_before_the_clock_is_turned(zone, at):
    hours = quiet("22:00", "02:30", zone)
    end = hours.until(wall(at, zone))

    # The clock goes from 2:00 to 3:00: then it is past 2:30, and before that it is not.
    turned = wall(at, zone).replace(day=8 if zone == NEW_YORK else 29, month=3, hour=3, minute=0)
    assert turned.replace(second=0) <= end <= turned.replace(second=0) + timedelta(minutes=30)
    assert not is_quiet(hours, end)


def test_a_beginning_that_the_spring_night_leaves_out_is_when_the_clock_is_turned():
    hours = quiet("02:30", "06:00")

    assert hours.until(wall("2026-03-29 01:59")) == wall("2026-03-29 01:59")
    assert hours.until(wall("2026-03-29 03:00")) == wall("2026-03-29 06:00")


@pytest.mark.parametrize(("zone", "day"), [(BERLIN, "2026-10-25"), (NEW_YORK, "2026-11-01")])
def test_an_end_that_the_autumn_night_has_twice_is_the_next_one(zone, day):
    hours = quiet("22:00", "01:30", zone) if zone == NEW_YORK else quiet("22:00", "02:30", zone)
    hour = hours.end.hour

    first, second = (wall(f"{day} {hours.end}", zone, fold) for fold in (0, 1))
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    assert hours.until(wall(f"{day} 00:15", zone)) == first.astimezone(UTC)
    assert hours.until(wall(f"{day} 0{hour}:15", zone)) == first.astimezone(UTC)
    assert hours.until(wall(f"{day} 0{hour}:15", zone, fold=1)) == second.astimezone(UTC)
    # The quarter of an hour between the two is past the first end: nothing waits.
    between = wall(f"{day} 0{hour}:45", zone)
    assert hours.until(between) == between


# Whatever the hours, the place and the moment


def loud(begin, end):
    """How long a day is not quiet."""
    return (timedelta(hours=begin.hour, minutes=begin.minute) - _since_midnight(end)) % DAY


def _since_midnight(clock):
    return timedelta(hours=clock.hour, minutes=clock.minute)


@given(CLOCKS, CLOCKS, st.sampled_from(ZONES), MOMENTS)
@example(time(22), time(2, 30), BERLIN, datetime(2026, 3, 28, 22, 0, tzinfo=UTC))
@example(time(22), time(2, 30), NEW_YORK, datetime(2026, 3, 8, 4, 0, tzinfo=UTC))
def test_what_waits_waits_until_it_is_quiet_no_more_and_never_longer_than_a_day(
    begin, end, zone, at
):
    # The hour that a spring night leaves out could be all the time that is not quiet.
    assume(loud(begin, end) >= timedelta(hours=2))
    hours = QuietHours(begin, end, zone)
    until = hours.until(at)

    assert at <= until <= at + DAY
    assert not is_quiet(hours, until)
    assert (until == at) == (not is_quiet(hours, at))
    assert hours.until(until) == until


@given(CLOCKS, CLOCKS, MOMENTS)
def test_without_a_clock_that_is_turned_the_end_is_what_the_clock_says(begin, end, at):
    assume(begin != end)
    hours = QuietHours(begin, end, "UTC")
    until = hours.until(at)

    if is_quiet(hours, at):
        assert until.time() == end
        assert timedelta(0) < until - at < DAY
    else:
        assert until == at
