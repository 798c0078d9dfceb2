"""The API of reminders, one for each message."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.messages.reminder import read_reminder
from engagement.domain.organizations.organization import Organization
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.scopes import own_message
from engagement.functions.web import json_response, no_content, read_json
from engagement.services import Services

ONE = "api/v1/organizations/{organization_id}/messages/{message_id}/reminder"


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which reminders are set, changed and removed."""
    bp = func.Blueprint()
    guard = Guard(services)

    @bp.route(ONE, methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own_message(services.reading))
    async def put_reminder(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        message = await services.reminding.put(
            organization,
            req.route_params["message_id"],
            read_reminder(read_json(req)),
            datetime.now(UTC),
        )
        return json_response(views.reminder_json(message.reminder))

    @bp.route(ONE, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own_message(services.reading))
    async def delete_reminder(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        await services.reminding.remove(organization, req.route_params["message_id"])
        return no_content()

    return bp
