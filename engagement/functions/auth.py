"""Who may call which route: every handler is wrapped by one of these, or by none of them served."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.errors import InvalidRequestError, NotFoundError, UnauthorizedError
from engagement.functions.limits import held_back
from engagement.functions.web import answer, check_parameters
from engagement.services import Services

HEADER = "x-api-key"

Wrapped = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]
OrganizationHandler = Callable[[func.HttpRequest, Organization], Awaitable[func.HttpResponse]]


class Access(StrEnum):
    """Who may call a route."""

    ANYONE = "anyone"
    ADMINISTRATOR = "administrator"
    #: with a key of the organization in the path
    ORGANIZATION = "organization"
    #: either of the two
    MANAGER = "administrator or organization"


class Guard:
    """Wraps handlers with the check of their caller."""

    def __init__(self, services: Services) -> None:
        self.administering = services.administering
        self.limiting = services.limiting
        self.admin_digest = _digest(services.admin_key) if services.admin_key else None

    def administrator(self, handler: Wrapped) -> Wrapped:
        """Let only the deployment's administrator through."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            if not self._is_administrator(req):
                raise UnauthorizedError("The administrator's key is needed.")
            check_parameters(req, handler)
            return await handler(req)

        return self._wrapped(handler, check, Access.ADMINISTRATOR)

    def organization(self, handler: OrganizationHandler) -> Wrapped:
        """Let callers with a key of the organization in the path through, and find it for them."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            organization = await self._keyed(req)
            check_parameters(req, handler)
            return await handler(req, organization)

        return self._wrapped(handler, check, Access.ORGANIZATION)

    def manager(self, handler: OrganizationHandler) -> Wrapped:
        """Like :meth:`organization`, for the administrator too."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            if self._is_administrator(req):
                organization_id = req.route_params["organization_id"]
                organization = await self.administering.find(organization_id)
            else:
                organization = await self._keyed(req)
            check_parameters(req, handler)
            return await handler(req, organization)

        return self._wrapped(handler, check, Access.MANAGER)

    def _is_administrator(self, req: func.HttpRequest) -> bool:
        presented = _digest(req.headers.get(HEADER, ""))
        return self.admin_digest is not None and hmac.compare_digest(presented, self.admin_digest)

    async def _keyed(self, req: func.HttpRequest) -> Organization:
        presented = req.headers.get(HEADER, "")
        refusal = UnauthorizedError("A key of this organization is needed in X-Api-Key.")
        if not presented:
            raise refusal
        try:
            organization = await self.administering.find(req.route_params["organization_id"])
        except (NotFoundError, InvalidRequestError):
            # Whether an organization exists is not a stranger's business.
            raise refusal from None
        if not organization.accepts(presented):
            raise refusal
        self.limiting.count_call(organization.key)
        return organization

    def _wrapped(self, handler: Callable[..., Any], check: Wrapped, access: Access) -> Wrapped:
        return wrapped(handler, held_back(self.limiting, check), access)


def anyone(handler: Wrapped) -> Wrapped:
    """Let everybody through."""
    return wrapped(handler, handler, Access.ANYONE)


def wrapped(handler: Callable[..., Any], check: Wrapped, access: Access) -> Wrapped:
    """Return a function that the Functions worker can index, named like *handler*."""

    async def function(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(check, req)

    function.__name__ = function.__qualname__ = handler.__name__
    function.__doc__ = handler.__doc__
    # Read by the test that holds every route against the list of public ones.
    function.access = access  # type: ignore[attr-defined]
    return function


def _digest(key: str) -> bytes:
    # Digests are of one length, so that comparing them tells nothing of the key's.
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
