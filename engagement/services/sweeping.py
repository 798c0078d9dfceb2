"""Clearing away what a crash left behind, old alerts, and webhooks that nobody took in time."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from engagement import telemetry
from engagement.domain.alerts.alert import KEPT as ALERTS_KEPT
from engagement.domain.organizations.organization import Organization, State
from engagement.domain.webhooks.webhook import KEPT
from engagement.errors import NotFoundError, StoreMissingError
from engagement.services.administering import Administering
from engagement.storage.alerts import Alerts
from engagement.storage.blobs import Blobs
from engagement.storage.dead_webhooks import DeadLetters
from engagement.storage.messages import Messages
from engagement.storage.templates import Templates

#: A blob is written before the row that names it; after so long that row is not coming.
GRACE = timedelta(hours=1)
#: Age up to which every run looks at blobs: a run that is late or fails leaves them to the next.
RECENT = timedelta(hours=3)
#: Age up to which the run of one hour of the day (UTC) looks, for the runs that did not happen.
THOROUGH, THOROUGH_HOUR = timedelta(days=3), 3


class Sweeping:
    """What the sweep timer does; it may run late, twice, or stop half-way."""

    def __init__(
        self,
        administering: Administering,
        messages: Messages,
        templates: Templates,
        blobs: Blobs,
        dead_letters: DeadLetters,
        alerts: Alerts,
    ) -> None:
        self.organizations = administering.organizations
        self.administering = administering
        self.messages = messages
        self.templates = templates
        self.blobs = blobs
        self.dead_letters = dead_letters
        self.alerts = alerts

    async def sweep(self, now: datetime) -> int:
        """Sweep all organizations, whichever of them fail, and return how many blobs went."""
        deleted = 0
        async for organization in self.organizations.all():
            try:
                deleted += await self._organization(organization, now)
            except Exception:
                telemetry.exception("sweep_failed", organization=organization.key)
        telemetry.info("swept", blobs_deleted=deleted)
        return deleted

    async def _organization(self, organization: Organization, now: datetime) -> int:
        if organization.state is State.DELETING:
            # By what was listed and not by its id, which may be another organization's by now.
            await self.administering.finish_deleting(organization)
            return 0
        if organization.state is State.CREATING:
            return 0
        if now.hour == THOROUGH_HOUR:
            await self.dead_letters.remove_before(organization.key, now - KEPT)
            await self.alerts.remove_before(organization.key, now - ALERTS_KEPT)
        since, until = window(now)
        deleted = await self._templates(organization, (since, until))
        for age in range((until.date() - since.date()).days + 1):
            deleted += await self._day(organization, until - timedelta(days=age), (since, until))
        return deleted

    async def _templates(self, organization: Organization, made: tuple[datetime, datetime]) -> int:
        names = {
            blob.name
            async for blob in self.blobs.list_templates(organization.key)
            if made[0] <= blob.created_at < made[1]
        }
        if names:
            stored = await self.templates.read_all(organization.key)
            names -= {template.content_blob for template in stored if template.content_blob}
        for name in names:
            await self.blobs.delete(organization.key, name)
        return len(names)

    async def _day(
        self, organization: Organization, day: datetime, made: tuple[datetime, datetime]
    ) -> int:
        by_message: defaultdict[str, set[str]] = defaultdict(set)
        async for blob in self.blobs.list_day(organization.key, day):
            if made[0] <= blob.created_at < made[1]:
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
        except StoreMissingError:
            # The table may come back, and its messages need their blobs then.
            raise
        except NotFoundError:
            return set()
        return {message.content_blob, *(item.blob for item in message.attachments)}


def window(now: datetime) -> tuple[datetime, datetime]:
    """Return between which times the blobs were made that the run at *now* looks at.

    A message is read for each of them, so an hourly run looks only at those whose grace has just
    ended. Timers may be late or skipped: once a day a run looks at those of the last three days.
    """
    back = THOROUGH if now.hour == THOROUGH_HOUR else RECENT
    return now - back, now - GRACE
