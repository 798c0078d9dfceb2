"""The API of lists: all followed emails, also as a spreadsheet, and activities of records."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.domain.reports.selection import read_related, read_selection, record_key
from engagement.functions import list_views
from engagement.functions.auth import Guard
from engagement.functions.scopes import own
from engagement.functions.web import API_HEADERS, json_response, page_size, takes
from engagement.services import Services

BASE = "api/v1/organizations/{organization_id}"
MESSAGES = f"{BASE}/messages"
#: Not below messages, where a host might take its name for the id of one.
EXPORT = f"{BASE}/exports/messages"
ACTIVITIES = f"{BASE}/records/{{type}}/{{record_id}}/activities"

VIEWER = ("time_zone", "language")
PAGE = ("page_size", "continuation")
SELECTION = (
    "followed",
    "sender",
    "record",
    "template",
    "from",
    "to",
    "state",
    "subject",
    "sort",
    "order",
)


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which people look through messages."""
    bp = func.Blueprint()
    guard = Guard(services)
    listing, phrasebook = services.listing, services.phrasebook

    @bp.route(MESSAGES, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own("sender"))
    @takes(*SELECTION, *VIEWER, *PAGE)
    async def get_messages(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        query = req.params
        now, viewer = datetime.now(UTC), phrasebook.viewer(query)
        page, end = await listing.page(
            organization,
            read_selection(query),
            now,
            continuation=query.get("continuation", ""),
            size=page_size(query),
        )
        items = [list_views.row_json(row, now, viewer) for row in page]
        return json_response({"items": items, "continuation": end})

    @bp.route(EXPORT, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own("sender"))
    @takes(*SELECTION, *VIEWER)
    async def export_messages(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        query = req.params
        now, viewer = datetime.now(UTC), phrasebook.viewer(query)
        rows = await listing.export(organization, read_selection(query), now)
        # In a thread, as 50,000 rows take their time.
        sheet = await asyncio.to_thread(list_views.rows_csv, rows, now, viewer)
        disposition = f'attachment; filename="followed-emails-{now:%Y-%m-%d}.csv"'
        return func.HttpResponse(
            sheet,
            headers={**API_HEADERS, "Content-Disposition": disposition},
            mimetype="text/csv",
            charset="utf-8",
        )

    @bp.route(ACTIVITIES, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    @takes("related", *VIEWER, *PAGE)
    async def get_activities(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        query = req.params
        now, viewer = datetime.now(UTC), phrasebook.viewer(query)
        named = record_key(req.route_params["type"], req.route_params["record_id"], "record_id")
        page, end = await listing.activities(
            organization,
            [named, *read_related(query.get("related", ""))],
            continuation=query.get("continuation", ""),
            size=page_size(query),
        )
        base = f"/{MESSAGES.format(organization_id=organization.id)}"
        items = [list_views.tile_json(row, now, viewer, base) for row in page]
        return json_response({"items": items, "continuation": end})

    return bp
