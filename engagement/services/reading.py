"""Reading what became of a message: its KPIs and its timeline."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from engagement.domain.messages.content import Content
from engagement.domain.messages.follow import FollowState, follow_state
from engagement.domain.messages.message import Message, Status, failure_at, status_at, waits
from engagement.domain.organizations.organization import Organization
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.kpi import Kpi, count
from engagement.errors import NotFoundError, StoreMissingError
from engagement.storage.blobs import Blobs
from engagement.storage.interactions import Interactions
from engagement.storage.messages import Messages
from engagement.storage.settings import SettingsRows
from engagement.storage.waiting_messages import WaitingMessages, place_of


@dataclass(frozen=True, slots=True)
class Details:
    """A message with everything that is known of it at one moment."""

    message: Message
    status: Status
    failure: str | None
    follow_state: FollowState
    content: Content
    kpi: Kpi


class Reading:
    """What the CRM and sellers look at."""

    def __init__(
        self,
        messages: Messages,
        blobs: Blobs,
        interactions: Interactions,
        settings: SettingsRows,
        waiting_messages: WaitingMessages,
    ) -> None:
        self.messages = messages
        self.blobs = blobs
        self.interactions = interactions
        self.settings = settings
        self.waiting_messages = waiting_messages

    async def details(self, organization: Organization, message_id: str, now: datetime) -> Details:
        """Return a message with its counts; raises NotFoundError."""
        message, content = await self._message(organization, message_id)
        return Details(
            message=message,
            status=status_at(message, now),
            failure=failure_at(message, now),
            follow_state=await self._follow_state(organization, message),
            content=content,
            kpi=await self._kpi(organization, message),
        )

    async def sender_id(self, organization: Organization, message_id: str) -> str:
        """Return the id of the user who sends a message; raises NotFoundError."""
        return (await self.messages.read_head(organization.key, message_id)).sender.user_id

    async def timeline(
        self, organization: Organization, message_id: str, *, after: str, size: int
    ) -> tuple[Message, list[Interaction], str | None]:
        """Return a page of a message's interactions, newest first.

        *after* is "" or what the page before ended with; the last value is None on the last page.
        """
        message = await self.messages.read(organization.key, message_id)
        found = await self.interactions.page(
            organization.key, message_id, after=after, size=size + 1
        )
        page = found[:size]
        return message, page, page[-1].id if len(found) > size else None

    async def waiting(
        self, organization: Organization, now: datetime, *, after: str, size: int
    ) -> tuple[list[Message], str | None]:
        """Return a page of the messages that the CRM is to send now, the longest waiting first."""
        found = await self.waiting_messages.page(organization.key, after=after, size=size + 1)
        page, items = found[:size], []
        for place, message_id in page:
            with suppress(NotFoundError):
                message = await self.messages.read(organization.key, message_id)
                # An older place may be left over from a time that was changed.
                waiting = message.status is Status.SCHEDULED and not waits(message, now)
                if waiting and place_of(message) == place:
                    items.append(message)
        return items, page[-1][0] if len(found) > size else None

    async def _message(
        self, organization: Organization, message_id: str
    ) -> tuple[Message, Content]:
        message = await self.messages.read(organization.key, message_id)
        try:
            content = await self.blobs.read_content(organization.key, message.content_blob)
        except NotFoundError:
            # A change came in between, and took the content that it replaced away.
            message = await self.messages.read(organization.key, message_id)
            try:
                content = await self.blobs.read_content(organization.key, message.content_blob)
            except StoreMissingError:
                raise
            except NotFoundError:
                # It was lost; the rest is shown, so that somebody can mend it.
                content = Content(None, None)
        return message, content

    async def _kpi(self, organization: Organization, message: Message) -> Kpi:
        if message.status is Status.DRAFT:
            return Kpi()
        return count(await self.interactions.facts(organization.key, message.id))

    async def _follow_state(self, organization: Organization, message: Message) -> FollowState:
        if message.follow_state is not None:
            return message.follow_state
        settings, _ = await self.settings.read(organization.key)
        return follow_state(
            wanted=message.follow,
            enabled=settings.follow_enabled,
            recipients=message.record_types,
        )
