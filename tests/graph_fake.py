"""Microsoft Graph's sendMail, Microsoft Entra's token endpoint and a managed identity, in small.

They refuse whatever deviates from the documented contract, in the documented shape:
https://learn.microsoft.com/graph/api/user-sendmail, https://learn.microsoft.com/graph/errors,
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from aiohttp import web
from certificates import server_context
from fake import Fake

TENANT = "7f0c0a52-6c5d-4f7e-9a3e-0d5a4e1b2c33"
CLIENT = "1c2d3e4f-1111-2222-3333-444455556666"
SECRET = "a-secret-of-the-app"
IDENTITY = "9a8b7c6d-aaaa-bbbb-cccc-ddddeeeeffff"
IDENTITY_HEADER = "a-secret-of-the-host"
LIMIT = 4 * 1024**2

Fault = Callable[["GraphFake", web.Request], Awaitable[web.StreamResponse]]


def graph_error(status: int, code: str, message: str = "", **headers: str) -> web.Response:
    """An error of Graph's."""
    inner = {"date": "2026-11-22T09:00:00", "request-id": "r", "client-request-id": "r"}
    error = {"code": code, "message": message, "innerError": inner}
    return web.json_response({"error": error}, status=status, headers=headers)


def refusing(
    status: int,
    code: str = "UnknownError",
    message: str = "About ann@fabrikam.example.",
    **headers: str,
) -> Fault:
    """Answer with an error of Graph's."""

    async def fault(fake: GraphFake, request: web.Request) -> web.StreamResponse:
        return graph_error(status, code, message, **headers)

    return fault


def answering(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer with anything at all."""

    async def fault(fake: GraphFake, request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return fault


async def answer_lost(fake: GraphFake, request: web.Request) -> web.StreamResponse:
    """Take the message and drop the connection instead of answering."""
    await fake.send_mail(request)
    assert request.transport is not None
    request.transport.abort()
    raise web.HTTPInternalServerError


async def hanging(fake: GraphFake, request: web.Request) -> web.StreamResponse:
    """Take the message and never answer."""
    await fake.send_mail(request)
    await asyncio.Event().wait()
    raise AssertionError


@dataclass(frozen=True)
class Taken:
    """A message that Graph took."""

    mailbox: str
    mime: EmailMessage
    #: those whom Graph sends it to
    recipients: list[str]


class GraphFake(Fake):
    """A tenant with one mailbox and one app; *faults* come first, one for each sendMail."""

    def __init__(self, certificate: Path, *mailboxes: str) -> None:
        self.certificate = certificate
        self.mailboxes = set(mailboxes)
        #: mailboxes that the app's policy keeps it out of
        self.barred: set[str] = set()
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Forget what was, but for the tokens that were given."""
        self.faults: list[Fault] = []
        self.token_faults: list[Fault] = []
        self.taken: list[Taken] = []
        #: raw path of every request to Graph, oldest first
        self.asked: list[str] = []
        self.tokens: dict[str, float] = {}
        self.assertions: set[str] = set()
        #: whether the app's registration trusts the managed identity
        self.trusting = True

    def settings(self, **more: str) -> dict[str, str]:
        """Settings of a deployment that sends through this tenant."""
        return {
            "ENGAGEMENT_GRAPH_TENANT_ID": TENANT,
            "ENGAGEMENT_GRAPH_CLIENT_ID": CLIENT,
            "ENGAGEMENT_GRAPH_CLIENT_SECRET": SECRET,
            "ENGAGEMENT_GRAPH_URL": self.url,
            "ENGAGEMENT_GRAPH_AUTHORITY": self.authority,
            **more,
        }

    def host_environment(self) -> dict[str, str]:
        """What the environment says where the app runs: whom to trust, and where its identity is.

        The first is for requests, which msal calls Entra with; Azure sets the others.
        """
        return {
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": IDENTITY_HEADER,
        }

    def revoke_tokens(self) -> None:
        """Accept no token that was given until now."""
        self.tokens.clear()

    # Microsoft Graph

    async def send_mail(self, request: web.Request) -> web.Response:
        """Take one message, or refuse it in the documented way."""
        refusal = self._refusal_of_caller(request)
        if refusal is not None:
            return refusal
        mailbox = request.match_info["mailbox"]
        if request.query_string or request.headers.get("Content-Type") != "text/plain":
            return graph_error(415, "RequestBodyRead")
        body = await request.read()
        if len(body) > LIMIT:
            return graph_error(413, "RequestEntityTooLarge")
        try:
            mime = base64.b64decode(body, validate=True)
        except binascii.Error:
            mime = b""
        if not mime:
            text = "Invalid base64 string for MIME content."
            return graph_error(400, "ErrorMimeContentInvalidBase64String", text)
        return self._take(mailbox, mime)

    def _refusal_of_caller(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0) < time.time():
            return graph_error(401, "InvalidAuthenticationToken", "Access token has expired.")
        mailbox = request.match_info["mailbox"]
        if mailbox not in self.mailboxes:
            return graph_error(404, "ErrorInvalidUser", f"The user '{mailbox}' is invalid.")
        if mailbox in self.barred:
            text = "Access to OData is disabled: [RAOP] : Blocked by tenant policy."
            return graph_error(403, "ErrorAccessDenied", text)
        return None

    def _take(self, mailbox: str, mime: bytes) -> web.Response:
        message: Any = message_from_bytes(mime, policy=policy.default)
        lines = [str(message[name]) for name in ("To", "Cc", "Bcc") if message[name]]
        recipients = [address for _, address in getaddresses(lines) if address]
        if not recipients:
            return graph_error(400, "ErrorInvalidRecipients", "At least one recipient is needed.")
        if [address for _, address in getaddresses([str(message["From"])])] != [mailbox]:
            return graph_error(403, "ErrorSendAsDenied")
        if message.defects or not message["MIME-Version"] or b"\n" in mime.replace(b"\r\n", b""):
            return graph_error(400, "ErrorInvalidRequest")
        self.taken.append(Taken(mailbox, message, recipients))
        return web.Response(status=202)

    async def _graph(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.raw_path)
        fault = self.faults.pop(0) if self.faults else None
        return await (fault(self, request) if fault else self.send_mail(request))

    async def _no_segment(self, request: web.Request) -> web.StreamResponse:
        return graph_error(400, "BadRequest", "Resource not found for the segment.")

    # The managed identity, as Azure's host answers for it

    async def _identity(self, request: web.Request) -> web.StreamResponse:
        wanted = {
            "api-version": "2019-08-01",
            "resource": "api://AzureADTokenExchange",
            "client_id": IDENTITY,
        }
        header = request.headers.get("X-IDENTITY-HEADER")
        if header != IDENTITY_HEADER or dict(request.query) != wanted:
            return web.json_response({"statusCode": 400, "message": "No such identity"}, status=400)
        assertion = secrets.token_hex(16)
        self.assertions.add(assertion)
        return web.json_response(
            {
                "access_token": assertion,
                "expires_on": str(int(time.time()) + 86_400),
                "resource": wanted["resource"],
                "token_type": "Bearer",
                "client_id": IDENTITY,
            }
        )

    # Microsoft Entra

    async def _discovery(self, request: web.Request) -> web.StreamResponse:
        base = f"{self.authority}/{TENANT}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    async def _token(self, request: web.Request) -> web.StreamResponse:
        if self.token_faults:
            return await self.token_faults.pop(0)(self, request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("grant_type") != "client_credentials" or form.get("client_id") != CLIENT:
            return _entra_error("unauthorized_client", 700016)
        if form.get("scope") != f"{self.url}/.default":
            return _entra_error("invalid_scope", 70011)
        jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        vouched = form.get("client_assertion_type") == jwt_bearer
        trusted = self.trusting and form.get("client_assertion") in self.assertions
        if vouched and not trusted:
            return _entra_error("invalid_client", 700211)
        if not vouched and form.get("client_secret") != SECRET:
            return _entra_error("invalid_client", 7000215)
        token = secrets.token_urlsafe(32)
        self.tokens[token] = time.time() + 3_600
        seconds = {"expires_in": 3_599, "ext_expires_in": 3_599}
        return web.json_response({"token_type": "Bearer", "access_token": token, **seconds})

    async def start(self) -> None:
        """Open the ports of both."""
        graph = web.Application(client_max_size=100 * 1024**2)
        graph.router.add_post("/v1.0/users/{mailbox}/sendMail", self._graph)
        graph.router.add_get("/msi/token", self._identity)
        graph.router.add_route("*", "/{path:.*}", self._no_segment)
        entra = web.Application()
        entra.router.add_get(f"/{TENANT}/v2.0/.well-known/openid-configuration", self._discovery)
        entra.router.add_post(f"/{TENANT}/oauth2/v2.0/token", self._token)
        self.url = await self.serve(graph)
        self.authority = await self.serve(entra, server_context(self.certificate))


def _entra_error(error: str, number: int) -> web.Response:
    text = f"AADSTS{number}: Something about the app '{CLIENT}'."
    value = {"error": error, "error_description": text, "error_codes": [number]}
    status = 401 if error == "invalid_client" else 400
    return web.json_response(value, status=status)
