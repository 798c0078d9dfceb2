"""An endpoint that an organization has told what happens, and how long that is tried."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from engagement.domain.webhooks.webhook_event import Event, EventType
from engagement.errors import UnprocessableError

ENDPOINT_ID = re.compile(r"[0-9a-f]{24}")

#: Every event of a message is queued once for each of them.
MOST_ENDPOINTS = 20

#: Until a failed delivery is tried again, as Standard Webhooks suggests: ten tries in three days.
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: Part of a delay that is added to keep endpoints that failed together from being tried together.
JITTER = 0.1
#: A longer Retry-After is cut to this.
LONGEST_RETRY_AFTER = timedelta(hours=24)
#: An endpoint that has failed for so long, without a success, is disabled.
LONGEST_FAILURE = timedelta(days=3)

#: How long the secret before goes on signing after a rotation, and how many sign at a time.
ROTATION = timedelta(hours=24)
MOST_SECRETS = 5

#: How long what could not be delivered is kept for a replay.
KEPT = timedelta(days=30)


class EndpointState(StrEnum):
    """Whether an endpoint is told anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint is told nothing."""

    BY_REQUEST = "by_request"
    FAILING = "failing"
    #: it answered 410
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Secret:
    """What a secret is derived from; without the signing key it says nothing."""

    #: int, id of the deployment's signing key
    key_id: int
    #: str, random, so that no two are alike
    nonce: str
    #: datetime, aware UTC, when it ceases to sign, or None for the current one
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL of the organization's, and what is sent there."""

    id: str
    url: str
    #: frozenset of EventType, or None for all
    event_types: frozenset[EventType] | None
    #: tuple of Secret, the current one first
    secrets: tuple[Secret, ...]
    #: datetime, aware UTC
    created_at: datetime
    state: EndpointState = EndpointState.ENABLED
    disabled_reason: DisabledReason | None = None
    #: str or None, the user who is alerted when it is disabled for failing
    notify_user_id: str | None = None
    #: datetime, aware UTC, of the first failure since the last success, or None
    failing_since: datetime | None = None
    #: str or None, how it failed last
    failure: str | None = None
    #: str or None, digest of the request that made it
    fingerprint: str | None = None
    etag: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it is told anything."""
        return self.state is EndpointState.ENABLED

    def wants(self, kind: EventType) -> bool:
        """Whether it is told of events of *kind*."""
        return self.enabled and (self.event_types is None or kind in self.event_types)

    def signing(self, now: datetime) -> tuple[Secret, ...]:
        """Return the secrets that sign now, the current one first."""
        return tuple(x for x in self.secrets if x.ends_at is None or now < x.ends_at)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be delivered to an endpoint."""

    endpoint_id: str
    event: Event
    #: int, how often it was tried
    tries: int
    #: str, what was wrong the last time
    failure: str
    #: datetime, aware UTC, when it was given up
    at: datetime


def failed(endpoint: Endpoint, failure: str, now: datetime, *, gone: bool = False) -> Endpoint:
    """Return the endpoint after a failure: disabled if it is *gone* or has failed for days."""
    since = endpoint.failing_since or now
    endpoint = replace(endpoint, failing_since=since, failure=failure)
    if gone:
        return disabled(endpoint, DisabledReason.GONE)
    if now - since >= LONGEST_FAILURE:
        return disabled(endpoint, DisabledReason.FAILING)
    return endpoint


def recovered(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint after a success."""
    return replace(endpoint, failing_since=None, failure=None)


def disabled(endpoint: Endpoint, reason: DisabledReason) -> Endpoint:
    """Return the endpoint, told nothing any more."""
    return replace(endpoint, state=EndpointState.DISABLED, disabled_reason=reason)


def enabled(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint, told of what happens from now on, as if it had never failed."""
    fresh = recovered(endpoint)
    return replace(fresh, state=EndpointState.ENABLED, disabled_reason=None)


def rotated(endpoint: Endpoint, secret: Secret, now: datetime) -> Endpoint:
    """Return the endpoint with a new secret; those before go on signing for a day.

    Raises UnprocessableError if so many still sign that the header would grow too long.
    """
    before = tuple(
        x if x.ends_at is not None else replace(x, ends_at=now + ROTATION)
        for x in endpoint.signing(now)
    )
    if len(before) >= MOST_SECRETS:
        raise UnprocessableError(
            f"{MOST_SECRETS} secrets sign already; each ends a day after it was replaced."
        )
    return replace(endpoint, secrets=(secret, *before))


def next_delay(tries: int, event_id: str, endpoint_id: str) -> timedelta | None:
    """Return how long to wait after the failure of try number *tries* (from 0); None: give up.

    What is added to the schedule follows from the names, so that the same try waits the same.
    """
    if tries >= len(DELAYS):
        return None
    digest = hashlib.sha256(f"{event_id}\0{endpoint_id}\0{tries}".encode()).digest()
    return DELAYS[tries] * (1 + JITTER * int.from_bytes(digest[:4]) / 2**32)


def retry_after(header: str | None, now: datetime) -> timedelta:
    """Return how long an endpoint asks to be left alone (RFC 9110, 10.2.3), at most a day."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        asked = timedelta(seconds=min(int(text[:9]), 10**8))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return timedelta(0)
        # A date with "-0000" is naive, and in UTC.
        asked = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(asked, LONGEST_RETRY_AFTER))
