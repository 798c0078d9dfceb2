"""Holding callers of the API back who show nothing that holds, again and again."""

from __future__ import annotations

import azure.functions as func

from engagement.domain.organizations.organization import API_KEY
from engagement.errors import UnauthorizedError
from engagement.functions.web import Handler
from engagement.services.limiting import Limiting


def held_back(limiting: Limiting, check: Handler) -> Handler:
    """Count what *check* refuses by its source, which is told 429 in place of 401 when it is much.

    A credential that holds is let through however many from the same address do not: CRMs share
    their outbound addresses with others. But for the administrator's key: people choose it, so
    it may be weak, and a source that was refused too often is not told whether it guessed right.
    """

    async def held(req: func.HttpRequest) -> func.HttpResponse:
        headers = req.headers
        key = headers.get("x-api-key", "")
        if key and not API_KEY.fullmatch(key):
            limiting.check_refusals(headers)
        try:
            return await check(req)
        except UnauthorizedError:
            limiting.count_refusal(headers)
            raise

    return held
