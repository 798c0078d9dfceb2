"""What a seller may ask for: templates and advice, and of mail and alerts only the own.

A seller is known by the object id in the access token; the CRM names the senders of messages, and
the users who are told, by the same ids.
"""

from __future__ import annotations

from contextlib import suppress

import azure.functions as func

from engagement.domain.alerts.alert import user_key
from engagement.domain.organizations.organization import Organization
from engagement.errors import ForbiddenError, NotFoundError
from engagement.functions.auth import Scope
from engagement.services.reading import Reading


async def shared(req: func.HttpRequest, organization: Organization, user_id: str) -> None:
    """Let every seller go on: this is nobody's own."""


def own(parameter: str) -> Scope:
    """Let sellers go on who name themselves in a *parameter* of the query."""

    async def scope(
        req: func.HttpRequest,
        organization: Organization,  # noqa: ARG001 - of every scope
        user_id: str,
    ) -> None:
        if req.params.get(parameter) != user_id:
            raise ForbiddenError(
                f"Sellers see their own only: {parameter} has to be the object id in the token."
            )

    return scope


async def own_alert(
    req: func.HttpRequest,
    organization: Organization,  # noqa: ARG001 - of every scope
    user_id: str,
) -> None:
    """Let sellers go on with alerts of their own; others' do not exist for them."""
    if not req.route_params["alert_id"].startswith(f"{user_key(user_id)}-"):
        raise NotFoundError("There is no such alert.")


def own_message(reading: Reading) -> Scope:
    """Let sellers go on with messages that they send; others' do not exist for them."""

    async def scope(req: func.HttpRequest, organization: Organization, user_id: str) -> None:
        sender_id = None
        with suppress(NotFoundError):
            sender_id = await reading.sender_id(organization, req.route_params["message_id"])
        if sender_id != user_id:
            raise NotFoundError("There is no such message.")

    return scope
