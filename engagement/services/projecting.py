"""Keeping the lists in step with the messages: rows are worked out again and replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from engagement import telemetry
from engagement.domain.reports.listed import Listed, listed_of
from engagement.domain.verdicts.kpi import count
from engagement.errors import ConflictError, EngagementError, NotFoundError
from engagement.services.contending import all_of, insist
from engagement.storage.histories import Histories, History
from engagement.storage.interactions import Interactions
from engagement.storage.listings import Listings, Place, places_of
from engagement.storage.markers import Markers
from engagement.storage.messages import Messages
from engagement.storage.summaries import Summaries, Summary

#: Seconds between tries when somebody else does the same at the same time.
PAUSES = (0.05, 0.1, 0.2, 0.4)
#: Seconds that whoever changed a message waits for the lists.
LONGEST_WAIT = 10.0


#: Told of what changed in a message: organization's key, what was known before, and is now.
Tell = Callable[[str, Listed | None, Listed | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Projected:
    """What the lists said of a message before, and say now; None where they do not know it."""

    before: Listed | None
    after: Listed | None
    #: History, what they were worked out from
    history: History


class Projecting:
    """Makes the rows of lists agree with their messages; again, or twice at once, is as once.

    A row is written only if it is as it was before the message was read, so that nobody replaces
    it by something older. What is going to be written is noted first, so that whoever comes after
    a crash knows which rows to look at.
    """

    def __init__(
        self,
        messages: Messages,
        interactions: Interactions,
        summaries: Summaries,
        listings: Listings,
        markers: Markers,
        tell: Tell,
    ) -> None:
        self.messages = messages
        self.interactions = interactions
        self.histories = Histories(messages, interactions)
        self.summaries = summaries
        self.listings = listings
        self.markers = markers
        self.tell = tell

    @asynccontextmanager
    async def change(self, organization: str, message_id: str) -> AsyncIterator[None]:
        """Mark a message, have it changed, and bring the lists in step with it.

        Raises StorageError if it cannot be marked; after the change nothing is raised any more, as
        what is left undone is made up for by whoever reads the markers.
        """
        await self.markers.mark(organization, message_id)
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(LONGEST_WAIT):
                    await self.project(organization, message_id)
            except (EngagementError, TimeoutError) as error:
                telemetry.warning(
                    "lists_lag",
                    organization=organization,
                    message=message_id,
                    error=type(error).__name__,
                )

    async def project(self, organization: str, message_id: str) -> Projected:
        """Bring the lists in step with a message, which may be gone; returns what changed in them.

        Of several who do so at the same time each change is returned to one. Raises ConflictError
        if others go on changing it, StorageError.
        """
        return await self._agree(organization, message_id, kept=True)

    async def forget(self, organization: str, message_id: str) -> Projected:
        """Remove a message from the lists, before its partition is deleted; raises likewise."""
        return await self._agree(organization, message_id, kept=False)

    async def _agree(self, organization: str, message_id: str, *, kept: bool) -> Projected:
        tried: set[Place] = set()

        async def once() -> Projected:
            try:
                return await self._try(organization, message_id, tried, kept=kept)
            except NotFoundError as error:
                raise ConflictError("Somebody else changed this at the same time.") from error

        return await insist(once, PAUSES)

    async def _try(
        self, organization: str, message_id: str, tried: set[Place], *, kept: bool
    ) -> Projected:
        """Try once; *tried* are the places that earlier tries may have written to."""
        summary = await self.summaries.read(organization, message_id)
        rows = dict(summary.rows)
        if tried or not summary.settled:
            # Before the message is read: a row that is written later holds what is newer.
            rows = await self._versions(organization, tried | rows.keys())
        history = await self.histories.read(organization, message_id) if kept else History()
        listed, wanted = _wanted(history)
        done = Projected(summary.listed, listed, history)
        if summary.settled and not tried and listed == summary.listed and wanted == rows.keys():
            return done
        if listed is None and not summary.etag and not any(rows.values()):
            return done
        places = dict.fromkeys(sorted(wanted | rows.keys()), "")
        if places:
            noted = replace(summary, rows=places, settled=False)
            summary = await self.summaries.write(organization, noted)
            tried |= wanted
        written: dict[Place, str] = {}
        if listed is not None:
            written = await self._write(organization, listed, wanted, rows)
        gone = [(place, rows[place]) for place in rows.keys() - wanted if rows[place]]
        await all_of(self.listings.remove(organization, *row) for row in gone)
        # Before it is settled: whoever is killed in between finds the same and tells it again.
        await self.tell(organization, done.before, done.after)
        await self._settle(organization, replace(summary, listed=listed, rows=written))
        return done

    async def _versions(self, organization: str, places: Iterable[Place]) -> dict[Place, str]:
        named = list(places)
        return dict(
            zip(
                named,
                await all_of(self.listings.etag(organization, place) for place in named),
                strict=True,
            )
        )

    async def _write(
        self, organization: str, listed: Listed, wanted: set[Place], rows: dict[Place, str]
    ) -> dict[Place, str]:
        named = sorted(wanted)
        works = (
            self.listings.write(organization, place, listed, rows.get(place, "")) for place in named
        )
        return dict(zip(named, await all_of(works), strict=True))

    async def _settle(self, organization: str, summary: Summary) -> None:
        if summary.listed is None:
            await self.summaries.remove(organization, summary)
        else:
            await self.summaries.write(organization, replace(summary, settled=True))


def _wanted(history: History) -> tuple[Listed | None, set[Place]]:
    """Return what the lists should say of a message, and where."""
    if history.message is None:
        return None, set()
    listed = listed_of(history.message, count(history.facts))
    return listed, places_of(history.message, listed)
