"""What a caller says of an endpoint."""

from __future__ import annotations

from dataclasses import replace

from engagement.domain.payload import Fields
from engagement.domain.webhooks.webhook import (
    DisabledReason,
    Endpoint,
    EndpointState,
    disabled,
    enabled,
    recovered,
)
from engagement.domain.webhooks.webhook_event import EventType
from engagement.domain.webhooks.webhook_url import check_webhook_url
from engagement.errors import InvalidRequestError

FIELDS = {"url", "event_types", "state", "notify_user_id"}
LONGEST_USER_ID = 200
#: Of a URL before it is made ASCII; longer ones are refused by the rules of URLs.
LONGEST_LINE = 10_000

#: What an endpoint may ask for; a test is sent to whoever asks for it.
SUBSCRIBABLE = tuple(kind for kind in EventType if kind is not EventType.WEBHOOK_TEST)


def patched_endpoint(endpoint: Endpoint, changes: object, *, allow_private: bool) -> Endpoint:
    """Return the endpoint with *changes* (RFC 7396); one without a URL needs one.

    Raises InvalidRequestError, or UnprocessableError for a URL that must not be called.
    """
    fields = Fields(changes, FIELDS)
    if "url" in fields or not endpoint.url:
        line = fields.line("url", LONGEST_LINE)
        url = check_webhook_url(line, "url", allow_private=allow_private)
        if url != endpoint.url:
            # How another URL answered says nothing of this one.
            endpoint = recovered(replace(endpoint, url=url))
    if "event_types" in fields:
        endpoint = replace(endpoint, event_types=_event_types(fields))
    if "notify_user_id" in fields:
        user_id = fields.optional_line("notify_user_id", LONGEST_USER_ID)
        endpoint = replace(endpoint, notify_user_id=user_id)
    if "state" in fields:
        state = EndpointState(fields.choice("state", list(EndpointState)))
        if state is not endpoint.state:
            off = state is EndpointState.DISABLED
            endpoint = disabled(endpoint, DisabledReason.BY_REQUEST) if off else enabled(endpoint)
    return endpoint


def _event_types(fields: Fields) -> frozenset[EventType] | None:
    if fields.value["event_types"] is None:
        return None
    found = fields.items("event_types", 2 * len(SUBSCRIBABLE))
    if not found:
        fields.wrong("event_types", "Name at least one type of event, or null for all.")
    return frozenset(_event_type(item, path) for item, path in found)


def _event_type(item: object, path: str) -> EventType:
    if not isinstance(item, str) or item not in SUBSCRIBABLE:
        raise InvalidRequestError(f"This must be one of {', '.join(SUBSCRIBABLE)}.", path)
    return EventType(item)
