"""The API of webhooks: where an organization wants to be told what happens."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.domain.payload import Fields
from engagement.domain.webhooks.webhook_event import EVENT_ID
from engagement.errors import InvalidRequestError
from engagement.functions.auth import Guard
from engagement.functions.web import (
    continuation,
    idempotency_key,
    json_response,
    no_content,
    page_size,
    read_json,
    takes,
)
from engagement.functions.webhook_views import dead_letter_json, endpoint_json, subscribed_json
from engagement.services import Services
from engagement.services.notifying import Notifying
from engagement.services.subscribing import Subscribing

BASE = "api/v1/organizations/{organization_id}/webhooks"
ONE = f"{BASE}/{{webhook_id}}"
CONTINUATION = re.compile(rf"[0-9]{{13}}-{EVENT_ID.pattern}")
LONGEST_ID = 100


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which webhooks are managed."""
    bp = func.Blueprint()
    guard = Guard(services)
    _add_collection_routes(bp, guard, services.subscribing)
    _add_endpoint_routes(bp, guard, services.subscribing)
    _add_delivery_routes(bp, guard, services.notifying)
    return bp


def _add_collection_routes(bp: func.Blueprint, guard: Guard, subscribing: Subscribing) -> None:
    @bp.route(BASE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def get_webhooks(
        req: func.HttpRequest,  # noqa: ARG001 - the binding
        organization: Organization,
    ) -> func.HttpResponse:
        items = [endpoint_json(one) for one in await subscribing.list(organization)]
        return json_response({"items": items, "continuation": None})

    @bp.route(BASE, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def post_webhook(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        request = (idempotency_key(req), req.get_body())
        made = await subscribing.create(organization, read_json(req), request, datetime.now(UTC))
        return json_response(subscribed_json(made), 201)


def _add_endpoint_routes(bp: func.Blueprint, guard: Guard, subscribing: Subscribing) -> None:
    @bp.route(ONE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def get_webhook(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        endpoint = await subscribing.read(organization, req.route_params["webhook_id"])
        return json_response(endpoint_json(endpoint))

    @bp.route(ONE, methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def patch_webhook(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        changes = read_json(req)
        endpoint = await subscribing.change(organization, req.route_params["webhook_id"], changes)
        return json_response(endpoint_json(endpoint))

    @bp.route(ONE, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def delete_webhook(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        await subscribing.delete(organization, req.route_params["webhook_id"])
        return no_content()

    @bp.route(f"{ONE}/rotate-secret", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def rotate_webhook_secret(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        webhook_id = req.route_params["webhook_id"]
        rotated = await subscribing.rotate(organization, webhook_id, datetime.now(UTC))
        return json_response(subscribed_json(rotated))


def _add_delivery_routes(bp: func.Blueprint, guard: Guard, notifying: Notifying) -> None:
    @bp.route(f"{ONE}/test", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def test_webhook(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        webhook_id = req.route_params["webhook_id"]
        event = await notifying.test(organization, webhook_id, datetime.now(UTC))
        return json_response({"event_id": event.id}, 202)

    @bp.route(f"{ONE}/dead-letters", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    @takes("page_size", "continuation")
    async def get_dead_letters(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        query = req.params
        page, end = await notifying.page(
            organization,
            req.route_params["webhook_id"],
            after=continuation(query, CONTINUATION),
            size=page_size(query),
        )
        items = [dead_letter_json(letter) for letter in page]
        return json_response({"items": items, "continuation": end})

    @bp.route(f"{ONE}/replay", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def replay_webhook(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        webhook_id = req.route_params["webhook_id"]
        event_id, since = _read_replay(read_json(req))
        if since is None:
            await notifying.replay_event(organization, webhook_id, event_id)
            return json_response({"replayed_count": 1, "complete": True}, 202)
        count, complete = await notifying.replay_since(organization, webhook_id, since)
        return json_response({"replayed_count": count, "complete": complete}, 202)


def _read_replay(value: object) -> tuple[str, datetime | None]:
    """Return the id of an event, or the time since when all are meant."""
    fields = Fields(value, {"event_id", "since"})
    event_id, since = fields.optional_line("event_id", LONGEST_ID), fields.optional_moment("since")
    if (event_id is None) == (since is None):
        raise InvalidRequestError("Either event_id or since is needed, not both.")
    if event_id is not None and not EVENT_ID.fullmatch(event_id):
        fields.wrong("event_id", "This is not the id of an event.")
    return event_id or "", since
