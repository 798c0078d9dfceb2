"""Listing messages: all followed emails, and the activities of records."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from engagement.domain.continuation import continuation_of, position_of
from engagement.domain.messages.follow import FollowState
from engagement.domain.organizations.organization import Organization
from engagement.domain.reports.listed import Listed
from engagement.domain.reports.selection import RecordKey, Selection
from engagement.errors import InvalidRequestError, UnprocessableError
from engagement.storage.listings import (
    Listings,
    partition_of,
    partition_of_record,
)
from engagement.storage.queries import LARGEST_PAGE
from engagement.storage.settings import SettingsRows

#: Most rows that one page of a filtered list looks at; it may be short, and still go on.
MOST_LOOKED_AT = 5_000
#: Most messages that are sorted by another column than the time, and that are exported.
MOST_SORTED = 10_000
MOST_EXPORTED = 50_000

KEY = re.compile(r"[0-9]{13}-[0-9a-f]{24}")

Page = tuple[list[Listed], str | None]


class Listing:
    """What people look through to find a message."""

    def __init__(self, listings: Listings, settings: SettingsRows) -> None:
        self.listings = listings
        self.settings = settings

    async def page(
        self,
        organization: Organization,
        selection: Selection,
        now: datetime,
        *,
        continuation: str,
        size: int,
    ) -> Page:
        """Return a page of what is selected, and what it ends with, None for the last.

        *continuation* is "" or what the page before ended with. Raises InvalidRequestError for one
        of another list, UnprocessableError if too much would have to be sorted.
        """
        scope = f"{organization.key}\0messages\0{selection.scope}"
        position = position_of(continuation, scope) if continuation else None
        if selection.by_key:
            found, end = await self._newest(organization, selection, _key(position), size)
            return found, continuation_of(end, scope) if end else None
        rows = await self._sorted(organization, selection.within_a_period(now))
        if position is not None:
            last = selection.read_rank(position)
            rows = [row for row in rows if selection.behind(row, last)]
        page = rows[:size]
        more = len(rows) > size
        return page, continuation_of(selection.rank(page[-1]), scope) if more else None

    async def export(
        self, organization: Organization, selection: Selection, now: datetime
    ) -> list[Listed]:
        """Return all that is selected; raises UnprocessableError if that is too much."""
        if selection.by_key:
            return await self._all(organization, selection, MOST_EXPORTED)
        return await self._sorted(organization, selection.within_a_period(now))

    async def activities(
        self,
        organization: Organization,
        records: Sequence[RecordKey],
        *,
        continuation: str,
        size: int,
    ) -> Page:
        """Return a page of the messages of any of *records*, each once, newest first.

        Raises InvalidRequestError for a continuation of other records.
        """
        scope = f"{organization.key}\0activities\0{records}"
        after = _key(position_of(continuation, scope) if continuation else None)
        pages = await asyncio.gather(
            *(
                self.listings.page(
                    organization.key, partition_of_record(record), after=after, size=size + 1
                )
                for record in dict.fromkeys(records)
            )
        )
        settings, _ = await self.settings.read(organization.key)
        # One that is being moved may stand twice for a moment: its newest place counts.
        rows = {row.message_id: row for row in sorted(chain(*pages), key=_key_of, reverse=True)}
        found = sorted(rows.values(), key=_key_of)
        page = found[:size]
        end = continuation_of(page[-1].key, scope) if len(found) > size else None
        if not settings.follow_enabled:
            page = [_switched_off(row) for row in page]
        return page, end

    async def _newest(
        self, organization: Organization, selection: Selection, after: str, size: int
    ) -> tuple[list[Listed], str | None]:
        """Return up to *size* rows in the order in which they stand, and behind which to go on."""
        above, below = selection.keys()
        after = max(after, above)
        chunk = size + 1 if selection.whole else LARGEST_PAGE
        found: list[Listed] = []
        for _ in range(MOST_LOOKED_AT // LARGEST_PAGE):
            rows = await self.listings.page(
                organization.key, partition_of(selection), after=after, end=below, size=chunk
            )
            found += [row for row in rows if selection.wants(row)]
            if len(found) > size:
                return found[:size], found[size - 1].key
            if len(rows) < chunk:
                return found, None
            after = rows[-1].key
        return found, after

    async def _sorted(self, organization: Organization, selection: Selection) -> list[Listed]:
        return selection.sorted(await self._all(organization, selection, MOST_SORTED))

    async def _all(
        self, organization: Organization, selection: Selection, most: int
    ) -> list[Listed]:
        after, below = selection.keys()
        rows = await self.listings.page(
            organization.key, partition_of(selection), after=after, end=below, size=most + 1
        )
        if len(rows) > most:
            raise UnprocessableError(
                f"There are more than {most} messages; a shorter period is needed.", "from"
            )
        return [row for row in rows if selection.wants(row)]


def _key(position: object) -> str:
    if position is None:
        return ""
    if not isinstance(position, str) or not KEY.fullmatch(position):
        raise InvalidRequestError("This is not what a page ended with.", "continuation")
    return position


def _key_of(row: Listed) -> str:
    return row.key


def _switched_off(row: Listed) -> Listed:
    return row if row.went_out else replace(row, follow_state=FollowState.DISABLED)
