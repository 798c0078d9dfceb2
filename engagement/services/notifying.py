"""Telling endpoints what happened, as often as it takes, and keeping what nobody took."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from engagement import telemetry
from engagement.domain.organizations.organization import Organization
from engagement.domain.webhooks.webhook import (
    DeadLetter,
    Endpoint,
    failed,
    next_delay,
    recovered,
    retry_after,
)
from engagement.domain.webhooks.webhook_event import Event, EventType, event_of
from engagement.domain.webhooks.webhook_signature import WebhookSigner
from engagement.errors import ConflictError, NotFoundError, StorageError
from engagement.remote.webhooks import Answer, Webhooks
from engagement.storage.dead_webhooks import DeadLetters, first_since, letter_id
from engagement.storage.memory import Memory
from engagement.storage.queues import Queue
from engagement.storage.webhook_deliveries import Delivery, read_delivery, record_of
from engagement.storage.webhooks import Endpoints

#: Seconds that an instance remembers who is to be told what.
ENDPOINTS_LIFE = 10.0
#: Seconds that putting a record into the queue may take.
PATIENT_SECONDS = 10.0
#: Seconds until a delivery is tried again that a store kept from being noted.
STORE_PAUSE = 60
#: Letters that one call puts back.
MOST_REPLAYED = 100
#: Times that an endpoint is noted as failing, while others change it.
MOST_RACES = 5

BUSY = (429, 503)

#: Told of an endpoint that was disabled because it failed: organization's key, endpoint, time. May
#: be called more than once for the same ``failing_since``; raises StorageError to be called again.
TellDisabled = Callable[[str, Endpoint, datetime], Awaitable[None]]


class Notifying:
    """Queues an event for each endpoint that wants it, and delivers it."""

    def __init__(
        self,
        endpoints: Endpoints,
        dead_letters: DeadLetters,
        deliveries: Queue,
        signer: WebhookSigner,
        webhooks: Webhooks,
        tell_disabled: TellDisabled,
    ) -> None:
        self.endpoints = endpoints
        self.dead_letters = dead_letters
        self.deliveries = deliveries
        self.signer = signer
        self.webhooks = webhooks
        self.tell_disabled = tell_disabled
        self.known: Memory[list[Endpoint]] = Memory(ENDPOINTS_LIFE, 10_000)
        # Other instances learn of a change when they have forgotten what they know.
        endpoints.on_write.append(self.known.forget)

    async def emit(self, organization: str, event: Event) -> None:
        """Have everyone told who wants to be; nobody, if the organization is gone.

        Raises StorageError if that could not be queued for all: whoever emits the event again
        repeats it for some, under the same id.
        """
        try:
            endpoints = await self.known.get(organization, lambda: self.endpoints.all(organization))
        except NotFoundError:
            return
        wanting = [one for one in endpoints if one.wants(event.type)]
        await asyncio.gather(*(self._put(Delivery(organization, one.id, event)) for one in wanting))

    async def test(self, organization: Organization, endpoint_id: str, now: datetime) -> Event:
        """Send an endpoint an event that says nothing; raises NotFoundError, ConflictError."""
        endpoint = await self._enabled(organization, endpoint_id)
        nonce, data = secrets.token_hex(12), {"webhook_id": endpoint_id}
        event = event_of(organization.key, EventType.WEBHOOK_TEST, endpoint_id, nonce, now, data)
        await self._put(Delivery(organization.key, endpoint.id, event))
        return event

    async def take(self, record: str, now: datetime) -> None:
        """Deliver what a queued record says, or put it back for later, or keep it as dead.

        Raises ValueError for a record that cannot be read: only such go to the poison queue.
        """
        delivery = read_delivery(record)
        try:
            await self._deliver(delivery, now)
        except NotFoundError:
            telemetry.info("delivery_dropped", webhook=delivery.endpoint_id)
        except (StorageError, ConflictError):
            await self.deliveries.put(record, PATIENT_SECONDS, delay=STORE_PAUSE)

    async def page(
        self, organization: Organization, endpoint_id: str, *, after: str, size: int
    ) -> tuple[list[DeadLetter], str | None]:
        """Return a page of what could not be delivered, newest first, and what it ends with."""
        endpoint = await self.endpoints.read(organization.key, endpoint_id)
        found = await self.dead_letters.page(
            organization.key, endpoint.id, after=after, size=size + 1
        )
        page = found[:size]
        return page, letter_id(page[-1]) if len(found) > size else None

    async def replay_event(
        self, organization: Organization, endpoint_id: str, event_id: str
    ) -> None:
        """Deliver an event anew; raises NotFoundError if none of this id was given up."""
        endpoint = await self._enabled(organization, endpoint_id)
        letters = await self.dead_letters.of_event(organization.key, endpoint.id, event_id)
        if not letters:
            raise NotFoundError("Nothing of this event waits for a replay.")
        await self._put(Delivery(organization.key, endpoint.id, letters[0].event))
        for letter in letters:
            await self.dead_letters.remove(organization.key, letter)

    async def replay_since(
        self, organization: Organization, endpoint_id: str, since: datetime
    ) -> tuple[int, bool]:
        """Deliver anew what was given up since then; return how many, and whether that was all.

        A crash in between delivers some of them twice, under the same id.
        """
        endpoint = await self._enabled(organization, endpoint_id)
        letters = await self.dead_letters.page(
            organization.key, endpoint.id, until=first_since(since), size=MOST_REPLAYED + 1
        )
        for letter in letters[:MOST_REPLAYED]:
            await self._put(Delivery(organization.key, endpoint.id, letter.event))
            await self.dead_letters.remove(organization.key, letter)
        return min(len(letters), MOST_REPLAYED), len(letters) <= MOST_REPLAYED

    async def _deliver(self, delivery: Delivery, now: datetime) -> None:
        endpoint = await self.endpoints.read(delivery.organization, delivery.endpoint_id)
        if not endpoint.enabled:
            await self._bury(delivery, "The webhook is disabled.", now)
            return
        answer = await self._call(delivery, endpoint, now)
        if answer.accepted:
            _tell(delivery, "sent", answer.status)
            # What was taken is not sent again for want of a note.
            with suppress(StorageError, ConflictError):
                await self._note(delivery.organization, endpoint, recovered, now)
            return
        endpoint = await self._note(
            delivery.organization,
            endpoint,
            lambda x: failed(x, answer.detail, now, gone=answer.gone) if x.enabled else x,
            now,
        )
        delay = next_delay(delivery.tries, delivery.event.id, endpoint.id)
        delivery = replace(delivery, tries=delivery.tries + 1)
        if delay is None or not endpoint.enabled:
            await self._bury(delivery, answer.detail, now)
            return
        if answer.status in BUSY:
            delay = max(delay, retry_after(answer.retry_after, now))
        await self._put(delivery, delay)
        _tell(delivery, "retried", answer.status)

    async def _call(self, delivery: Delivery, endpoint: Endpoint, now: datetime) -> Answer:
        body = delivery.event.body
        headers = self.signer.headers(delivery.organization, endpoint, delivery.event.id, body, now)
        if headers is None:
            return Answer(None, "The signing key of the secret is revoked: rotate the secret.")
        return await self.webhooks.post(endpoint.url, headers, body)

    async def _note(
        self,
        organization: str,
        endpoint: Endpoint,
        change: Callable[[Endpoint], Endpoint],
        now: datetime,
    ) -> Endpoint:
        """Store what became of an endpoint, if that is new, and return it."""
        for _ in range(MOST_RACES):
            changed = change(endpoint)
            if changed == endpoint:
                return endpoint
            if endpoint.enabled and not changed.enabled:
                # Before it is stored: a crash in between tells it twice rather than never.
                await self.tell_disabled(organization, changed, now)
            try:
                await self.endpoints.replace(organization, changed)
            except ConflictError:
                endpoint = await self.endpoints.read(organization, endpoint.id)
            else:
                return changed
        raise ConflictError("Others change this endpoint at the same time.")

    async def _bury(self, delivery: Delivery, failure: str, now: datetime) -> None:
        letter = DeadLetter(delivery.endpoint_id, delivery.event, delivery.tries, failure, now)
        await self.dead_letters.add(delivery.organization, letter)
        _tell(delivery, "failed")

    async def _put(self, delivery: Delivery, delay: timedelta = timedelta(0)) -> None:
        seconds = round(delay.total_seconds())
        await self.deliveries.put(record_of(delivery), PATIENT_SECONDS, delay=seconds)

    async def _enabled(self, organization: Organization, endpoint_id: str) -> Endpoint:
        endpoint = await self.endpoints.read(organization.key, endpoint_id)
        if not endpoint.enabled:
            raise ConflictError("The webhook is disabled; enable it first.")
        return endpoint


def _tell(delivery: Delivery, outcome: str, status: int | None = None) -> None:
    """Tell what became of one try; *status* is that of the endpoint's answer, if there was one."""
    telemetry.metric(
        "deliveries",
        channel="webhook",
        outcome=outcome,
        value=1,
        webhook=delivery.endpoint_id,
        tries=delivery.tries,
        status=status,
    )
