"""Access tokens of Microsoft Entra in the Authorization header (RFC 6750).

PyJWT checks the signature, the times and that no claim is missing; what the claims have to say is a
rule of its own (:mod:`engagement.domain.access.principal`).
"""

from __future__ import annotations

import re
from typing import Any

import jwt

from engagement.domain.access.key_set import KEY_ID, Jwk
from engagement.domain.access.principal import Principal, not_accepted, read_principal
from engagement.services.authenticating import Authenticating

#: The name of a scheme is of any case (RFC 9110, section 11.1); a token here has three parts.
CREDENTIALS = re.compile(r"(?i:bearer) +([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)
#: Characters; Entra's tokens have some 2,000, and more with many groups.
LONGEST = 16 * 1024
#: The only one that Entra signs with; what a token says of it counts for nothing.
ALGORITHM = "RS256"
#: Seconds by which clocks may differ.
LEEWAY = 60
TIMES = ("exp", "iat", "nbf")
NEEDED = (*TIMES, "iss", "aud", "tid", "oid", "sub", "ver")


async def read_bearer(authorization: str, authenticating: Authenticating) -> Principal:
    """Return who holds the token in the header.

    Raises UnauthorizedError, always in the same words; ForbiddenError if the token is one that its
    application should not have; RemoteError if the tenant's keys cannot be had.
    """
    match = CREDENTIALS.fullmatch(authorization) if len(authorization) <= LONGEST else None
    if match is None:
        raise not_accepted()
    key = await authenticating.signing_key(_key_id(match[1]))
    if key is None:
        raise not_accepted()
    return read_principal(_claims(match[1], key), authenticating.registration)


def _key_id(token: str) -> str:
    """Return the id of the key that the token says it is signed with: its first part is enough."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise not_accepted() from None
    key_id = header.get("kid")
    # Before anything is fetched for its sake.
    usual = header.get("alg") == ALGORITHM and header.get("typ") == "JWT"
    if not usual or not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
        raise not_accepted()
    return key_id


def _claims(token: str, key: Jwk) -> dict[str, Any]:
    """Return the claims of a token that is signed with *key* and holds now."""
    try:
        claims = jwt.decode(
            token,
            jwt.PyJWK(dict(key), ALGORITHM),
            algorithms=[ALGORITHM],
            leeway=LEEWAY,
            # Audience and issuer depend on each other, and are looked at with the other claims.
            options={"require": list(NEEDED), "verify_aud": False, "verify_iss": False},
        )
    except jwt.PyJWTError:
        raise not_accepted() from None
    # PyJWT takes texts, too.
    if any(type(claims[name]) is not int for name in TIMES):
        raise not_accepted()
    return claims
