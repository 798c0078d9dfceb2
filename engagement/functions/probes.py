"""Whether the app serves, and whether its stores answer; neither tells more."""

from __future__ import annotations

import azure.functions as func

from engagement.functions.access import anyone
from engagement.functions.web import json_response
from engagement.services import PublicServices


def blueprint(services: PublicServices) -> func.Blueprint:
    """Return the health probes."""
    bp = func.Blueprint()

    @bp.route("healthz", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def healthz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        return json_response({"status": "ok"})

    @bp.route("readyz", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def readyz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        await services.ready()
        return json_response({"status": "ok"})

    return bp
