"""The API of organizations: create and delete, settings, API keys."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.domain.organizations.settings_patch import settings_json
from engagement.domain.payload import Fields
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.web import (
    json_response,
    no_content,
    precondition,
    read_json,
    tagged_response,
)
from engagement.services import Services
from engagement.services.administering import Administering

BASE = "api/v1/organizations/{organization_id}"
ONE_KEY = f"{BASE}/api-keys/{{key_id}}"
LONGEST_NAME = 200


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which organizations are managed."""
    bp = func.Blueprint()
    guard = Guard(services)
    administering = services.administering

    @bp.route(BASE, methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.administrator
    async def put_organization(req: func.HttpRequest) -> func.HttpResponse:
        name = Fields(read_json(req), {"name"}).line("name", LONGEST_NAME)
        organization, issued = await administering.create(
            req.route_params["organization_id"], name, datetime.now(UTC)
        )
        value = {"id": organization.id, "name": organization.name}
        if issued is None:
            return json_response(value)
        return json_response({**value, **views.issued_key_json(issued)}, 201)

    @bp.route(BASE, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.administrator
    async def delete_organization(req: func.HttpRequest) -> func.HttpResponse:
        await administering.delete(req.route_params["organization_id"])
        return no_content()

    @bp.route(f"{BASE}/settings", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    async def get_settings(
        req: func.HttpRequest,  # noqa: ARG001 - the binding
        organization: Organization,
    ) -> func.HttpResponse:
        return tagged_response(
            settings_json(await administering.read_settings(organization), administering.shipped)
        )

    @bp.route(f"{BASE}/settings", methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    async def patch_settings(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        settings = await administering.change_settings(
            organization, read_json(req), precondition(req)
        )
        return tagged_response(settings_json(settings, administering.shipped))

    _add_key_routes(bp, guard, administering)
    return bp


def _add_key_routes(bp: func.Blueprint, guard: Guard, administering: Administering) -> None:
    @bp.route(f"{BASE}/api-keys", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    async def get_api_keys(
        req: func.HttpRequest,  # noqa: ARG001 - the binding
        organization: Organization,
    ) -> func.HttpResponse:
        items = [views.api_key_json(key) for key in administering.list_keys(organization)]
        return json_response({"items": items, "continuation": None})

    @bp.route(f"{BASE}/api-keys", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    async def post_api_key(
        req: func.HttpRequest,  # noqa: ARG001 - the binding
        organization: Organization,
    ) -> func.HttpResponse:
        issued = await administering.add_key(organization, datetime.now(UTC))
        return json_response(views.issued_key_json(issued), 201)

    @bp.route(ONE_KEY, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.manager
    async def delete_api_key(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        await administering.revoke_key(organization, req.route_params["key_id"])
        return no_content()
