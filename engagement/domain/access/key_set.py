"""The keys that tokens are signed with, as Microsoft Entra publishes them (RFC 7517)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: Also the shape of an id that a token may name; Entra's have 27 or 43 characters.
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
#: Base64url of 256 to 1,024 bytes: RSA with 2,048 bits is the least (RFC 7518, section 3.3).
MODULUS = re.compile(r"[A-Za-z0-9_-]{342,1366}")
EXPONENT = re.compile(r"[A-Za-z0-9_-]{1,8}")
MOST_KEYS = 100

#: What the issuer of a key says where it holds for every tenant.
ANY_TENANT = "{tenantid}"

Jwk = Mapping[str, str]


def read_key_set(body: bytes, tenant_id: str) -> dict[str, Jwk]:
    """Return the RSA keys in *body* that may sign for the tenant, by their ids.

    Keys of other kinds are left out. Raises ValueError if that leaves none.
    """
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("the document is nested too deeply") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise ValueError("the document is no key set")
    found = {key["kid"]: _public(key) for key in keys if _usable(key, tenant_id)}
    if not found:
        raise ValueError("the key set has no key that could be used")
    return found


def _usable(key: Any, tenant_id: str) -> bool:
    return (
        isinstance(key, dict)
        and key.get("kty") == "RSA"
        and key.get("use", "sig") == "sig"
        and key.get("alg", "RS256") == "RS256"
        and _matches(KEY_ID, key.get("kid"))
        and _matches(MODULUS, key.get("n"))
        and _matches(EXPONENT, key.get("e"))
        and _signs_for(key.get("issuer", ANY_TENANT), tenant_id)
    )


def _signs_for(issuer: object, tenant_id: str) -> bool:
    """Whether a key of this issuer may sign for the tenant; that of private accounts may not.

    https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer
    """
    parts = issuer.split("/") if isinstance(issuer, str) else []
    return ANY_TENANT in parts or issuer == ANY_TENANT or tenant_id in parts


def _matches(shape: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and shape.fullmatch(value) is not None


def _public(key: Mapping[str, str]) -> Jwk:
    return {"kty": "RSA", "n": key["n"], "e": key["e"]}
