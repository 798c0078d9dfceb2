"""The API of messages: drafts, sending, the timeline, replies."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.messages.draft import read_draft
from engagement.domain.messages.reply import read_reply
from engagement.domain.organizations.organization import Organization
from engagement.domain.payload import Fields
from engagement.domain.reports.viewer import Viewer
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.scopes import own_message
from engagement.functions.web import (
    continuation,
    idempotency_key,
    json_response,
    page_size,
    read_json,
    takes,
)
from engagement.services import Services
from engagement.services.sending import DELIVERIES, Order

BASE = "api/v1/organizations/{organization_id}/messages"
ONE = f"{BASE}/{{message_id}}"
CONTINUATION = re.compile(r"[0-9]{13}-[0-9a-f]{8,12}")


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which the CRM works with messages."""
    bp = func.Blueprint()
    guard = Guard(services)

    anybody = services.phrasebook.viewer({})

    async def details(
        organization: Organization, message_id: str, status: int = 200, viewer: Viewer = anybody
    ) -> func.HttpResponse:
        now = datetime.now(UTC)
        found = await services.reading.details(organization, message_id, now)
        return json_response(views.details_json(found, now, viewer), status)

    @bp.route(BASE, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def post_message(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        message_id = await services.drafting.create(
            organization,
            read_draft(await services.templating.filled(organization, read_json(req))),
            (idempotency_key(req), req.get_body()),
            datetime.now(UTC),
        )
        return await details(organization, message_id, 201)

    @bp.route(ONE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own_message(services.reading))
    @takes("time_zone", "language")
    async def get_message(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        viewer = services.phrasebook.viewer(req.params)
        return await details(organization, req.route_params["message_id"], viewer=viewer)

    @bp.route(ONE, methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def patch_message(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        message_id = req.route_params["message_id"]
        changes = await services.templating.checked(organization, read_json(req))
        await services.drafting.change(organization, message_id, changes, datetime.now(UTC))
        return await details(organization, message_id)

    @bp.route(f"{ONE}/send", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def send_message(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        fields = Fields(read_json(req), {"delivery", "now"})
        order = Order(
            fields.choice("delivery", DELIVERIES),
            idempotency_key(req),
            fields.flag("now", default=False),
        )
        message_id = req.route_params["message_id"]
        sent = await services.scheduling.send(organization, message_id, order)
        now = datetime.now(UTC)
        found = await services.reading.details(organization, message_id, now)
        path = f"/{ONE.format(organization_id=organization.id, message_id=message_id)}"
        copies = views.copies_json(sent, path)
        return json_response({**views.details_json(found, now, anybody), "copies": copies})

    @bp.route(f"{ONE}/timeline", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own_message(services.reading))
    @takes("page_size", "continuation")
    async def get_timeline(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        query = req.params
        message, page, end = await services.reading.timeline(
            organization,
            req.route_params["message_id"],
            after=continuation(query, CONTINUATION),
            size=page_size(query),
        )
        items = [views.interaction_json(message, interaction) for interaction in page]
        return json_response({"items": items, "continuation": end})

    @bp.route(f"{ONE}/replies", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def post_reply(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        now = datetime.now(UTC)
        message, interaction = await services.replying.add(
            organization,
            req.route_params["message_id"],
            read_reply(read_json(req), now),
            (idempotency_key(req), req.get_body()),
            now,
        )
        return json_response(views.interaction_json(message, interaction), 201)

    return bp
