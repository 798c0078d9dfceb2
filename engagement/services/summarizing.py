"""Summing up the rollups of a period, for reports and charts."""

from __future__ import annotations

from engagement.domain.organizations.organization import Organization
from engagement.domain.reports.period import Period
from engagement.domain.reports.rollup import ORGANIZATION, Group, GroupKind, Rollup, total
from engagement.domain.reports.summary import Summary, summarize
from engagement.storage.rollups import Rollups


class Summarizing:
    """Reads KPIs of periods; what they are made of is rolled up by a timer."""

    def __init__(self, rollups: Rollups) -> None:
        self.rollups = rollups

    async def summarize(
        self,
        organization: Organization,
        period: Period,
        group: Group = ORGANIZATION,
        group_by: GroupKind | None = None,
    ) -> Summary:
        """Return what became of a period, of one group; with *group_by* also of each of a kind."""
        first, last = period.first, period.last
        days = {
            on: rollup
            async for on, _, rollup in self.rollups.period(
                organization.key, group.kind, first, last, group
            )
        }
        groups: dict[Group, Rollup] = {}
        if group_by is not None:
            # One at a time: of as many days as there are, only the sums are kept.
            async for _, each, rollup in self.rollups.period(
                organization.key, group_by, first, last
            ):
                groups[each] = total([groups[each], rollup]) if each in groups else rollup
        return summarize(period, days, groups)
