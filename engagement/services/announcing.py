"""Announcing what became of messages to other systems, by webhooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from engagement.domain.messages.message import Message
from engagement.domain.messages.reminder import Reminder
from engagement.domain.reports.listed import Listed
from engagement.domain.webhooks.milestone import due_event, milestones, reminder_event
from engagement.services.notifying import Notifying


class Announcing:
    """Emits events; whoever is killed in between announces them again, under the same ids.

    Raises StorageError where an event cannot be queued; *clock* tells the time, aware UTC.
    """

    def __init__(self, notifying: Notifying, clock: Callable[[], datetime]) -> None:
        self.notifying = notifying
        self.clock = clock

    async def change(self, organization: str, before: Listed | None, after: Listed | None) -> None:
        """Announce what led from what was known of a message to what is known now."""
        for event in milestones(organization, before, after, self.clock()):
            await self.notifying.emit(organization, event)

    async def due(self, organization: str, message: Message) -> None:
        """Announce that the CRM is to send a message now."""
        event = due_event(organization, message, self.clock())
        await self.notifying.emit(organization, event)

    async def reminder(self, organization: str, message: Message, reminder: Reminder) -> None:
        """Announce a reminder that was triggered."""
        await self.notifying.emit(organization, reminder_event(organization, message, reminder))
