"""Recommending when a message should arrive."""

from __future__ import annotations

import asyncio
from datetime import datetime

from engagement.domain.delivery.delivery_plan import DeliveryPlan, plan_delivery
from engagement.domain.delivery.delivery_wish import DeliveryWish
from engagement.domain.organizations.organization import Organization
from engagement.storage.people import People
from engagement.storage.settings import SettingsRows


class Advising:
    """Puts together what is known of the recipients and of the organization's hours."""

    def __init__(self, people: People, settings: SettingsRows) -> None:
        self.people = people
        self.settings = settings

    async def plan(
        self, organization: Organization, wish: DeliveryWish, now: datetime
    ) -> DeliveryPlan:
        """Return the best time for a message to these recipients."""
        settings, _ = await self.settings.read(organization.key)
        traces = await asyncio.gather(
            *(self.people.read(organization.key, x.email) for x in wish.recipients)
        )
        # Calendars and zones are made when they are first asked for; nobody else waits for that.
        return await asyncio.to_thread(plan_delivery, wish, traces, settings.delivery_time, now)
