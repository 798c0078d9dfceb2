"""What is served while a setting is missing or wrong: nobody is lost, and nothing is taken.

Without the triggers of queues and timers, what waits stays where it is.
"""

from __future__ import annotations

import time

import azure.functions as func

from engagement import telemetry
from engagement.errors import ConfigurationError, StorageError
from engagement.functions.access import anyone
from engagement.functions.public import GIF, HEADERS, METHODS, for_strangers
from engagement.functions.web import json_response, problem

#: Seconds between two records of what is wrong; anybody may ask.
PAUSE = 60.0


class Reason:
    """What is wrong, told when the app starts and again while it is asked for something.

    The host drops what is told while no function runs, and so what is told at the start.
    """

    def __init__(self, error: ConfigurationError) -> None:
        self.sentence = telemetry.Sentence(error)
        self.told_at = float("-inf")
        telemetry.error("misconfigured", reason=self.sentence)

    def tell(self, now: float) -> None:
        """Tell it to whoever reads the log, unless that was done a moment ago."""
        if now - self.told_at >= PAUSE:
            self.told_at = now
            telemetry.error("misconfigured", reason=self.sentence)


def blueprint(error: ConfigurationError, surface: str) -> func.Blueprint:
    """Return the routes of a *surface* that cannot be served; they tell callers nothing more."""
    bp = func.Blueprint()
    reason = Reason(error)
    _probes(bp, reason)
    if surface != "private":
        _for_recipients(bp, reason)
    if surface != "public":
        _for_callers(bp, reason)
    return bp


def _probes(bp: func.Blueprint, reason: Reason) -> None:
    @bp.route("healthz", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def healthz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        return _unwell(reason)

    @bp.route("readyz", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def readyz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        return _unwell(reason)


def _for_recipients(bp: func.Blueprint, reason: Reason) -> None:
    @bp.route("o/{file}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    async def pixel(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        reason.tell(time.monotonic())
        return func.HttpResponse(GIF, headers=dict(HEADERS), mimetype="image/gif")

    @bp.route("c/{token}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    async def click(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        return _later(reason)

    @bp.route("a/{token}/{*name}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    async def attachment(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        return _later(reason)


def _for_callers(bp: func.Blueprint, reason: Reason) -> None:
    @bp.route("api/{*path}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @anyone
    async def api(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        reason.tell(time.monotonic())
        return problem(503, "The service is not configured.")


def _unwell(reason: Reason) -> func.HttpResponse:
    reason.tell(time.monotonic())
    return json_response({"status": "misconfigured"}, 503)


def _later(reason: Reason) -> func.HttpResponse:
    """Raise what is answered by the page that asks a recipient to try again."""
    reason.tell(time.monotonic())
    raise StorageError("The service is not configured.")
