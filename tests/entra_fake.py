"""Microsoft Entra as the issuer of access tokens, in small: its keys over TLS, and its tokens.

Tokens have the claims of Entra's, of both versions:
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import asyncio
import base64
import functools
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web
from certificates import server_context
from cryptography.hazmat.primitives.asymmetric import rsa
from fake import Fake

TENANT = "7f0c0a52-6c5d-4f7e-9a3e-0d5a4e1b2c33"
OTHER_TENANT = "0a0b0c0d-1111-4222-8333-444455556666"
API = "aa11bb22-3333-4444-8555-666677778888"
#: Client ids of applications: a CRM's, another's, the sellers' pages, and one that is not allowed.
CRM = "c0000000-0000-4000-8000-000000000001"
OTHER_CRM = "c0000000-0000-4000-8000-000000000002"
PAGES = "c0000000-0000-4000-8000-000000000003"
STRANGER = "c0000000-0000-4000-8000-000000000009"
#: Object ids of users.
KIM = "d0000000-0000-4000-8000-000000000001"
LEE = "d0000000-0000-4000-8000-000000000002"
BOSS = "d0000000-0000-4000-8000-000000000003"

ADMIN_ROLE, CRM_ROLE, SELLER_ROLE = "Engagement.Admin", "Engagement.Crm", "Engagement.Seller"
SECONDS = 3_600

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key pair, the same for the same *name*; its id is the name."""
    size = 1024 if name == "weak" else 2048
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    """The public half of a key as Entra publishes it."""
    numbers = rsa_key(name).public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    key = {
        "kty": "RSA",
        "use": "sig",
        "kid": name,
        "x5t": name,
        "n": base64url(modulus),
        "e": "AQAB",
        "x5c": ["MIIC/jCCAeagAwIBAgIJ"],
        "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
    }
    return {name: value for name, value in {**key, **changes}.items() if value is not None}


def answering(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer with anything at all."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return fault


def publishing(*keys: dict[str, Any]) -> Fault:
    """Answer with these keys."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": list(keys)})

    return fault


async def hanging(request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def trickling(request: web.Request) -> web.StreamResponse:
    """Begin to answer and never end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"keys": [')
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    """Answer with more than anybody wants."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(b" " * 65_536)
        await asyncio.sleep(0)  # or nobody would notice that the other side is gone
    return response


async def breaking_off(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent."""
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"keys": [')
    assert request.transport is not None
    request.transport.abort()
    return response


class EntraFake(Fake):
    """A tenant that publishes its keys; *fault*, if there is one, answers instead."""

    def __init__(self, certificate: Path) -> None:
        super().__init__()
        self.certificate = certificate
        self.reset()

    def reset(self) -> None:
        """Publish the first key, and forget who asked."""
        self.published = [jwk("key-1")]
        self.fault: Fault | None = None
        #: raw path of every request, oldest first
        self.asked: list[str] = []

    def settings(self, **more: str) -> dict[str, str]:
        """Settings of a deployment that takes this tenant's tokens."""
        return {
            "ENGAGEMENT_ENTRA_TENANT_ID": TENANT,
            "ENGAGEMENT_ENTRA_CLIENT_ID": API,
            "ENGAGEMENT_ENTRA_APPLICATIONS": f"{CRM},{OTHER_CRM},{PAGES}",
            "ENGAGEMENT_ENTRA_AUTHORITY": self.authority,
            **more,
        }

    def claims(self, version: str = "2.0", **changes: Any) -> dict[str, Any]:
        """Claims of a token of either version; those that are changed to None are missing."""
        now = int(time.time())
        issuers = {
            "1.0": f"https://sts.windows.net/{TENANT}/",
            "2.0": f"{self.authority}/{TENANT}/v2.0",
        }
        client = {"1.0": "appid", "2.0": "azp"}[version]
        claims = {
            "aud": API if version == "2.0" else f"api://{API}",
            "iss": issuers[version],
            "iat": now - 5,
            "nbf": now - 5,
            "exp": now + SECONDS,
            "aio": "AWQAm/8XAAAA",
            client: CRM,
            f"{client}acr": "1",
            "rh": "0.AXoAUgoM",
            "tid": TENANT,
            "uti": uuid.uuid4().hex,
            "ver": version,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def application_claims(self, version: str = "2.0", **changes: Any) -> dict[str, Any]:
        """Claims of an application that calls by itself."""
        principal = "e0000000-0000-4000-8000-000000000001"
        own = {"oid": principal, "sub": principal, "roles": [CRM_ROLE]}
        return self.claims(version, **{**own, **changes})

    def user_claims(self, version: str = "2.0", **changes: Any) -> dict[str, Any]:
        """Claims of a user who calls by means of the pages."""
        client = {"1.0": "appid", "2.0": "azp"}[version]
        own = {
            client: PAGES,
            f"{client}acr": "0",
            "oid": KIM,
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
            "name": "Kim Seller",
            "scp": "access_as_user",
            "roles": [SELLER_ROLE],
        }
        return self.claims(version, **{**own, **changes})

    async def start(self) -> None:
        """Open the port."""
        app = web.Application()
        app.router.add_get(f"/{TENANT}/discovery/v2.0/keys", self._keys)
        app.router.add_route("*", "/{path:.*}", self._nothing)
        self.authority = await self.serve(app, server_context(self.certificate))

    async def _keys(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.raw_path)
        if self.fault is not None:
            return await self.fault(request)
        return web.json_response({"keys": self.published})

    async def _nothing(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.raw_path)
        return web.json_response({"keys": [jwk("key-of-nobody")]})


def signed(claims: dict[str, Any], key: str = "key-1", **header: Any) -> str:
    """A token with these claims; *header* changes what its first part says, None takes away."""
    first = {"typ": "JWT", "alg": "RS256", "kid": key, **header}
    return jwt.encode(claims, rsa_key(key), "RS256", headers=first)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def signed_parts(header: bytes, payload: bytes, key: str = "key-1") -> str:
    """A token of any two parts, rightly signed."""
    algorithm = jwt.get_algorithm_by_name("RS256")
    start = f"{base64url(header)}.{base64url(payload)}"
    return f"{start}.{base64url(algorithm.sign(start.encode(), rsa_key(key)))}"
