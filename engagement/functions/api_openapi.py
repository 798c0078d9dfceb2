"""The description of the API, for whoever wants to call it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import azure.functions as func

from engagement.domain.precondition import entity_tag
from engagement.functions.access import anyone
from engagement.services import Services

METHODS = ["GET", "HEAD"]
#: It changes with a deployment only; whoever keeps it asks whether it is still the same.
HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


def blueprint(services: Services) -> func.Blueprint:
    """Return the routes that describe the others; nothing is built before somebody asks."""
    bp = func.Blueprint()

    @cache
    def openapi_document() -> tuple[bytes, str]:
        return _written(described(services))

    @cache
    def swagger_document() -> tuple[bytes, str]:
        from engagement.functions.openapi.connector import definition

        # Without a host it is the one that the document comes from.
        value = definition(described(services))
        return _written({name: part for name, part in value.items() if name != "host"})

    @bp.route("api/v1/openapi.json", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def openapi(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(req, openapi_document)

    @bp.route("api/v1/swagger.json", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def swagger(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(req, swagger_document)

    return bp


def described(services: Services) -> dict[str, Any]:
    """Return the OpenAPI document of all routes that these services have."""
    from engagement.functions import blueprints
    from engagement.functions.openapi.document import document, routes_of

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for each in blueprints(services):
        app.register_functions(each)
    return document(routes_of(app))


def _written(value: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(value, ensure_ascii=False).encode(), entity_tag(value)


async def _answer(
    req: func.HttpRequest, written: Callable[[], tuple[bytes, str]]
) -> func.HttpResponse:
    # In a thread, as the first time takes its time.
    body, tag = await asyncio.to_thread(written)
    headers = {**HEADERS, "ETag": tag}
    if tag in req.headers.get("if-none-match", ""):
        return func.HttpResponse(status_code=304, headers=headers)
    return func.HttpResponse(body, headers=headers, mimetype="application/json")
