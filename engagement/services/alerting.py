"""Telling sellers what happened to their messages: once, as long as it is news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from engagement.domain.alerts.alert import (
    SHOWN,
    Alert,
    alert_of,
    failure_alert,
    first_credible_open,
    is_news,
    reminding_alert,
    webhook_alert,
)
from engagement.domain.alerts.alert_settings import (
    AlertPolicy,
    AlertSettings,
    alerts_json,
    patched_alerts,
)
from engagement.domain.alerts.first_open import FirstOpen, Stage, claim_of, tells_truly
from engagement.domain.messages.message import Message
from engagement.domain.messages.reminder import Reminder
from engagement.domain.organizations.organization import Organization
from engagement.domain.precondition import Precondition
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.verdict import Verdict
from engagement.domain.webhooks.webhook import Endpoint
from engagement.errors import ConflictError, InvalidRequestError
from engagement.storage.alerts import Alerts
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows

#: Time in which the clicks of a burst have come.
BURST = timedelta(seconds=5)


class Alerting:
    """Makes alerts, shows them, and does what sellers want done with them."""

    def __init__(self, alerts: Alerts, messages: Messages, settings: SettingsRows) -> None:
        self.alerts = alerts
        self.messages = messages
        self.settings = settings

    async def follow_up(
        self,
        organization: str,
        message_id: str,
        interactions: Sequence[Interaction],
        claim: FirstOpen | None,
        now: datetime,
    ) -> None:
        """Make the alert of the first open, and take back one that was wrong.

        *claim* is what was noted of it before the interactions were read.
        """
        if claim is not None and not tells_truly(claim, interactions):
            await self._take_back(organization, claim)
            claim = None
        opened = first_credible_open(interactions)
        if opened is not None and (claim is None or claim.stage is Stage.CLAIMED):
            message = await self.messages.read(organization, message_id)
            await self._tell_of_open(organization, message, opened, claim, now)

    async def tell_of_reply(
        self, organization: str, message: Message, reply: Interaction, now: datetime
    ) -> None:
        """Make the alert of a reply that a person wrote; again, it is the same one."""
        if reply.judgement.verdict is not Verdict.PERSON or not is_news(reply, now):
            return
        await self._tell(organization, alert_of(message, reply, now), now)

    async def tell_of_reminder(
        self, organization: str, message: Message, reminder: Reminder, now: datetime
    ) -> None:
        """Make the alert of a reminder that was triggered; again, it is the same one."""
        decided_at = reminder.decided_at or now
        await self._tell(organization, reminding_alert(message, reminder, decided_at), now)

    async def tell_of_failure(self, organization: str, message: Message, now: datetime) -> None:
        """Make the alert of a message that waited for its time and did not go out."""
        await self._tell(organization, failure_alert(message, now), now)

    async def tell_of_webhook(self, organization: str, endpoint: Endpoint, now: datetime) -> None:
        """Make the alert of a webhook that was switched off; again, it is the same one."""
        if endpoint.notify_user_id is not None:
            await self._tell(organization, webhook_alert(endpoint, now), now)

    async def _tell(self, organization: str, alert: Alert, now: datetime) -> None:
        policy = await self._policy(organization, alert.user_id)
        if policy.wants(alert.type):
            await self.alerts.add(organization, replace(alert, due_at=policy.due_at(now)))

    async def page(
        self, organization: Organization, user_id: str, now: datetime, *, after: str, size: int
    ) -> tuple[list[Alert], str | None]:
        """Return a page of the alerts to show now, newest first, and what the page ends with."""
        found = await self.alerts.page(organization.key, user_id, now, after=after, size=size + 1)
        page = found[:size]
        return page, page[-1].id if len(found) > size else None

    async def snooze(self, organization: Organization, alert_id: str, until: datetime) -> Alert:
        """Show an alert again at *until* only; raises NotFoundError, InvalidRequestError."""
        alert = await self.alerts.read(organization.key, alert_id)
        if until > alert.at + SHOWN:
            raise InvalidRequestError(
                f"Alerts are shown for {SHOWN.days} days; this one would be gone by then.", "until"
            )
        return await self.alerts.change(organization.key, alert_id, due_at=until)

    async def dismiss(self, organization: Organization, alert_id: str) -> Alert:
        """Show an alert no more; raises NotFoundError."""
        return await self.alerts.change(organization.key, alert_id, dismissed=True)

    async def read_settings(self, organization: Organization, user_id: str) -> AlertSettings:
        """Return what a user chose."""
        settings, _ = await self.settings.read_user(organization.key, user_id)
        return settings

    async def change_settings(
        self,
        organization: Organization,
        user_id: str,
        changes: object,
        precondition: Precondition,
    ) -> AlertSettings:
        """Change what a user chose, if it is as the *precondition* asks.

        Raises InvalidRequestError, PreconditionFailedError, and ConflictError in a race.
        """
        settings, etag = await self.settings.read_user(organization.key, user_id)
        changed = patched_alerts(settings, changes)
        with precondition.holding(alerts_json(settings)):
            await self.settings.write_user(organization.key, user_id, changed, etag)
        return changed

    async def _tell_of_open(
        self,
        organization: str,
        message: Message,
        opened: Interaction,
        claim: FirstOpen | None,
        now: datetime,
    ) -> None:
        """Claim the alert, store it, note that it is stored: a crash in between is made up for.

        Whoever loses the race for the claim leaves the rest to the winner.
        """
        alert = alert_of(message, opened, now)
        policy = await self._policy(organization, alert.user_id)
        if claim is None:
            wanted = policy.wants(alert.type) and is_news(opened, now)
            stage = Stage.CLAIMED if wanted else Stage.NOT_WANTED
            try:
                claim = await self.alerts.claim_first_open(
                    organization, claim_of(alert, opened, stage)
                )
            except ConflictError:
                return
        if claim.stage is Stage.CLAIMED:
            # What only a click tells of waits until it is clear that it was none of a burst's.
            shown = max(now, opened.evidence.at + BURST) if opened.inferred else now
            due_at = policy.due_at(shown)
            await self.alerts.add(organization, replace(alert, id=claim.alert_id, due_at=due_at))
            if await self.alerts.move_first_open(organization, claim, Stage.PLACED) is None:
                await self._remove_unless_claimed(organization, claim)

    async def _remove_unless_claimed(self, organization: str, claim: FirstOpen) -> None:
        """Remove an alert that was taken back while it was stored."""
        found = await self.alerts.read_first_open(organization, claim.message_id)
        if found is None or found.alert_id != claim.alert_id or found.stage is Stage.WITHDRAWN:
            await self.alerts.remove(organization, claim.user_id, claim.alert_id)

    async def _take_back(self, organization: str, claim: FirstOpen) -> None:
        """Remove an alert whose open was a machine's; who is making it will see that."""
        if claim.stage is not Stage.WITHDRAWN:
            withdrawn = await self.alerts.move_first_open(organization, claim, Stage.WITHDRAWN)
            if withdrawn is None:
                return
            claim = withdrawn
        await self.alerts.remove(organization, claim.user_id, claim.alert_id)
        await self.alerts.forget_first_open(organization, claim)

    async def _policy(self, organization: str, user_id: str) -> AlertPolicy:
        settings, _ = await self.settings.read(organization)
        user, _ = await self.settings.read_user(organization, user_id)
        return AlertPolicy(settings.alerts, user)
