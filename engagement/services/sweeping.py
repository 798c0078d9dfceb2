"""Repairing what a crash left behind: half-deleted organizations, blobs that no row names."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from engagement.domain.organization import Organization, State
from engagement.errors import NotFoundError
from engagement.services.administering import Administering
from engagement.storage.blobs import Blobs
from engagement.storage.messages import Messages
from engagement.storage.organizations import Organizations

logger = logging.getLogger(__name__)

#: A blob is written before the row that names it; after so long that row is not coming.
GRACE = timedelta(hours=1)
#: Days that are looked at again, for sweeps that did not run.
DAYS = 3


class Sweeping:
    """What the sweep timer does; it may run late, twice, or stop half-way."""

    def __init__(
        self,
        organizations: Organizations,
        administering: Administering,
        messages: Messages,
        blobs: Blobs,
    ) -> None:
        self.organizations = organizations
        self.administering = administering
        self.messages = messages
        self.blobs = blobs

    async def sweep(self, now: datetime) -> int:
        """Sweep all organizations, whichever of them fail, and return how many blobs went."""
        deleted = 0
        async for organization in self.organizations.all():
            try:
                deleted += await self._organization(organization, now)
            except Exception:
                logger.exception("sweep of an organization failed")
        logger.info("sweep done", extra={"blobs_deleted": deleted})
        return deleted

    async def _organization(self, organization: Organization, now: datetime) -> int:
        if organization.state is State.DELETING:
            await self.administering.delete(organization.id)
            return 0
        if organization.state is State.CREATING:
            return 0
        deleted = 0
        for age in range(DAYS):
            deleted += await self._day(organization, now - timedelta(days=age), now - GRACE)
        return deleted

    async def _day(self, organization: Organization, day: datetime, before: datetime) -> int:
        by_message: defaultdict[str, set[str]] = defaultdict(set)
        async for blob in self.blobs.list_day(organization.key, day):
            if blob.created_at < before:
                by_message[blob.message_id].add(blob.name)
        deleted = 0
        for message_id, names in by_message.items():
            for name in names - await self._named(organization, message_id):
                await self.blobs.delete(organization.key, name)
                deleted += 1
        return deleted

    async def _named(self, organization: Organization, message_id: str) -> set[str]:
        try:
            message = await self.messages.read(organization.key, message_id)
        except NotFoundError:
            return set()
        return {message.content_blob, *(item.blob for item in message.attachments)}
