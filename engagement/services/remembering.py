"""Remembering when each person opens and answers, for the advice when to send."""

from __future__ import annotations

import asyncio

from engagement.domain.delivery.habit import Trace, traces_of
from engagement.errors import NotFoundError
from engagement.storage.interactions import Interactions
from engagement.storage.messages import Messages
from engagement.storage.people import People

#: Interactions of a message that are looked at, newest first.
MOST = 1_000
#: People whose rows are written at the same time.
AT_ONCE = 8


class Remembering:
    """Replaces what one message tells of its people; again, nothing changes."""

    def __init__(self, messages: Messages, interactions: Interactions, people: People) -> None:
        self.messages = messages
        self.interactions = interactions
        self.people = people

    async def remember(self, organization: str, message_id: str) -> None:
        """Keep when people opened and answered a message, if it was sent and still exists."""
        try:
            message = await self.messages.read(organization, message_id)
        except NotFoundError:
            return
        sent_at = message.sent_at
        if sent_at is None:
            return
        found, _ = await self.interactions.of_message(organization, message_id, MOST)
        limit = asyncio.Semaphore(AT_ONCE)

        async def write(address: str, trace: Trace) -> None:
            async with limit:
                await self.people.write(organization, address, message_id, sent_at, trace)

        await asyncio.gather(*(write(*item) for item in traces_of(message, found).items()))
