"""Who holds an access token, and what it is good for.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference says what the
claims mean, and https://learn.microsoft.com/entra/identity-platform/claims-validation which of them
an API has to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engagement.domain.access.registration import Registration
from engagement.domain.identifier import GUID
from engagement.errors import ForbiddenError, UnauthorizedError

#: What an application has to be allowed to do in a user's name.
SCOPE = "access_as_user"
#: Claim that names the application that asked for the token, by the token's version.
APPLICATION_CLAIMS = {"1.0": "appid", "2.0": "azp"}


class Role(StrEnum):
    """The app roles that the tenant's administrators give to users and applications."""

    ADMIN = "Engagement.Admin"
    CRM = "Engagement.Crm"
    SELLER = "Engagement.Seller"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever calls: an application by itself, or a user by means of one."""

    #: str, client id of the application
    application_id: str
    #: str or None, object id of the user
    user_id: str | None
    roles: frozenset[Role]


def read_principal(claims: Mapping[str, Any], registration: Registration) -> Principal:
    """Return who holds a token with these claims, of which signature and times are checked.

    Raises UnauthorizedError if the token is none of the tenant's for the API, and ForbiddenError if
    it is one that the application should not have.
    """
    version = claims.get("ver")
    if not isinstance(version, str) or claims.get("iss") != registration.issuers.get(version, ""):
        raise not_accepted()
    audience, tenant = claims.get("aud"), claims.get("tid")
    # A list might name others, who would be able to use the token here.
    if not isinstance(audience, str) or audience not in registration.audiences:
        raise not_accepted()
    if tenant != registration.tenant_id:
        raise not_accepted()
    application_id = _guid(claims.get(APPLICATION_CLAIMS[version]))
    if registration.applications and application_id not in registration.applications:
        raise ForbiddenError("This application may not call the API.")
    user_id = None if _of_an_application(claims) else _guid(claims.get("oid"))
    if user_id is not None and SCOPE not in _scopes(claims):
        raise ForbiddenError(f"The token lacks the scope {SCOPE}.")
    return Principal(application_id, user_id, _roles(claims))


def not_accepted() -> UnauthorizedError:
    """Return the one answer to every token that does not hold, which does not say why."""
    return UnauthorizedError(
        "A key or an access token that holds here is needed.", 'Bearer error="invalid_token"'
    )


def _of_an_application(claims: Mapping[str, Any]) -> bool:
    """Whether an application got the token for itself; ID tokens and those of users are not it."""
    kind, scopes = claims.get("idtyp"), claims.get("scp")
    if kind == "app":
        if scopes is not None:
            raise not_accepted()
        return True
    if kind is not None or scopes is not None:
        return False
    # The optional claim idtyp is missing unless the app registration asks for it. Without it this
    # is the sign: a user's subject differs from one application to the next.
    return isinstance(claims.get("oid"), str) and claims["oid"] == claims.get("sub")


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    scopes = claims.get("scp", "")
    if not isinstance(scopes, str):
        raise not_accepted()
    return scopes.split(" ")


def _roles(claims: Mapping[str, Any]) -> frozenset[Role]:
    roles = claims.get("roles", [])
    if not isinstance(roles, list):
        raise not_accepted()
    # The registration may have roles that mean nothing here.
    return frozenset(role for role in Role if role.value in roles)


def _guid(value: object) -> str:
    guid = value.lower() if isinstance(value, str) else ""
    if not GUID.fullmatch(guid):
        raise not_accepted()
    return guid
