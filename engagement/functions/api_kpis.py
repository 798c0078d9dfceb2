"""The API of KPIs: what became of a period, and recomputing a day of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import azure.functions as func

from engagement.domain.identifier import MESSAGE_ID
from engagement.domain.organizations.organization import Organization
from engagement.domain.payload import Fields
from engagement.domain.reports.period import read_day, read_period
from engagement.domain.reports.rollup import ORGANIZATION, Group, GroupKind
from engagement.errors import InvalidRequestError
from engagement.functions import kpi_views
from engagement.functions.auth import Guard
from engagement.functions.scopes import own
from engagement.functions.web import continuation, json_response, read_json, takes
from engagement.services import Services

BASE = "api/v1/organizations/{organization_id}/kpis"
LONGEST_ID = 200


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which the CRM reports on periods."""
    bp = func.Blueprint()
    guard = Guard(services)

    @bp.route(BASE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own("sender"))
    @takes("from", "to", "group_by", "sender", "template")
    async def get_kpis(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        query = req.params
        period = read_period(query, datetime.now(UTC).date())
        group, group_by = _group(query), _group_by(query)
        if group is not ORGANIZATION and group_by is not None:
            raise InvalidRequestError("One sender or template has no groups.", "group_by")
        summary = await services.summarizing.summarize(organization, period, group, group_by)
        return json_response(kpi_views.summary_json(summary, group_by))

    @bp.route(f"{BASE}/recompute", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    @takes("continuation")
    async def recompute_kpis(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        now = datetime.now(UTC)
        after = continuation(req.params, MESSAGE_ID)
        on = _read_on(read_json(req), now.date())
        recomputed = await services.rolling_up.recompute(organization, on, now, after=after)
        return json_response(kpi_views.recomputed_json(on.isoformat(), recomputed))

    return bp


def _group(query: Mapping[str, str]) -> Group:
    """Return whose messages are meant; raises InvalidRequestError."""
    if "sender" in query and "template" in query:
        raise InvalidRequestError("Either a sender or a template can be chosen.", "template")
    for name, kind in (("sender", GroupKind.SENDER), ("template", GroupKind.TEMPLATE)):
        if name in query:
            if not query[name].strip() or len(query[name]) > LONGEST_ID:
                raise InvalidRequestError(
                    f"An id with 1 to {LONGEST_ID} characters is needed.", name
                )
            return Group(kind, query[name])
    return ORGANIZATION


def _group_by(query: Mapping[str, str]) -> GroupKind | None:
    """Return which groups are to be shown beside the whole; raises InvalidRequestError."""
    name = query.get("group_by", GroupKind.ORGANIZATION)
    if name not in list(GroupKind):
        raise InvalidRequestError(f"This must be one of {', '.join(GroupKind)}.", "group_by")
    return None if name == GroupKind.ORGANIZATION else GroupKind(name)


def _read_on(value: object, today: date) -> date:
    fields = Fields(value, {"on"})
    on = read_day(fields.line("on", 10), "on")
    # Those who report replies may be a day ahead.
    if on > today + timedelta(days=1):
        fields.wrong("on", "This day is still to come.")
    return on
