"""Keeping an interaction, whatever the stores do: table, else queue, else this machine's disk."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from engagement import telemetry
from engagement.domain.breaker import Breaker
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.observer import Crowd
from engagement.domain.verdicts.recent import MessageKey
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import NotFoundError, StorageError
from engagement.services.tallying import Tally
from engagement.storage import interaction_records
from engagement.storage.appends import Appends
from engagement.storage.interaction_rows import entity_of
from engagement.storage.judgement_requests import JudgementRequest, record_of
from engagement.storage.queues import Queue
from engagement.storage.spill import Spill

Put = Callable[[], Coroutine[Any, Any, None]]

#: Seconds; together below the 2 s that a recipient may wait while everything hangs.
TABLE_SECONDS = 1.0
QUEUE_SECONDS = 0.5
#: Seconds that the queue function and the drain may take: nobody waits for them.
PATIENT_SECONDS = 10.0
DRAIN_PAUSE = 2.0

#: Seconds until hits that came at the same time are stored, so that they are judged with it.
ON_THEIR_WAY = 2
MOST_ASKED = 10_000
TYPES = frozenset(InteractionType)
VERDICTS = tuple(verdict.value for verdict in Verdict)


class Recording:
    """Stores interactions, each exactly once: the row key is made before the first try.

    What was stored is to be judged with the rest of its message: that is asked for once per message
    and minute, and at once for a hit that tells something.
    """

    def __init__(self, appends: Appends, set_aside: Queue, judgements: Queue, spill: Spill) -> None:
        self.appends = appends
        self.set_aside = set_aside
        self.judgements = judgements
        self.spill = spill
        self.table_breaker = Breaker()
        self.queue_breaker = Breaker()
        self.asked: OrderedDict[MessageKey, int] = OrderedDict()
        self.background: set[asyncio.Task[Any]] = set()
        self.tally = Tally()
        self.draining = False
        self.leftover_checked = False
        #: int, interactions that nothing would take since this process began
        self.lost = 0

    async def record(
        self, organization: str, interaction: Interaction, *, telling: bool = False
    ) -> None:
        """Keep *interaction*; never raises for a store's sake, and never waits above about 2 s.

        A *telling* one is judged at once together with those before it.
        """
        self.tally.count("verdicts", interaction.judgement.verdict.value, kinds=VERDICTS)
        try:
            await self._keep(organization, interaction, telling=telling)
        finally:
            self.tally.tell(time.monotonic())

    async def _keep(self, organization: str, interaction: Interaction, *, telling: bool) -> None:
        entity = entity_of(interaction)
        self._drain_leftovers()
        if self.table_breaker.closed:
            # First, so that whatever is stored is judged, though the process may end in between.
            asked = await self._ask_first(organization, interaction, telling=telling)
            if await self._store(organization, entity, TABLE_SECONDS):
                self._stored(entity, "table")
                if not asked:
                    self._spill(interaction_records.record_of(organization, entity))
                return
        elif self.table_breaker.trial_due(time.monotonic()):
            # The trial costs nobody time: this interaction goes the other way as well, and the
            # row key makes one of the two writes an answer of 409.
            self._start(self._store(organization, entity, TABLE_SECONDS))
        await self._set_aside(organization, entity)

    async def take(self, record: str) -> None:
        """Place an interaction from the queue, or put it back for later while the table is down.

        Raises ValueError for a record that cannot be read: only such go to the poison queue.
        """
        try:
            await self.place(record, "queue")
        except StorageError:
            await self.set_aside.put_back(record)
        finally:
            self.tally.tell(time.monotonic())

    async def place(self, record: str, path: str) -> None:
        """Put an interaction that was set aside in its place; raises StorageError, ValueError.

        *path* is where it waited: ``queue`` or ``spill``.
        """
        organization, entity = interaction_records.read_record(record)
        try:
            await self.appends.append(organization, entity, PATIENT_SECONDS)
        except NotFoundError:
            self.tally.count("dropped")
            return
        self._stored(entity, path)
        message = (organization, entity["PartitionKey"])
        if not self._asked(message):
            await self._ask(JudgementRequest(*message), PATIENT_SECONDS)

    async def ask(
        self, organization: str, message_id: str, interaction_id: str | None = None
    ) -> None:
        """Have a message judged, for the sake of an interaction; raises StorageError."""
        request = JudgementRequest(organization, message_id, interaction_id)
        await self._ask(request, PATIENT_SECONDS)

    def ask_about(self, crowd: Mapping[MessageKey, Crowd]) -> None:
        """Have messages judged again by what is known now of one who asked for them.

        Nobody waits for it, and what the queue does not take is given up: the address is busy, and
        will be seen again.
        """

        async def put_all() -> None:
            requests = (JudgementRequest(*message, crowd=seen) for message, seen in crowd.items())
            for request in requests:
                await self.judgements.put(record_of(request), PATIENT_SECONDS, delay=ON_THEIR_WAY)

        if crowd:
            self._start(self._through_queue(put_all))

    async def drain(self) -> bool:
        """Place what lies on this machine's disk; True when nothing is left."""
        for file in self.spill.claim():
            for record in self.spill.read(file):
                try:
                    await self.place(record, "spill")
                except StorageError:
                    return False
                except ValueError:
                    telemetry.exception("spilled_record_failed")
                    self._lose()
            self.spill.done(file)
        return self.spill.empty()

    async def close(self) -> None:
        """Stop what runs in the background; what is on disk stays there for the next process."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        self.tally.tell(time.monotonic(), pause=0.0)

    async def _store(self, organization: str, entity: Mapping[str, Any], seconds: float) -> bool:
        try:
            await self.appends.append(organization, entity, seconds)
        except NotFoundError:
            # The organization was deleted; its mails live on.
            self.tally.count("dropped")
        except StorageError as error:
            self.table_breaker.failed(time.monotonic(), hung=error.hung)
            telemetry.warning("table_refused", error=type(error.__cause__ or error).__name__)
            return False
        except Exception:
            # Whatever it is, the interaction is kept.
            self.table_breaker.failed(time.monotonic(), hung=False)
            telemetry.exception("table_failed")
            return False
        self.table_breaker.succeeded()
        return True

    async def _ask_first(
        self, organization: str, interaction: Interaction, *, telling: bool
    ) -> bool:
        """Ask for judgement where that is due; whether nothing is left to be asked."""
        message = (organization, interaction.message_id)
        if self._asked(message) and not telling:
            return True
        request = JudgementRequest(*message, interaction.id)
        return await self._through_queue(lambda: self._ask(request, QUEUE_SECONDS))

    def _asked(self, message: MessageKey) -> bool:
        return self.asked.get(message) == _minute()

    async def _ask(self, request: JudgementRequest, seconds: float) -> None:
        message = (request.organization, request.message_id)
        # Noted first: those who come meanwhile need not ask as well.
        self.asked[message] = _minute()
        self.asked.move_to_end(message)
        if len(self.asked) > MOST_ASKED:
            self.asked.popitem(last=False)
        try:
            await self.judgements.put(record_of(request), seconds)
        except BaseException:
            self.asked.pop(message, None)
            raise

    async def _set_aside(self, organization: str, entity: Mapping[str, Any]) -> None:
        record = interaction_records.record_of(organization, entity)
        if await self._through_queue(lambda: self.set_aside.put(record, QUEUE_SECONDS)):
            return
        if not self._spill(record):
            self._lose()

    def _lose(self) -> None:
        self.lost += 1
        self.tally.count("lost")

    def _spill(self, record: str) -> bool:
        """Leave *record* to the drain, which stores it if need be and asks for judgement."""
        if not self.spill.add(record):
            return False
        self._start_draining()
        self.tally.count("spilled")
        return True

    def _stored(self, entity: Mapping[str, Any], path: str) -> None:
        """Note how long an interaction took from the hit to its row."""
        with suppress(KeyError, TypeError, ValueError):
            lag = datetime.now(UTC) - datetime.fromisoformat(entity["at"])
            kind = entity["type"] if entity["type"] in TYPES else "other"
            seconds = max(lag.total_seconds(), 0.0)
            self.tally.sample("interaction_lag_seconds", seconds, type=kind, path=path)

    async def _through_queue(self, put: Put) -> bool:
        """Wait for *put* unless the queues are known to be down; whether it succeeded."""
        if self.queue_breaker.closed:
            return await self._tried(put)
        if self.queue_breaker.trial_due(time.monotonic()):
            self._start(self._tried(put))
        return False

    async def _tried(self, put: Put) -> bool:
        try:
            await put()
        except StorageError as error:
            self.queue_breaker.failed(time.monotonic(), hung=error.hung)
            return False
        except Exception:
            self.queue_breaker.failed(time.monotonic(), hung=False)
            telemetry.exception("queue_failed")
            return False
        self.queue_breaker.succeeded()
        return True

    def _drain_leftovers(self) -> None:
        if not self.leftover_checked:
            self.leftover_checked = True
            if not self.spill.empty():
                self._start_draining()

    def _start_draining(self) -> None:
        if not self.draining:
            self.draining = True
            self._start(self._drain_until_empty())

    async def _drain_until_empty(self) -> None:
        try:
            while not self.spill.empty():
                await asyncio.sleep(DRAIN_PAUSE)
                try:
                    await self.drain()
                except Exception:
                    telemetry.exception("drain_failed")
        finally:
            self.draining = False

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)


def _minute() -> int:
    return int(time.time() // 60)
