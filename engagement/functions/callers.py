"""Who calls, by what they show: a key, or an access token of Microsoft Entra."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol

import azure.functions as func

from engagement.domain.access.principal import Principal, Role
from engagement.domain.organizations.organization import Organization
from engagement.errors import (
    EngagementError,
    ForbiddenError,
    InvalidRequestError,
    UnauthorizedError,
)
from engagement.services import Services
from engagement.services.authenticating import Authenticating

API_KEY = "x-api-key"
AUTHORIZATION = "authorization"


class Caller(Protocol):
    """What a route asks of its caller."""

    @property
    def refusal(self) -> EngagementError:
        """The answer to this caller where the route is not for them."""

    @property
    def administers(self) -> bool:
        """Whether the caller manages the deployment's organizations."""

    async def works_for(self, organization: Organization) -> bool:
        """Whether the caller may do in the organization what its CRM does; raises StorageError."""

    async def seller_in(self, organization: Organization) -> str | None:
        """Return the user whose own mail the caller may see to there; raises StorageError."""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Shows a key of an organization, or the administrator's."""

    presented: str = field(repr=False)
    #: bytes or None, digest of the administrator's key
    admin_digest: bytes | None = field(repr=False)

    @property
    def refusal(self) -> EngagementError:
        """What no key and a wrong key have in common."""
        return UnauthorizedError("A key or an access token that holds here is needed.")

    @property
    def administers(self) -> bool:
        """Whether the key is the administrator's; takes constant time."""
        presented = key_digest(self.presented)
        return self.admin_digest is not None and hmac.compare_digest(presented, self.admin_digest)

    async def works_for(self, organization: Organization) -> bool:
        """Whether the key is one of the organization's."""
        return organization.accepts(self.presented)

    async def seller_in(self, organization: Organization) -> str | None:  # noqa: ARG002
        """Return None: a key is nobody's own."""
        return None


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Shows an access token that holds."""

    principal: Principal
    authenticating: Authenticating

    @property
    def refusal(self) -> EngagementError:
        """One answer also where there is no such organization: that is not for the caller."""
        return ForbiddenError(
            "The roles in the token do not allow this, or the organization has not let you in."
        )

    @property
    def administers(self) -> bool:
        """Whether the tenant gave the role of administrators."""
        return Role.ADMIN in self.principal.roles

    async def works_for(self, organization: Organization) -> bool:
        """Whether this is an application that the organization has named."""
        return await self.authenticating.lets_work(organization, self.principal)

    async def seller_in(self, organization: Organization) -> str | None:
        """Return the object id of a seller whom the organization lets in."""
        lets_in = await self.authenticating.lets_sell(organization, self.principal)
        return self.principal.user_id if lets_in else None


class Callers:
    """Reads who calls from a request's headers."""

    def __init__(self, services: Services) -> None:
        self.admin_digest = key_digest(services.admin_key) if services.admin_key else None
        self.api_keys = services.api_keys
        self.authenticating = services.authenticating

    async def of(self, req: func.HttpRequest) -> Caller:
        """Return who calls.

        Raises UnauthorizedError, ForbiddenError, RemoteError, and InvalidRequestError for more than
        one credential (RFC 6750, section 3.1).
        """
        authorization, key = req.headers.get(AUTHORIZATION, ""), req.headers.get(API_KEY, "")
        if authorization and key:
            raise InvalidRequestError(
                "Send either Authorization or X-Api-Key, not both.", "Authorization"
            )
        if authorization and self.authenticating is not None:
            # PyJWT and what it needs take 0.1 s to load, and where nobody signs in nobody needs it.
            from engagement.functions.bearer import read_bearer

            principal = await read_bearer(authorization, self.authenticating)
            caller = TokenHolder(principal, self.authenticating)
            if not principal.roles:
                raise caller.refusal  # wherever to, and without asking the store
            return caller
        holder = KeyHolder(key, self.admin_digest)
        if not key or not self.api_keys:
            raise holder.refusal
        return holder


def key_digest(key: str) -> bytes:
    """Return a digest of a key; all are of one length, so comparing them tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
