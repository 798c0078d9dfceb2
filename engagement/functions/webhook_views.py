"""Endpoints of webhooks and what could not be delivered to them, as the JSON of the contract."""

from __future__ import annotations

from typing import Any

from engagement.domain.moment import optional_moment
from engagement.domain.webhooks.webhook import DeadLetter, Endpoint
from engagement.services.subscribing import Subscribed


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint without its secrets."""
    kinds = endpoint.event_types
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "event_types": None if kinds is None else sorted(kinds),
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "notify_user_id": endpoint.notify_user_id,
        "created_at": optional_moment(endpoint.created_at),
        "failing_since": optional_moment(endpoint.failing_since),
        "failure": endpoint.failure,
    }


def subscribed_json(subscribed: Subscribed) -> dict[str, Any]:
    """Return an endpoint with its newest secret, which is not shown again."""
    return {**endpoint_json(subscribed.endpoint), "secret": subscribed.secret}


def dead_letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Return what could not be delivered, and why."""
    event = letter.event
    return {
        "event_id": event.id,
        "type": event.type,
        "timestamp": optional_moment(event.at),
        "data": event.data,
        "tries": letter.tries,
        "failure": letter.failure,
        "given_up_at": optional_moment(letter.at),
    }
