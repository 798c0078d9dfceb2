"""Who may call which route of the API: the administrator, an organization, or its sellers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import azure.functions as func

from engagement.domain.organizations.organization import Organization
from engagement.errors import InvalidRequestError, NotFoundError
from engagement.functions.access import Access, Wrapped, wrapped
from engagement.functions.callers import Caller, Callers
from engagement.functions.limits import held_back
from engagement.functions.web import check_parameters
from engagement.services import Services

OrganizationHandler = Callable[[func.HttpRequest, Organization], Awaitable[func.HttpResponse]]
#: Lets a seller, named by the user's id, go on with a request, or raises what refuses it.
Scope = Callable[[func.HttpRequest, Organization, str], Awaitable[None]]


class Guard:
    """Wraps handlers with the check of their caller."""

    def __init__(self, services: Services) -> None:
        self.administering = services.administering
        self.limiting = services.limiting
        self.callers = Callers(services)

    def administrator(self, handler: Wrapped) -> Wrapped:
        """Let only the deployment's administrator through."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            caller = await self.callers.of(req)
            if not caller.administers:
                raise caller.refusal
            check_parameters(req, handler)
            return await handler(req)

        return self._wrapped(handler, check, Access.ADMINISTRATOR)

    def organization(self, handler: OrganizationHandler) -> Wrapped:
        """Let callers for the organization in the path through, and find it for them."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            organization = await self._worked_for(req, await self.callers.of(req))
            return await _serve(handler, req, organization)

        return self._wrapped(handler, check, Access.ORGANIZATION)

    def manager(self, handler: OrganizationHandler) -> Wrapped:
        """Like :meth:`organization`, for the administrator too."""

        async def check(req: func.HttpRequest) -> func.HttpResponse:
            caller = await self.callers.of(req)
            if caller.administers:
                organization_id = req.route_params["organization_id"]
                organization = await self.administering.find(organization_id)
                return await _serve(handler, req, organization)
            return await _serve(handler, req, await self._worked_for(req, caller))

        return self._wrapped(handler, check, Access.MANAGER)

    def seller(self, scope: Scope) -> Callable[[OrganizationHandler], Wrapped]:
        """Like :meth:`organization`, and for its sellers within *scope*."""

        def wrap(handler: OrganizationHandler) -> Wrapped:
            async def check(req: func.HttpRequest) -> func.HttpResponse:
                caller = await self.callers.of(req)
                organization = await self._named(req, caller)
                works = await caller.works_for(organization)
                user_id = None if works else await caller.seller_in(organization)
                if not works and user_id is None:
                    raise caller.refusal
                # Before what is not the seller's own is refused, for which the store may be asked.
                self.limiting.count_call(organization.key)
                if user_id is not None:
                    await scope(req, organization, user_id)
                return await _serve(handler, req, organization)

            return self._wrapped(handler, check, Access.SELLER)

        return wrap

    def _wrapped(self, handler: Callable[..., Any], check: Wrapped, access: Access) -> Wrapped:
        return wrapped(handler, held_back(self.limiting, check), access)

    async def _worked_for(self, req: func.HttpRequest, caller: Caller) -> Organization:
        """Return the organization that the caller works for, within the limits of its calls."""
        organization = await self._named(req, caller)
        if not await caller.works_for(organization):
            raise caller.refusal
        self.limiting.count_call(organization.key)
        return organization

    async def _named(self, req: func.HttpRequest, caller: Caller) -> Organization:
        try:
            return await self.administering.find(req.route_params["organization_id"])
        except (NotFoundError, InvalidRequestError):
            # Whether an organization exists is not a stranger's business.
            raise caller.refusal from None


async def _serve(
    handler: OrganizationHandler, req: func.HttpRequest, organization: Organization
) -> func.HttpResponse:
    check_parameters(req, handler)
    return await handler(req, organization)
