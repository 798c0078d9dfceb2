"""Messages with everything that happened to them, each read once for all that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engagement.domain.messages.message import Message, Status
from engagement.domain.verdicts.kpi import Fact
from engagement.errors import NotFoundError
from engagement.storage.interactions import Interactions
from engagement.storage.messages import Messages


@dataclass(frozen=True, slots=True)
class History:
    """A message and what happened to it, as they were at one moment."""

    #: Message or None, None for one that is gone
    message: Message | None = None
    #: what counting needs of every interaction, newest first; nothing happens to a draft
    facts: Sequence[Fact] = ()


class Histories:
    """Reads histories by the key of their organization."""

    def __init__(self, messages: Messages, interactions: Interactions) -> None:
        self.messages = messages
        self.interactions = interactions

    async def read(self, organization: str, message_id: str) -> History:
        """Return the history of a message, an empty one of one that is not there."""
        try:
            message = await self.messages.read(organization, message_id)
        except NotFoundError:
            return History()
        if message.status is Status.DRAFT:
            return History(message)
        return History(message, await self.interactions.facts(organization, message_id))
