"""Remembering when each person opens and answers, for the advice when to send."""

from __future__ import annotations

import asyncio

from engagement.domain.delivery.habit import Trace, traces_of
from engagement.storage.histories import History
from engagement.storage.people import People

#: Interactions of a message that are looked at, newest first.
MOST = 1_000
#: People whose rows are written at the same time.
AT_ONCE = 8


class Remembering:
    """Replaces what one message tells of its people; again, nothing changes."""

    def __init__(self, people: People) -> None:
        self.people = people

    async def remember(self, organization: str, history: History) -> None:
        """Keep when people opened and answered a message, if it was sent and still exists."""
        message = history.message
        if message is None or message.sent_at is None:
            return
        message_id, sent_at = message.id, message.sent_at
        limit = asyncio.Semaphore(AT_ONCE)

        async def write(address: str, trace: Trace) -> None:
            async with limit:
                await self.people.write(organization, address, message_id, sent_at, trace)

        traces = traces_of(message, history.facts[:MOST])
        await asyncio.gather(*(write(*item) for item in traces.items()))
