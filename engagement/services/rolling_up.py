"""Rolling up: what changed is brought into the KPIs of days and the totals of templates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engagement import telemetry
from engagement.domain.organizations.organization import Organization, State
from engagement.domain.reports.cohort import TemplateTotals
from engagement.domain.reports.contribution import roll_up
from engagement.domain.reports.rollup import (
    ORGANIZATION,
    Group,
    GroupKind,
    Rollup,
    bounded,
    most_frequent,
    total,
)
from engagement.errors import NotFoundError
from engagement.services.contending import insist
from engagement.services.contributing import PAUSES, Contributing
from engagement.storage.contributions import Contributions
from engagement.storage.markers import Marker, Markers
from engagement.storage.organizations import Organizations
from engagement.storage.rollups import Rollups
from engagement.storage.template_totals import TemplateTotalsRows

#: Age of a marker when it is worked off. Whoever sends sets it before the message says so, and a
#: request to the store may take its time; judgements of one minute are worked off together.
MARGIN = timedelta(minutes=2)
#: Messages that are worked out together.
BATCH = 100
#: Days that are rolled up before their templates' totals.
DAYS = 50
#: Organizations that have their turn at the same time, and seconds of a turn.
AT_ONCE, TURN_SECONDS = 8, 10.0
#: Seconds after which a call of the API ends, and says where to go on; Azure ends one after 230.
LONGEST_CALL = 60.0
#: Days that the totals of templates add up.
TOTALS_DAYS = 400


@dataclass(slots=True)
class Report:
    """What one run did."""

    message_count: int = 0
    day_count: int = 0
    failure_count: int = 0
    #: bool, whether something is left for the next run
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What recomputing a day did."""

    message_count: int
    rollup: Rollup
    #: str or None, where to go on; None when all is done
    continuation: str | None


class RollingUp:
    """What the timer of the rollups does; it may run late, twice at once, or stop half-way.

    What is not done is marked: messages that changed, then days that they add to. A marker goes
    last, when everything that follows from it is stored.
    """

    def __init__(
        self,
        organizations: Organizations,
        contributing: Contributing,
        contributions: Contributions,
        markers: Markers,
        rollups: Rollups,
        totals: TemplateTotalsRows,
    ) -> None:
        self.organizations = organizations
        self.contributing = contributing
        self.contributions = contributions
        self.markers = markers
        self.rollups = rollups
        self.totals = totals

    async def run(self, now: datetime, budget_seconds: float) -> Report:
        """Roll up what changed, whichever organizations fail, and stop when the time is over.

        However little time there is, something is done in it.
        """
        report, end = Report(), time.monotonic() + budget_seconds
        waiting = [x async for x in self.organizations.all() if x.state is State.ACTIVE]
        # Each run begins with others, so that none is always behind those with much to do.
        first = int(now.timestamp() // 60) * AT_ONCE % max(len(waiting), 1)
        waiting = [*waiting[first:], *waiting[:first]]
        while waiting and not report.unfinished:
            again: list[Organization] = []
            for start in range(0, len(waiting), AT_ONCE):
                report.unfinished = time.monotonic() > end and start > 0
                if report.unfinished:
                    break
                seconds = min(TURN_SECONDS, end - time.monotonic())
                turn = waiting[start : start + AT_ONCE]
                left = await asyncio.gather(*(self._turn(x, now, seconds, report) for x in turn))
                again += [x for x, more in zip(turn, left, strict=True) if more]
            report.unfinished |= bool(again) and time.monotonic() > end
            waiting = again
        if report.message_count or report.day_count:
            telemetry.info("rolled_up", messages=report.message_count, days=report.day_count)
        return report

    async def roll_up(
        self, organization: str, now: datetime, seconds: float, report: Report
    ) -> bool:
        """Roll up what changed in one organization (key); returns whether something is left.

        Half of the time is for messages and half for days, as a day is worth recomputing once many
        of its messages are there.
        """
        half, end = time.monotonic() + seconds / 2, time.monotonic() + seconds
        more = await self._messages(organization, now, report)
        while more and time.monotonic() < half:
            more = await self._messages(organization, now, report)
        more_days = await self._stale_days(organization, now, end, report)
        while more_days and time.monotonic() < end:
            more_days = await self._stale_days(organization, now, end, report)
        return more or more_days

    async def recompute(
        self, organization: Organization, on: date, now: datetime, *, after: str
    ) -> Recomputed:
        """Recompute a day from the interactions of its messages, behind *after* ("" for all)."""
        end, count = time.monotonic() + LONGEST_CALL, 0
        done = False
        while not done:
            ids = await self.contributions.message_ids(
                organization.key, on, after=after, size=BATCH
            )
            await self._contribute(organization.key, ids, now, anew=True)
            count += len(ids)
            done = len(ids) < BATCH
            after = ids[-1] if ids else after
            if time.monotonic() > end:
                break
        rollups = await self._day(organization.key, on)
        await self._totals(organization.key, rollups, now)
        rollup = rollups.get(ORGANIZATION, Rollup())
        return Recomputed(count, rollup, None if done else after)

    async def _turn(
        self, organization: Organization, now: datetime, seconds: float, report: Report
    ) -> bool:
        try:
            return await self.roll_up(organization.key, now, seconds, report)
        except NotFoundError:
            telemetry.info("roll_up_dropped", organization=organization.key)
        except Exception:
            telemetry.exception("roll_up_failed", organization=organization.key)
            report.failure_count += 1
        return False

    async def _messages(self, organization: str, now: datetime, report: Report) -> bool:
        """Work out what the messages add that changed first; returns whether there are more."""
        found = await self.markers.pending(organization, now - MARGIN, BATCH)
        names = {marker.message_id for marker in found}
        await self._contribute(organization, names, now)
        await self.markers.delete(organization, found)
        report.message_count += len(names)
        return len(found) == BATCH

    async def _contribute(
        self, organization: str, names: Collection[str], now: datetime, *, anew: bool = False
    ) -> None:
        unfinished = await self.contributing.contribute(organization, names, now, anew=anew)
        for name in unfinished:
            # Later again, without holding the others up.
            await self.markers.mark(organization, name)

    async def _stale_days(
        self, organization: str, now: datetime, end: float, report: Report
    ) -> bool:
        """Roll up days that something was added to; returns whether there are more."""
        found = await self.markers.stale_days(organization, DAYS)
        done: list[Marker] = []
        groups: set[Group] = set()
        for marker in found:
            groups |= set(await self._day(organization, marker.on))
            done.append(marker)
            if time.monotonic() > end:
                break
        await self._totals(organization, groups, now)
        await self.markers.delete(organization, done)
        report.day_count += len(done)
        return len(done) < len(found) or len(found) == DAYS

    async def _day(self, organization: str, on: date) -> dict[Group, Rollup]:
        """Recompute the rollups of a day from what messages add to it, and replace them.

        Returns them, those that vanished as zeros.
        """
        return await insist(lambda: self._replace(organization, on), PAUSES)

    async def _replace(self, organization: str, on: date) -> dict[Group, Rollup]:
        # Before what is added up: whoever has older summands does not get through.
        before = await self.rollups.read_day(organization, on)
        after: dict[Group, Rollup] = {}
        async for page in self.contributions.of_day(organization, on):
            after = roll_up(page, onto=after)
        after = {group: bounded(rollup) for group, rollup in after.items()}
        await self.rollups.replace_day(organization, before, after)
        return {**dict.fromkeys(before.rollups, Rollup()), **after}

    async def _totals(self, organization: str, groups: Iterable[Group], now: datetime) -> None:
        """Bring the totals of templates up to date, and of the whole, which they compare with."""
        for group in sorted(group for group in groups if group.kind is not GroupKind.SENDER):
            name = group.id if group.kind is GroupKind.TEMPLATE else None
            stored = await self.totals.read(organization, name)
            # Once more after each write, as somebody else may have written older ones in between.
            while (totals := await self._add_up(organization, group, now)) != stored:
                await self.totals.write(organization, name, totals)
                stored = totals

    async def _add_up(self, organization: str, group: Group, now: datetime) -> TemplateTotals:
        last = now.date() + timedelta(days=1)
        first = last - timedelta(days=TOTALS_DAYS)
        rollups = [
            rollup
            async for _, _, rollup in self.rollups.period(
                organization, group.kind, first, last, group
            )
        ]
        whole = total(rollups)
        return TemplateTotals(whole.cohort, most_frequent(whole.segments))
