"""When a message should arrive: in the working hours of those who are to read it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from fractions import Fraction
from functools import reduce
from itertools import accumulate

from engagement.domain.delivery.habit import Habit
from engagement.domain.delivery.public_holiday import holiday_on
from engagement.domain.delivery.working_hours import WorkingHours

#: How far ahead a time is looked for that suits several people.
TOGETHER = timedelta(days=14)
#: For one person there is always a working day, also of those who work on one day a week.
ALONE = timedelta(days=35)
#: After so long the hours of the week come again: waiting longer reaches hardly anybody else.
COMPROMISE = timedelta(days=7)
#: Further than any holidays last: the hours before and behind, which distances are measured to.
AROUND = timedelta(days=7)

#: How long before the end of working hours a message has to be there to be read that day.
LAST_MOMENT = timedelta(minutes=5)

#: Hours of the day begin at these minutes of UTC wherever one lives.
QUARTER = timedelta(minutes=15)
#: An hour is preferred from so many acts on, and if it has so many times those of the first hour.
CLEAR_ACTS = 3
CLEAR_RATIO = 2


class Choice(StrEnum):
    """How the time was chosen."""

    #: everybody is at work at the earliest time that is wished
    AT_ONCE = "at_once"
    #: the first time at which everybody is
    NEXT = "next"
    #: a later hour of that day, in which they usually open and answer
    HABIT = "habit"
    #: there is no such time
    COMPROMISE = "compromise"


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's working hours on one day, in UTC, without their end."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When somebody works, by the clock on the wall."""

    zone: tzinfo
    #: with its days
    hours: WorkingHours
    #: str or None, whose public holidays are free; None for nobody's
    country: str | None = None
    region: str | None = None

    def holiday(self, day: date) -> str | None:
        """Return the name of the public holiday on a day of the week that is worked on."""
        if self.country is None or day.weekday() not in (self.hours.days or ()):
            return None
        return holiday_on(self.country, self.region, day)

    def works_on(self, day: date) -> bool:
        """Whether *day* is a working day."""
        return day.weekday() in (self.hours.days or ()) and self.holiday(day) is None

    def shifts(self, since: datetime, until: datetime) -> list[Shift]:
        """Return the working hours of all days from *since* to *until*, in order."""
        first = since.astimezone(self.zone).date()
        days = (until.astimezone(self.zone).date() - first).days + 1
        found = (self._shift(first + timedelta(days=number)) for number in range(days))
        return [shift for shift in found if shift is not None]

    def is_open(self, at: datetime) -> bool:
        """Whether *at* is in the working hours."""
        return any(x.begin <= at < x.end for x in self.shifts(at, at))

    def _shift(self, day: date) -> Shift | None:
        if not self.works_on(day):
            return None
        # An hour that the clock shows twice, or leaves out, can be read in two ways: what lies
        # between the later beginning and the earlier end is inside by every clock.
        begin = max(self._moments(day, self.hours.begin))
        end = min(self._moments(day, self.hours.end))
        return Shift(begin, end) if begin < end else None

    def _moments(self, day: date, clock: time) -> list[datetime]:
        return [
            datetime.combine(day, clock.replace(fold=fold), self.zone).astimezone(UTC)
            for fold in (0, 1)
        ]


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever is to read the message."""

    calendar: Calendar
    #: Habit or None, when there is not enough to tell
    habit: Habit | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """When to send, and how that was found."""

    #: datetime, aware UTC
    send_at: datetime
    choice: Choice
    #: whether sending at once, too, reaches everybody in working hours
    now_is_good: bool
    #: for each person, whether *send_at* is in the working hours
    inside: tuple[bool, ...]


def advise(people: Sequence[Person], now: datetime, not_before: datetime) -> Advice:
    """Return the best time from *not_before* on, which is no earlier than *now*.

    That is the first one in everybody's working hours, or an hour later that day in which they
    clearly act more. If there is none within two weeks: one within a week that suits as many as
    possible, of these the one that is nearest to the hours of the others, of these the first.
    """
    reach = not_before + (ALONE if len(people) == 1 else TOGETHER)
    shifts = [x.calendar.shifts(not_before - AROUND, reach + AROUND) for x in people]
    common = reduce(_intersection, shifts)
    first = next((x for x in common if x.end > not_before and x.begin < reach), None)
    if first is None:
        at, choice = _compromise(shifts, not_before), Choice.COMPROMISE
    else:
        earliest = max(first.begin, not_before)
        at = _favourite(people, earliest, first.end)
        choice = Choice.NEXT if earliest > not_before else Choice.AT_ONCE
        if at > earliest:
            choice = Choice.HABIT
    return Advice(
        send_at=at,
        choice=choice,
        now_is_good=not_before == now and all(_is_inside(x, now) for x in shifts),
        inside=tuple(_is_inside(x, at) for x in shifts),
    )


def _intersection(one: list[Shift], other: list[Shift]) -> list[Shift]:
    """Return the times that are in both."""
    if one == other:
        return one
    found, left, right = [], 0, 0
    while left < len(one) and right < len(other):
        begin = max(one[left].begin, other[right].begin)
        end = min(one[left].end, other[right].end)
        if begin < end:
            found.append(Shift(begin, end))
        if one[left].end < other[right].end:
            left += 1
        else:
            right += 1
    return found


def _favourite(people: Sequence[Person], earliest: datetime, end: datetime) -> datetime:
    """Return the time until *end* at which people act most, *earliest* if none is clearly better.

    Everybody's habit weighs the same, however many acts tell of it.
    """
    known = [x for x in people if x.habit is not None]
    if not known:
        return earliest
    best, best_share = earliest, _share(known, earliest)[0] * CLEAR_RATIO
    at = _next_quarter(earliest)
    while at < end:
        share, acts = _share(known, at)
        clear = share >= best_share if best == earliest else share > best_share
        if acts >= CLEAR_ACTS and clear:
            best, best_share = at, share
        at += QUARTER
    return best


def _share(people: Sequence[Person], at: datetime) -> tuple[Fraction, int]:
    """Return the shares of people's acts that fall into the hour of *at*, and their number."""
    share, acts = Fraction(0), 0
    for person in people:
        if person.habit is not None:
            count = person.habit.hours.get(at.astimezone(person.calendar.zone).hour, 0)
            share += Fraction(count, person.habit.act_count)
            acts += count
    return share, acts


def _next_quarter(at: datetime) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((at - midnight) // QUARTER + 1) * QUARTER


def _compromise(shifts: Sequence[list[Shift]], not_before: datetime) -> datetime:
    """Return the time that suits most; the distance to a shift is least at the ends of others."""
    groups = Counter(tuple(x) for x in shifts)
    reach = not_before + COMPROMISE
    ends = {
        moment
        for group in groups
        for shift in group
        for moment in (shift.begin, shift.end - LAST_MOMENT)
        if not_before < moment < reach
    }
    times = [not_before, *sorted(ends)]
    suited = _suited(groups, times)
    most = max(suited)

    def distance(at: datetime) -> timedelta:
        return sum((people * _distance(x, at) for x, people in groups.items() if x), timedelta(0))

    # The first of several, as they come in order.
    return min(
        (at for at, number in zip(times, suited, strict=True) if number == most), key=distance
    )


def _suited(groups: Mapping[tuple[Shift, ...], int], times: Sequence[datetime]) -> list[int]:
    """Return how many people are at work at each of the *times*."""
    changes: Counter[datetime] = Counter()
    for shifts, people in groups.items():
        for shift in shifts:
            changes[shift.begin] += people
            changes[shift.end] -= people
    moments = sorted(changes)
    present = [0, *accumulate(changes[moment] for moment in moments)]
    return [present[bisect_right(moments, at)] for at in times]


def _is_inside(shifts: Sequence[Shift], at: datetime) -> bool:
    return bool(shifts) and not _distance(shifts, at)


def _distance(shifts: Sequence[Shift], at: datetime) -> timedelta:
    """Return how far *at* is from the nearest of the *shifts*, of which there is one at least."""
    behind = bisect_right(shifts, at, key=lambda shift: shift.begin)
    away = [shifts[behind].begin - at] if behind < len(shifts) else []
    if behind:
        # The end itself is outside, by as little as can be.
        ended = shifts[behind - 1].end
        away.append(at - ended + timedelta.resolution if at >= ended else timedelta(0))
    return min(away)
