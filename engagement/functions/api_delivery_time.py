"""The API of delivery times: when a message should arrive."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.delivery.delivery_wish import read_wish
from engagement.domain.organizations.organization import Organization
from engagement.functions.auth import Guard
from engagement.functions.delivery_time_views import plan_json
from engagement.functions.scopes import shared
from engagement.functions.web import json_response, read_json
from engagement.services import Services

ROUTE = "api/v1/organizations/{organization_id}/delivery-time"


def blueprint(services: Services) -> func.Blueprint:
    """Return the route by which the CRM asks when to send."""
    bp = func.Blueprint()
    guard = Guard(services)

    @bp.route(ROUTE, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(shared)
    async def post_delivery_time(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        now = datetime.now(UTC)
        # What is known of the world's phone numbers takes a moment to load.
        wish = await asyncio.to_thread(read_wish, read_json(req), now)
        plan = await services.advising.plan(organization, wish, now)
        return json_response(plan_json(plan))

    return bp
