"""The API of a message's attachments."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.domain.file_name import content_disposition
from engagement.domain.organizations.organization import Organization
from engagement.errors import InvalidRequestError, NotFoundError
from engagement.functions import views
from engagement.functions.auth import Guard
from engagement.functions.web import (
    API_HEADERS,
    flag,
    idempotency_key,
    json_response,
    no_content,
    takes,
)
from engagement.services import Services
from engagement.services.attaching import Upload

BASE = "api/v1/organizations/{organization_id}/messages/{message_id}/attachments"
ONE = f"{BASE}/{{attachment_id}}"


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes by which the CRM works with attachments."""
    bp = func.Blueprint()
    guard = Guard(services)
    attaching = services.attaching

    @bp.route(BASE, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    @takes("name", "followed")
    async def post_attachment(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        attachment = await attaching.add(
            organization, req.route_params["message_id"], _upload(req), datetime.now(UTC)
        )
        return json_response(views.attachment_json(attachment), 201)

    @bp.route(ONE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def get_attachment(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        attachment, data = await attaching.read(
            organization, req.route_params["message_id"], _number(req)
        )
        headers = {
            **API_HEADERS,
            "Content-Disposition": content_disposition(attachment.name),
            # As a mimetype, text would be given a charset of its own.
            "Content-Type": attachment.content_type,
        }
        return func.HttpResponse(data, headers=headers)

    @bp.route(ONE, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
    @guard.organization
    async def delete_attachment(
        req: func.HttpRequest, organization: Organization
    ) -> func.HttpResponse:
        message_id = req.route_params["message_id"]
        await attaching.remove(organization, message_id, _number(req), datetime.now(UTC))
        return no_content()

    return bp


def _upload(req: func.HttpRequest) -> Upload:
    query = req.params
    name = query.get("name", "")
    if not name:
        raise InvalidRequestError("The file's name is needed.", "name")
    content_type = req.headers.get("content-type", "application/octet-stream")
    if content_type.lower().startswith("multipart/form-data"):
        raise InvalidRequestError(
            "Send the file itself as the body, not as a form.", "Content-Type"
        )
    return Upload(
        name=name,
        content_type=content_type,
        followed=flag(query, "followed", default=False),
        data=req.get_body(),
        idempotency_key=idempotency_key(req),
    )


def _number(req: func.HttpRequest) -> int:
    value: str = req.route_params["attachment_id"]
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise NotFoundError("There is no such attachment.")
    return int(value)
