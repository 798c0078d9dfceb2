"""What is put into the webhooks queue: that an event is to be delivered to an endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engagement.domain.webhooks.webhook_event import Event, event_json, read_event
from engagement.storage.queued_record import read_queued

RECORD_VERSION = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """That an event is to be delivered to an endpoint."""

    organization: str
    endpoint_id: str
    event: Event
    #: int, how often that was tried
    tries: int = 0


def record_of(delivery: Delivery) -> str:
    """Return a delivery as it is queued."""
    return json.dumps(
        {
            "v": RECORD_VERSION,
            "organization": delivery.organization,
            "endpoint": delivery.endpoint_id,
            "event": event_json(delivery.event),
            "tries": delivery.tries,
        }
    )


def read_delivery(record: str) -> Delivery:
    """Read a queued delivery; raises ValueError for one that this version does not know."""
    value = read_queued(record, RECORD_VERSION)
    organization, endpoint_id = value.get("organization"), value.get("endpoint")
    if not isinstance(organization, str) or not isinstance(endpoint_id, str):
        raise ValueError("This record names no organization or endpoint.")  # noqa: TRY004 - one kind
    tries = value.get("tries")
    if not isinstance(tries, int) or tries < 0:
        raise ValueError("This record does not say how often it was tried.")
    return Delivery(organization, endpoint_id, read_event(value.get("event")), tries)
