"""The API of alerts: what a seller is told, and what the seller wants to be told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import azure.functions as func

from engagement.domain.alerts.alert_settings import alerts_json
from engagement.domain.organizations.organization import Organization
from engagement.domain.payload import Fields
from engagement.errors import InvalidRequestError
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.scopes import own, own_alert
from engagement.functions.web import (
    continuation,
    json_response,
    page_size,
    precondition,
    read_json,
    tagged_response,
    takes,
)
from engagement.services import Services

BASE = "api/v1/organizations/{organization_id}"
ONE = f"{BASE}/alerts/{{alert_id}}"
SETTINGS = f"{BASE}/alert-settings"
CONTINUATION = re.compile(r"[01]-[0-9]{13}-[0-9a-f]{16}")
LONGEST_USER_ID = 200
LONGEST_SNOOZE = timedelta(days=30)


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which the CRM shows alerts to sellers."""
    bp = func.Blueprint()
    guard = Guard(services)
    alerting = services.alerting

    @bp.route(f"{BASE}/alerts", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own("user_id"))
    @takes("user_id", "page_size", "continuation")
    async def get_alerts(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        query = req.params
        page, end = await alerting.page(
            organization,
            _user_id(query),
            datetime.now(UTC),
            after=continuation(query, CONTINUATION),
            size=page_size(query),
        )
        items = [views.alert_json(alert) for alert in page]
        return json_response({"items": items, "continuation": end})

    @bp.route(f"{ONE}/snooze", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own_alert)
    async def snooze_alert(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        until = _read_until(read_json(req), datetime.now(UTC))
        alert = await alerting.snooze(organization, req.route_params["alert_id"], until)
        return json_response(views.alert_json(alert))

    @bp.route(f"{ONE}/dismiss", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own_alert)
    async def dismiss_alert(req: func.HttpRequest, organization: Organization) -> func.HttpResponse:
        alert = await alerting.dismiss(organization, req.route_params["alert_id"])
        return json_response(views.alert_json(alert))

    @bp.route(SETTINGS, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own("user_id"))
    @takes("user_id")
    async def get_alert_settings(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        user_id = _user_id(req.params)
        return tagged_response(alerts_json(await alerting.read_settings(organization, user_id)))

    @bp.route(SETTINGS, methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.seller(own("user_id"))
    @takes("user_id")
    async def patch_alert_settings(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        user_id = _user_id(req.params)
        changed = await alerting.change_settings(
            organization, user_id, read_json(req), precondition(req)
        )
        return tagged_response(alerts_json(changed))

    return bp


def _user_id(query: Mapping[str, str]) -> str:
    user_id = query.get("user_id", "")
    if not user_id.strip() or len(user_id) > LONGEST_USER_ID:
        raise InvalidRequestError(
            f"The user whose alerts are meant is needed, in 1 to {LONGEST_USER_ID} characters.",
            "user_id",
        )
    return user_id


def _read_until(value: object, now: datetime) -> datetime:
    fields = Fields(value, {"until"})
    until = fields.optional_moment("until")
    if until is None or not now < until <= now + LONGEST_SNOOZE:
        fields.wrong("until", f"This must be a time within the next {LONGEST_SNOOZE.days} days.")
    return until
