"""Timer triggers: NCRONTAB schedules in UTC, and the loop that keeps to them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum
from cronsim import CronSim, CronSimError

Fire = Callable[[Datum, Mapping[str, Datum]], Awaitable[bool]]

#: A run that starts later than this is past due.
TOLERANCE = timedelta(seconds=1)
# A machine that slept comes back within one nap: sleeping by the monotonic
# clock alone would be late by the whole time that the machine slept.
LONGEST_NAP = timedelta(seconds=30)


def simulation(expression: str, after: datetime) -> CronSim:
    """Read an expression of six fields, seconds first, as NCRONTAB does."""
    if len(expression.split()) != 6:
        raise ValueError(f"The schedule {expression!r} must have six fields, seconds first.")
    # Both read DEC and TUE; L, W, # and 7 for Sunday are cron's, not NCRONTAB's.
    day, weekday = expression.upper().split()[3::2]
    if "L" in day or "#" in weekday or "L" in weekday or "7" in weekday:
        raise ValueError(f"The schedule {expression!r} is not NCRONTAB.")
    try:
        found = CronSim(expression, after.astimezone(UTC))
    except CronSimError as error:
        raise ValueError(f"The schedule {expression!r} is wrong: {error}.") from error
    # Where day and weekday are both given, cron takes either and NCRONTAB wants both.
    found.day_and = True
    return found


def next_occurrence(expression: str, after: datetime) -> datetime:
    """Give the first occurrence later than `after`, in UTC."""
    try:
        return next(simulation(expression, after))
    except StopIteration:
        raise ValueError(f"The schedule {expression!r} never occurs.") from None


def check(expression: str) -> None:
    """Raise ValueError for a schedule that cannot be kept."""
    next_occurrence(expression, datetime(2000, 1, 1, tzinfo=UTC))


def timer_datum(due: datetime, now: datetime, following: datetime) -> Datum:
    """Tell a timer function about its run in the real host's words."""
    status = {
        "Last": due.isoformat(),
        "Next": following.isoformat(),
        "LastUpdated": now.isoformat(),
    }
    info = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status,
        "IsPastDue": now - due > TOLERANCE,
    }
    return Datum(json.dumps(info), "json")


async def sleep_until(due: datetime, clock: Callable[[], datetime]) -> None:
    """Wait for a moment of the wall clock."""
    while (left := due - clock()) > timedelta():  # noqa: ASYNC110  a clock has no event
        await asyncio.sleep(min(left, LONGEST_NAP).total_seconds())


def utc_now() -> datetime:
    """Give the present moment."""
    return datetime.now(UTC)


async def run(
    expression: str,
    fire: Fire,
    *,
    on_startup: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Run a timer for ever, never twice at once; missed runs collapse into one."""
    due = clock() if on_startup else next_occurrence(expression, clock())
    while True:
        await sleep_until(due, clock)
        now = clock()
        following = next_occurrence(expression, max(due, now))
        await fire(timer_datum(due, now, following), {})
        due = max(following, next_occurrence(expression, clock()))
