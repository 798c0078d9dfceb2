"""Working out what messages that changed add to each day."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from engagement import telemetry
from engagement.domain.messages.message import Status, status_at
from engagement.domain.reports.contribution import Contribution, contributions
from engagement.errors import ConflictError, NotFoundError, StorageError
from engagement.services.contending import all_of
from engagement.storage.contributions import Contributions, Days, digest_of
from engagement.storage.histories import History
from engagement.storage.markers import Markers

#: Brings what else is known of a message up to date, and returns what it read for that:
#: organization's key, message id.
Project = Callable[[str, str], Awaitable[History]]

#: Messages that are worked out at the same time.
AT_ONCE = 16
#: Seconds between tries when somebody else works the same message out at the same time.
PAUSES = (0.1, 0.4, 1.6)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one message adds to each day, about to be written."""

    days: Days
    contributions: Mapping[date, Contribution]

    @property
    def changes(self) -> list[tuple[date, str, Contribution | None]]:
        """Every day that it adds to now, or did before."""
        message_id = self.days.message_id
        return [(on, message_id, self.contributions.get(on)) for on in sorted(self.days.days)]


class Contributing:
    """Replaces what messages add to days, and marks these days."""

    def __init__(
        self,
        contributions: Contributions,
        markers: Markers,
        project: Project,
    ) -> None:
        self.contributions = contributions
        self.markers = markers
        self.project = project

    async def contribute(
        self,
        organization: str,
        message_ids: Collection[str],
        now: datetime,
        *,
        anew: bool = False,
    ) -> set[str]:
        """Work out what messages add; returns those to look at again, which change right now.

        With *anew* also what seems to be written already. It may stop anywhere and be repeated:
        the days are marked after everything that is added to them and before the message is noted
        as done.
        """
        unfinished: set[str] = set()
        for pause in (*PAUSES, None):
            message_ids = await self._contribute(
                organization, message_ids, now, unfinished, anew=anew
            )
            if not message_ids:
                return unfinished
            # What of theirs and what of ours is in the rows now, nobody can say.
            anew = True
            if pause is not None:
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        for name in message_ids:
            await self.contributions.unsettle(organization, name)
        return {*unfinished, *message_ids}

    async def _contribute(
        self,
        organization: str,
        message_ids: Collection[str],
        now: datetime,
        unfinished: set[str],
        *,
        anew: bool,
    ) -> list[str]:
        """Try once; returns the messages at which somebody else is too."""
        limit, lost = asyncio.Semaphore(AT_ONCE), []

        async def prepare(message_id: str) -> Prepared | None:
            async with limit:
                try:
                    return await self._prepare(organization, message_id, now, unfinished, anew=anew)
                except ConflictError:
                    lost.append(message_id)
                except (StorageError, NotFoundError):
                    raise
                except Exception:
                    # One message that cannot be worked out must not hold up all the others.
                    telemetry.exception(
                        "counting_failed", organization=organization, message=message_id
                    )
                    unfinished.add(message_id)
                return None

        async def settle(prepared: Prepared) -> None:
            async with limit:
                try:
                    await self.contributions.write_days(
                        organization,
                        prepared.days,
                        prepared.contributions,
                        digest_of(prepared.contributions),
                    )
                except ConflictError:
                    lost.append(prepared.days.message_id)

        prepared = [x for x in await all_of(prepare(name) for name in message_ids) if x is not None]
        changes = [change for x in prepared for change in x.changes]
        await self.contributions.write(organization, changes)
        await self.markers.mark_days(organization, {on for on, _, _ in changes})
        await all_of(settle(x) for x in prepared)
        return lost

    async def _prepare(
        self,
        organization: str,
        message_id: str,
        now: datetime,
        unfinished: set[str],
        *,
        anew: bool,
    ) -> Prepared | None:
        """Work out what a message adds and note the days; None if that is what is stored."""
        # Before the facts: whoever has older ones does not get through.
        known = await self.contributions.read_days(organization, message_id)
        history = await self.project(organization, message_id)
        found = _contributions(history, now, unfinished)
        settled = known.digest == digest_of(found) and known.days == found.keys()
        if (settled and not anew) or not (found or known.etag):
            return None
        days = await self.contributions.write_days(
            organization, known, known.days | found.keys(), ""
        )
        return Prepared(days, found)


def _contributions(
    history: History, now: datetime, unfinished: set[str]
) -> dict[date, Contribution]:
    """Return what a message adds; what one that is gone has added goes too."""
    message = history.message
    if message is None or message.status is Status.DRAFT:
        return {}
    if status_at(message, now) is Status.SENDING:
        unfinished.add(message.id)
    return contributions(message, history.facts, now)
