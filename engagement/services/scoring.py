"""Scoring again: today's rules over everything that was kept."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from engagement.domain.organizations.organization import Organization
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import ConflictError, StorageError
from engagement.services.contending import all_of
from engagement.services.judging import Change, Judging
from engagement.storage.interactions import Interactions

#: Messages that are judged at the same time.
AT_ONCE = 8
#: Seconds after which a call ends, and says where to go on; Azure ends one after 230.
LONGEST_CALL = 60.0


@dataclass(frozen=True, slots=True)
class Report:
    """What scoring again did."""

    #: str, version of the rules
    rules: str
    message_count: int
    #: how many interactions changed from one verdict to another
    changes: dict[tuple[Verdict, Verdict], int]
    #: int, interactions whose verdict stayed while reasons, client or version changed
    restated_count: int
    #: str or None, where to go on; None when all is done
    continuation: str | None


class Scoring:
    """Judges an organization's whole history again."""

    def __init__(self, interactions: Interactions, judging: Judging) -> None:
        self.interactions = interactions
        self.judging = judging

    async def score(self, organization: Organization, now: datetime, *, after: str) -> Report:
        """Judge every message behind *after* ("" for all) again; a second time changes nothing."""
        rules = await self.judging.rules(organization.key)
        end = time.monotonic() + LONGEST_CALL
        count, changes = 0, Counter[tuple[Verdict, Verdict]]()
        done = False
        while not done:
            batch = await self.interactions.message_ids(organization.key, after=after, size=AT_ONCE)
            try:
                found = await self._judge(organization.key, batch, rules, now)
            except (StorageError, ConflictError):
                # What is done is done, and reported with the place to go on.
                if not count:
                    raise
                break
            changes.update((change.before, change.after) for change in found)
            count += len(batch)
            done = len(batch) < AT_ONCE
            after = batch[-1] if batch else after
            if time.monotonic() > end:
                break
        moved = {pair: number for pair, number in changes.items() if pair[0] is not pair[1]}
        return Report(
            rules=rules.version,
            message_count=count,
            changes=moved,
            restated_count=changes.total() - sum(moved.values()),
            continuation=None if done else after,
        )

    async def _judge(
        self, organization: str, message_ids: list[str], rules: RuleSet, now: datetime
    ) -> list[Change]:
        works = (
            self.judging.judge(organization, message_id, rules, now, history=True)
            for message_id in message_ids
        )
        return [change for changes in await all_of(works) for change in changes]
