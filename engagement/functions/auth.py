"""Who may call which route of the API: the administrator, or an organization."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.errors import InvalidRequestError, NotFoundError, UnauthorizedError
from engagement.functions.access import Access, Wrapped, wrapped
from engagement.services import Services

HEADER = "x-api-key"

OrganizationHandler = Callable[[func.HttpRequest, Organization], Awaitable[func.HttpResponse]]


class Guard:
    """Wraps handlers with the check of their caller."""

    def __init__(self, services: Services) -> None:
        self.administering = services.administering
        self.admin_digest = _digest(services.admin_key) if services.admin_key else None

    def administrator(self, handler: Wrapped) -> Wrapped:
        """Let only the deployment's administrator through."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            if not self._is_administrator(req):
                raise UnauthorizedError("The administrator's key is needed.")
            return await handler(req)

        return wrapped(handler, check, Access.ADMINISTRATOR)

    def organization(self, handler: OrganizationHandler) -> Wrapped:
        """Let callers with a key of the organization in the path through, and find it for them."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            return await handler(req, await self._keyed(req))

        return wrapped(handler, check, Access.ORGANIZATION)

    def manager(self, handler: OrganizationHandler) -> Wrapped:
        """Like :meth:`organization`, for the administrator too."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            if self._is_administrator(req):
                organization_id = req.route_params["organization_id"]
                return await handler(req, await self.administering.find(organization_id))
            return await handler(req, await self._keyed(req))

        return wrapped(handler, check, Access.MANAGER)

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
        return organization


def _digest(key: str) -> bytes:
    # Digests are of one length, so that comparing them tells nothing of the key's.
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
