"""Reminders: set, changed and removed by sellers, and decided once when their time comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engagement.domain.messages.due_time import to_remind
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Message, went_out_at
from engagement.domain.messages.reminder import (
    Condition,
    Reminder,
    ReminderStatus,
    check_reminder,
    decide,
)
from engagement.domain.organizations.organization import Organization
from engagement.services.alerting import Alerting
from engagement.services.announcing import Announcing
from engagement.storage.due_times import DueTimes
from engagement.storage.interactions import Interactions
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

#: Decided without hits, which an organization may have stopped collecting.
WITHOUT_HITS = (Condition.AT, Condition.NO_REPLY_BY)


class Reminding:
    """What a seller does with reminders, and what a timer does with those that are due."""

    def __init__(
        self,
        messages: Messages,
        interactions: Interactions,
        settings: SettingsRows,
        alerting: Alerting,
        due_times: DueTimes,
        announcing: Announcing,
    ) -> None:
        self.messages = messages
        self.interactions = interactions
        self.settings = settings
        self.alerting = alerting
        self.due_times = due_times
        self.announcing = announcing

    async def put(
        self, organization: Organization, message_id: str, reminder: Reminder, now: datetime
    ) -> Message:
        """Set the reminder of a message, or change it, also after sending.

        Raises UnprocessableError for one that could never be decided, ConflictError in a race.
        """
        message = await self.messages.read(organization.key, message_id)
        sent = message.sent_at is not None
        check_reminder(
            reminder,
            followed=message.follow
            if message.follow_state is None
            else message.follow_state is FollowState.FOLLOWED,
            send_at=None if sent else message.send_at,
            now=now,
        )
        new = replace(message, reminder=reminder)
        # Noted first: what the message does not bear out is thrown away when its time comes.
        await self.due_times.add(to_remind(organization.key, new, now))
        return await self.messages.replace(organization.key, message, new)

    async def remove(self, organization: Organization, message_id: str) -> None:
        """Take the reminder away; raises ConflictError in a race."""
        message = await self.messages.read(organization.key, message_id)
        if message.reminder is not None:
            new = replace(message, reminder=None)
            await self.messages.replace(organization.key, message, new)

    async def decide(self, organization: str, message: Message, now: datetime) -> Message:
        """Decide the reminder of a message if its time has come, and tell the seller of it.

        What was decided is noted first and told then, so that a crash in between is made up for
        by doing so again; it is told once. Raises ConflictError if the message has changed.
        """
        reminder = message.reminder
        if reminder is None or reminder.remind_by > now:
            return message
        if reminder.status is ReminderStatus.SET:
            decided = await self._decided(organization, message, reminder, now)
            message = await self.messages.replace(
                organization, message, replace(message, reminder=decided)
            )
            reminder = decided
        if reminder.status is ReminderStatus.TRIGGERED:
            await self.alerting.tell_of_reminder(organization, message, reminder, now)
            await self.announcing.reminder(organization, message, reminder)
        return message

    async def _decided(
        self, organization: str, message: Message, reminder: Reminder, now: datetime
    ) -> Reminder:
        followed = message.follow_state is FollowState.FOLLOWED
        if followed and reminder.condition not in WITHOUT_HITS:
            settings, _ = await self.settings.read(organization)
            followed = settings.follow_enabled
        facts = (
            await self.interactions.facts(organization, message.id)
            if followed and reminder.needs_following
            else []
        )
        return decide(
            reminder, facts, sent_at=went_out_at(message, now), followed=followed, now=now
        )
