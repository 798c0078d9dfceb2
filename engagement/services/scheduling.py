"""Scheduling: a message with a time waits for it, one without is sent at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from engagement.domain.messages.due_time import to_send
from engagement.domain.messages.message import Message, Status, check_sendable, waits
from engagement.domain.organizations.organization import Organization
from engagement.errors import ConflictError
from engagement.services.projecting import Projecting
from engagement.services.sending import Order, Sending, Sent
from engagement.storage.due_times import DueTimes
from engagement.storage.waiting_messages import WaitingMessages


class Scheduling:
    """What is done when somebody tells to send a message; *clock* tells the time, aware UTC."""

    def __init__(
        self,
        projecting: Projecting,
        sending: Sending,
        due_times: DueTimes,
        waiting: WaitingMessages,
        clock: Callable[[], datetime],
    ) -> None:
        self.projecting = projecting
        self.messages = projecting.messages
        self.sending = sending
        self.due_times = due_times
        self.waiting = waiting
        self.clock = clock

    async def send(self, organization: Organization, message_id: str, order: Order) -> Sent:
        """Send a message, or have it wait for its time: then it has no copies yet.

        The same order again changes nothing. Raises like Sending.send, and ConflictError for a
        message that waits already.
        """
        now = self.clock()
        message = await self.messages.read(organization.key, message_id)
        waiting = message.status is Status.SCHEDULED
        ahead = waits(message, now)
        if waiting and ahead and order.key is not None and order.key == message.send_key:
            return Sent(message, (), ())
        if order.now or not ahead:
            sent = await self.sending.send(organization.key, message, order)
            if waiting:
                await self.waiting.remove(organization.key, message)
            return sent
        if waiting:
            raise ConflictError("The message waits for its time; tell to send it now to do so.")
        check_sendable(message, now, same_request=False)
        return await self._schedule(organization.key, message, order, now)

    async def _schedule(
        self, organization: str, message: Message, order: Order, now: datetime
    ) -> Sent:
        # What cannot be sent later is refused now, while somebody is there to mend it.
        await self.sending.rehearse(organization, message, order.delivery)
        scheduled = replace(
            message,
            status=Status.SCHEDULED,
            delivery=order.delivery,
            send_key=order.key,
            failure=None,
            tried_since=None,
        )
        # Noted first: what the message does not bear out is thrown away when its time comes.
        await self.due_times.add(to_send(organization, scheduled, now))
        async with self.projecting.change(organization, message.id):
            return Sent(await self.messages.replace(organization, message, scheduled), (), ())
