"""Timer triggers: NCRONTAB schedules in UTC, and the loop that keeps to them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum
from cronsim import CronSim, CronSimError

Fire = Callable[[Datum, Mapping[str, Datum]], Awaitable[object]]

#: A run that starts later than this is past due.
TOLERANCE = timedelta(seconds=1)
# A machine that slept comes back within one nap: sleeping by the monotonic
# clock alone would be late by the whole time that the machine slept.
LONGEST_NAP = timedelta(seconds=30)


def next_occurrence(expression: str, after: datetime) -> datetime:
    """Give the first occurrence later than `after`, in UTC; ValueError where none can be."""
    fields = expression.upper().split()
    # L, # and 7 for Sunday are cron's, not NCRONTAB's; a day field may well hold a 7.
    if len(fields) != 6 or "L" in fields[3] or set("L#7") & set(fields[5]):
        raise ValueError(f"The schedule {expression!r} is not NCRONTAB of six fields.")
    try:
        found = CronSim(expression, after.astimezone(UTC))
        # Where day and weekday are both given, cron takes either and NCRONTAB wants both.
        found.day_and = True
        return next(found)
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"The schedule {expression!r} never occurs: {error}") from error


def timer_datum(due: datetime, now: datetime, following: datetime) -> Datum:
    """Tell a timer function about its run in the real host's words."""
    times = {"Last": due, "Next": following, "LastUpdated": now}
    info = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": {name: at.isoformat() for name, at in times.items()},
        "IsPastDue": now - due > TOLERANCE,
    }
    return Datum(json.dumps(info), "json")


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
        while (left := due - clock()) > timedelta():  # noqa: ASYNC110  a clock has no event
            await asyncio.sleep(min(left, LONGEST_NAP).total_seconds())
        now = clock()
        await fire(timer_datum(due, now, next_occurrence(expression, max(due, now))), {})
        due = next_occurrence(expression, max(due, clock()))
