"""The API of verdicts: the rules that hold, and scoring history again by them."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.identifier import MESSAGE_ID
from engagement.domain.organizations.organization import Organization
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.web import continuation, json_response, takes
from engagement.services import Services

BASE = "api/v1/organizations/{organization_id}/verdicts"


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which verdicts are understood and corrected."""
    bp = func.Blueprint()
    guard = Guard(services)

    @bp.route(f"{BASE}/rules", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    async def get_rules(
        req: func.HttpRequest,  # noqa: ARG001 - the binding
        organization: Organization,
    ) -> func.HttpResponse:
        return json_response(views.rules_json(await services.judging.rules(organization.key)))

    @bp.route(f"{BASE}/score", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    @takes("continuation")
    async def score_again(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        after = continuation(req.params, MESSAGE_ID)
        report = await services.scoring.score(organization, datetime.now(UTC), after=after)
        return json_response(views.report_json(report))

    return bp
