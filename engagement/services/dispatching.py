"""Dispatching what is due: messages whose time has come, and reminders, oldest first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from engagement import telemetry
from engagement.domain.messages.due_time import (
    CRM_PAUSE,
    PATIENCE,
    DueTime,
    Task,
    may_be_stale,
    pause,
)
from engagement.domain.messages.message import IN_DOUBT, Message, Status, abandoned, waits
from engagement.errors import (
    ConflictError,
    EngagementError,
    NotFoundError,
    RemoteError,
    StorageError,
    StoreMissingError,
)
from engagement.services.alerting import Alerting
from engagement.services.announcing import Announcing
from engagement.services.reminding import Reminding
from engagement.services.scheduling import Scheduling
from engagement.services.sending import CRM, may_pass, tell_delivery
from engagement.storage.organizations import Organizations

#: Due times that are in memory together.
PAGE = 200
#: Organizations that are served at the same time; the messages of one go out one after another.
LANES = 8


NOT_SENT = (Status.FAILED, Status.UNKNOWN)


@dataclass(slots=True)
class Report:
    """What a run did."""

    done_count: int = 0
    left_count: int = 0
    failed_count: int = 0


class Dispatching:
    """What the timer does; it may run late, twice at once, or stop half-way."""

    def __init__(
        self,
        scheduling: Scheduling,
        reminding: Reminding,
        alerting: Alerting,
        announcing: Announcing,
        organizations: Organizations,
    ) -> None:
        self.due_times = scheduling.due_times
        self.projecting = scheduling.projecting
        self.messages = scheduling.messages
        self.waiting = scheduling.waiting
        self.sending = scheduling.sending
        self.reminding = reminding
        self.alerting = alerting
        self.announcing = announcing
        self.organizations = organizations
        #: keys of organizations that are being deleted, as the run found them
        self.closed: frozenset[str] = frozenset()
        #: mailboxes (organization's key, address) that take nothing now, and until when
        self.held: dict[tuple[str, str], datetime] = {}

    async def run(self, clock: Callable[[], datetime], seconds: float) -> Report:
        """Do what is due, for about *seconds*; what is left is done by the next run."""
        report, after, now = Report(), None, clock()
        self.held = {mailbox: until for mailbox, until in self.held.items() if until > now}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page = await self.due_times.page(clock(), after=after, size=PAGE)
            if not page:
                break
            if after is None:
                # Asked only when something is due, as most runs find nothing.
                self.closed = await self.organizations.closed_keys()
            await self._page(page, clock, end, report)
            after = page[-1]
        return report

    async def _page(
        self, page: Sequence[DueTime], clock: Callable[[], datetime], end: float, report: Report
    ) -> None:
        # Reminders first: a mail server that hangs holds messages up, and nothing else.
        for task in (Task.REMIND, Task.SEND):
            await self._tasks([x for x in page if x.task is task], clock, end, report)

    async def _tasks(
        self, page: Sequence[DueTime], clock: Callable[[], datetime], end: float, report: Report
    ) -> None:
        by_organization = groupby(sorted(page, key=_organization), key=_organization)
        lanes = asyncio.Semaphore(LANES)

        async def serve(items: list[DueTime]) -> None:
            async with lanes:
                lane = Lane(self, clock, report)
                for due in items:
                    if time.monotonic() > end:
                        return
                    await lane.take(due)

        # Sorting is stable: within an organization they stay in order.
        await asyncio.gather(*(serve(list(items)) for _, items in by_organization))


class Lane:
    """One organization's due times, one after another."""

    def __init__(
        self, dispatching: Dispatching, clock: Callable[[], datetime], report: Report
    ) -> None:
        self.of = dispatching
        self.clock = clock
        self.report = report

    async def take(self, due: DueTime) -> None:
        """Do one thing that is due, and take its note away when it is done."""
        done = False
        # In a conflict somebody else is at it; the next run will see what came of it.
        with suppress(ConflictError, StorageError):
            done = await self._try(due)
            if done:
                await self.of.due_times.remove(due)
        self.report.done_count += done
        self.report.left_count += not done

    async def _try(self, due: DueTime) -> bool:
        """Do one thing; returns whether its note is of no use any more."""
        if due.organization in self.of.closed:
            return True
        try:
            return await (self._send(due) if due.task is Task.SEND else self._remind(due))
        except (ConflictError, StorageError):
            raise
        except Exception:
            # A fault of ours must not stand in the way of all that are due later.
            telemetry.exception(
                "due_failed",
                task=due.task.value,
                organization=due.organization,
                message=due.message_id,
            )
            self.report.failed_count += 1
            return await self._put_off(due, self.clock() + pause(due.tries, 0))

    async def _remind(self, due: DueTime) -> bool:
        # Not before the time of the note, which was found to be due: clocks may step back.
        now = max(self.clock(), due.at)
        message = await self._message(due)
        if message is None or message.reminder is None or message.reminder.remind_by > now:
            return may_be_stale(due, now)
        await self.of.reminding.decide(due.organization, message, now)
        return True

    async def _send(self, due: DueTime) -> bool:
        """Send a message; returns whether its note is of no use any more."""
        now = max(self.clock(), due.at)
        message = await self._message(due)
        if message is None or message.send_at is None or waits(message, now):
            return may_be_stale(due, now)
        if message.status is Status.SENT:
            return True
        if message.status is Status.SENDING:
            return await self._finish(due, message, now)
        if message.status in NOT_SENT:
            # Again, if whoever found it was killed before telling; it is the same alert.
            await self.of.alerting.tell_of_failure(due.organization, message, now)
            return True
        if message.status is Status.SCHEDULED:
            return await self._send_waiting(due, message, now)
        return may_be_stale(due, now)

    async def _send_waiting(self, due: DueTime, message: Message, now: datetime) -> bool:
        """Send a message that waited until now, the way that it was told to be sent."""
        if message.delivery == CRM:
            return await self._offer(due, message, now)
        mailbox = (due.organization, message.sender.email)
        until = self.of.held.get(mailbox)
        if until is not None and until > now:
            # Right behind the one before, so that they stay in order.
            until = self.of.held[mailbox] = until + timedelta(microseconds=1)
            return await self._put_off(due, until, tries=due.tries)
        return await self._hand_over(due, message)

    async def _offer(self, due: DueTime, message: Message, now: datetime) -> bool:
        """Have the CRM send a message, and look after it until it has or is late by a day."""
        await self.of.waiting.add(due.organization, message)
        if due.tries == 0:
            await self.of.announcing.due(due.organization, message)
        if message.send_at is not None and now - message.send_at >= PATIENCE:
            await self.of.alerting.tell_of_failure(due.organization, message, now)
            return True
        return await self._put_off(due, now + CRM_PAUSE)

    async def _hand_over(self, due: DueTime, message: Message) -> bool:
        now = self.clock()
        try:
            sent = await self.of.sending.send_due(due.organization, message)
        except ConflictError:
            raise
        except EngagementError as error:
            return await self._after(due, message, error, now)
        if any(item.refusal for item in sent.message.recipients):
            await self.of.alerting.tell_of_failure(due.organization, sent.message, now)
        return True

    async def _after(
        self, due: DueTime, message: Message, error: EngagementError, now: datetime
    ) -> bool:
        """See to a message that could not be handed over: later, or its seller is told."""
        after = await self._message(due)
        if after is not None and after.status is Status.SCHEDULED:
            if may_pass(error):
                least = (error.retry_after or 0.0) if isinstance(error, RemoteError) else 0.0
                until = now + pause(due.tries, least)
                self.of.held[due.organization, message.sender.email] = until
                return await self._put_off(due, until)
            failed = replace(after, status=Status.FAILED, failure=error.detail)
            after = await self._replace(due, after, failed)
            tell_delivery(after)
        if after is not None and after.status in NOT_SENT:
            await self.of.alerting.tell_of_failure(due.organization, after, now)
            return True
        # Withdrawn or changed meanwhile, sent after all, or still on its way.
        return False

    async def _put_off(self, due: DueTime, until: datetime, tries: int | None = None) -> bool:
        """Note the message for later: first the new note, then the old one goes."""
        tries = due.tries + 1 if tries is None else tries
        await self.of.due_times.add(replace(due, at=until, tries=tries))
        return True

    async def _finish(self, due: DueTime, message: Message, now: datetime) -> bool:
        """See to a message that somebody began to hand over, and may have been killed at it."""
        if not abandoned(message, now):
            return False
        if message.delivery == CRM:
            # Nobody has its copies: it waits for the CRM again.
            again = replace(message, status=Status.SCHEDULED, sending_at=None)
            return await self._offer(due, await self._replace(due, message, again), now)
        if not message.ambiguous:
            return await self._hand_over(due, message)
        unknown = replace(message, status=Status.UNKNOWN, failure=IN_DOUBT)
        unknown = await self._replace(due, message, unknown)
        tell_delivery(unknown)
        await self.of.alerting.tell_of_failure(due.organization, unknown, now)
        return True

    async def _replace(self, due: DueTime, old: Message, new: Message) -> Message:
        async with self.of.projecting.change(due.organization, due.message_id):
            return await self.of.messages.replace(due.organization, old, new)

    async def _message(self, due: DueTime) -> Message | None:
        try:
            return await self.of.messages.read(due.organization, due.message_id)
        except StoreMissingError:
            # Of one that was deleted nothing is due any more; another's table may come back.
            if await self.of.organizations.is_open(due.organization):
                raise
            return None
        except NotFoundError:
            return None


def _organization(due: DueTime) -> str:
    return due.organization
