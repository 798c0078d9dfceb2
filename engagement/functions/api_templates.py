"""The API of templates: registering them, and how they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.messages.draft import LONGEST_NAME, read_language
from engagement.domain.organizations.organization import Organization
from engagement.domain.payload import Fields
from engagement.domain.templates.template import TEMPLATE_ID
from engagement.errors import InvalidRequestError
from engagement.functions.auth import Guard
from engagement.functions.scopes import shared
from engagement.functions.template_views import template_details_json, template_json
from engagement.functions.web import (
    continuation,
    json_response,
    no_content,
    page_size,
    read_json,
    takes,
)
from engagement.services import Services

BASE = "api/v1/organizations/{organization_id}/templates"
ONE = f"{BASE}/{{template_id}}"
SEGMENTS = ("language", "industry")
CONTINUATION = re.compile(rf"[01]-[0-9]{{10}}-{TEMPLATE_ID.pattern}")


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which the CRM works with templates."""
    bp = func.Blueprint()
    guard = Guard(services)
    templating = services.templating

    async def details(
        organization: Organization,
        template_id: str,
        segment: tuple[str, str] | None = None,
        status: int = 200,
    ) -> func.HttpResponse:
        found = await templating.details(organization, template_id, segment)
        return json_response(template_details_json(*found), status)

    @bp.route(BASE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(shared)
    @takes("page_size", "continuation", *SEGMENTS)
    async def get_templates(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        query = req.params
        page, end = await templating.page(
            organization,
            _segment(query),
            after=continuation(query, CONTINUATION),
            size=page_size(query),
        )
        items = [template_json(template, said) for template, said in page]
        return json_response({"items": items, "continuation": end})

    @bp.route(ONE, methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def put_template(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        template_id = req.route_params["template_id"]
        now = datetime.now(UTC)
        created = await templating.put(organization, template_id, read_json(req), now)
        return await details(organization, template_id, status=201 if created else 200)

    @bp.route(ONE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(shared)
    @takes(*SEGMENTS)
    async def get_template(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        query = req.params
        return await details(organization, req.route_params["template_id"], _segment(query))

    @bp.route(ONE, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def delete_template(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        await templating.delete(organization, req.route_params["template_id"])
        return no_content()

    return bp


def _segment(query: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the segment that is asked for, as ("language", "de"); raises InvalidRequestError."""
    fields = Fields({name: query[name] for name in SEGMENTS if name in query}, SEGMENTS)
    language = read_language(fields)
    industry = fields.optional_line("industry", LONGEST_NAME)
    if language is not None and industry is not None:
        raise InvalidRequestError("Rates are counted by one of the two, not by both.", "industry")
    if language is not None:
        return ("language", language)
    return None if industry is None else ("industry", industry)
