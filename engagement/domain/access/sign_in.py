"""Whom an organization lets in with an access token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engagement.domain.access.principal import Principal, Role
from engagement.domain.identifier import GUID
from engagement.domain.payload import Fields
from engagement.errors import InvalidRequestError

MOST_APPLICATIONS = 50
#: With so many the row of the settings stays below what a column may hold.
MOST_USERS = 500


@dataclass(frozen=True, slots=True)
class SignIn:
    """The applications and users that an organization has named; a role is needed on top."""

    #: client ids
    applications: frozenset[str] = frozenset()
    #: object ids
    users: frozenset[str] = frozenset()
    #: bool, whether users need not be named
    everyone: bool = False

    def lets_work(self, principal: Principal) -> bool:
        """Whether the caller may do what a key of the organization opens."""
        by_itself = principal.user_id is None and Role.CRM in principal.roles
        return by_itself and principal.application_id in self.applications

    def lets_sell(self, principal: Principal) -> bool:
        """Whether the caller may see to the mail of his or her own."""
        is_seller = principal.user_id is not None and Role.SELLER in principal.roles
        return is_seller and (self.everyone or principal.user_id in self.users)


def sign_in_json(sign_in: SignIn) -> dict[str, Any]:
    """Return whom an organization lets in, in the form of the contract."""
    return {
        "applications": sorted(sign_in.applications),
        "users": sorted(sign_in.users),
        "everyone": sign_in.everyone,
    }


def patched_sign_in(sign_in: SignIn, changes: object, path: str = "sign_in") -> SignIn:
    """Return *sign_in* with *changes*, whose lists replace the old; raises InvalidRequestError."""
    fields = Fields(changes, {"applications", "users", "everyone"}, path)
    return SignIn(
        applications=_ids(fields, "applications", MOST_APPLICATIONS, sign_in.applications),
        users=_ids(fields, "users", MOST_USERS, sign_in.users),
        everyone=fields.flag("everyone", default=sign_in.everyone),
    )


def _ids(fields: Fields, name: str, limit: int, default: frozenset[str]) -> frozenset[str]:
    if name not in fields:
        return default
    return frozenset(_id(item, path) for item, path in fields.items(name, limit))


def _id(value: object, path: str) -> str:
    guid = value.lower() if isinstance(value, str) else ""
    if not GUID.fullmatch(guid):
        raise InvalidRequestError(
            "An id of Microsoft Entra has the form 00000000-0000-0000-0000-000000000000.", path
        )
    return guid
