"""The API of messages that wait for their time, or for the CRM to send them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.web import (
    continuation,
    json_response,
    no_content,
    page_size,
    takes,
)
from engagement.services import Services

BASE = "api/v1/organizations/{organization_id}"
ONE = f"{BASE}/messages/{{message_id}}"
DUE = f"{BASE}/due-messages"
CONTINUATION = re.compile(r"[0-9]{20}-[0-9a-f]{24}")


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which messages are withdrawn, and the due ones listed."""
    bp = func.Blueprint()
    guard = Guard(services)

    @bp.route(ONE, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def delete_message(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        message_id = req.route_params["message_id"]
        await services.withdrawing.delete(organization, message_id, datetime.now(UTC))
        return no_content()

    @bp.route(f"{ONE}/cancel", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def cancel_message(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        message_id = req.route_params["message_id"]
        await services.withdrawing.cancel(organization, message_id)
        now = datetime.now(UTC)
        found = await services.reading.details(organization, message_id, now)
        return json_response(views.details_json(found, now, services.phrasebook.viewer({})))

    @bp.route(DUE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    @takes("page_size", "continuation")
    async def get_due_messages(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        query = req.params
        page, end = await services.reading.waiting(
            organization,
            datetime.now(UTC),
            after=continuation(query, CONTINUATION),
            size=page_size(query),
        )
        items = [views.due_json(message) for message in page]
        return json_response({"items": items, "continuation": end})

    return bp
