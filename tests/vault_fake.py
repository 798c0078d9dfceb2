"""Azure Key Vault's secrets, and the endpoint of a managed identity, in small and over TLS.

They refuse whatever deviates from the documented contract, in the documented shape:
https://learn.microsoft.com/rest/api/keyvault/secrets and
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from certificates import server_context

HEADER = "a-secret-of-the-host"
RESOURCE = "https://vault.azure.net"
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")


def vault_error(status: int, code: str, inner: str = "") -> web.Response:
    """An error of Key Vault's."""
    error: dict[str, Any] = {"code": code, "message": "About the secret of ann@fabrikam.example."}
    if inner:
        error["innererror"] = {"code": inner}
    return web.json_response({"error": error}, status=status)


class VaultFake:
    """A vault, and who may read and write in it."""

    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        #: versions of each secret, newest last
        self.secrets: dict[str, list[dict[str, Any]]] = {}
        self.may_read = self.may_write = True
        #: how many versions a page names
        self.page = 25
        #: called with the secret's name before it is written
        self.before_write: Any = None
        self.handler: Any = None
        #: method and path of every request to the vault
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        #: what the managed identity gives tokens for
        self.resources = {RESOURCE}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> VaultFake:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def environment(self) -> dict[str, str]:
        """What the environment says where the vault is used: whom to trust, who one is."""
        return {
            "SSL_CERT_FILE": str(self.certificate),
            "IDENTITY_ENDPOINT": self.identity,
            "IDENTITY_HEADER": HEADER,
        }

    def answer_all(self, handler: Any) -> None:
        """Answer whatever is asked, of a vault or not, by *handler* instead."""
        self.handler = handler

    def put(self, name: str, value: str, **more: Any) -> str:
        """Make a version, and return which."""
        version = secrets.token_hex(16)
        self.secrets.setdefault(name, []).append({"version": version, "value": value, **more})
        return version

    def values(self, name: str) -> list[str]:
        """Every value that a secret had, oldest first."""
        return [version["value"] for version in self.secrets[name]]

    async def _start(self) -> None:
        vault = web.Application()
        vault.router.add_route("*", "/{path:.*}", self._vault)
        identity = web.Application()
        identity.router.add_get("/msi/token", self._token)
        self.runners = [web.AppRunner(app, access_log=None) for app in (vault, identity)]
        ports = []
        for runner, tls in zip(self.runners, (server_context(self.certificate), None), strict=True):
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            ports.append(site._server.sockets[0].getsockname()[1])
        self.url = f"https://127.0.0.1:{ports[0]}"
        self.identity = f"http://127.0.0.1:{ports[1]}/msi/token"

    async def _stop(self) -> None:
        for runner in self.runners:
            await runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        # Which of several identities is meant is no matter here.
        query.pop("client_id", None)
        known = query.pop("resource", None) in self.resources
        named = request.headers.get("X-IDENTITY-HEADER") == HEADER
        if not (known and named and query == {"api-version": "2019-08-01"}):
            return web.json_response({"statusCode": 400, "message": "No."}, status=400)
        token = secrets.token_urlsafe(40)
        self.tokens.add(token)
        life = {"expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
        return web.json_response({"access_token": token, "resource": RESOURCE, **life})

    async def _vault(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        if self.handler is not None:
            answer: web.Response = await self.handler(request)
            return answer
        parts = request.path.strip("/").split("/")
        refusal = self._refusal(request, parts)
        if refusal is not None:
            return refusal
        if request.method == "PUT":
            return await self._set(request, parts[1])
        versions = self.secrets.get(parts[1])
        if not versions:
            return vault_error(404, "SecretNotFound")
        if parts[2:] == ["versions"]:
            return self._versions(request, parts[1], versions)
        return web.json_response(self._bundle(parts[1], versions[-1], "value"))

    def _refusal(self, request: web.Request, parts: list[str]) -> web.Response | None:
        if request.headers.get("Authorization", "")[7:] not in self.tokens:
            return vault_error(401, "Unauthorized")
        named = parts[0] == "secrets" and len(parts) > 1 and NAME.fullmatch(parts[1])
        if not named or request.query.get("api-version") != "7.4":
            return vault_error(400, "BadParameter")
        if (request.method, *parts[2:]) not in (("GET",), ("PUT",), ("GET", "versions")):
            return vault_error(405, "MethodNotAllowed")
        if not (self.may_write if request.method == "PUT" else self.may_read):
            return vault_error(403, "Forbidden", "ForbiddenByRbac")
        return None

    async def _set(self, request: web.Request, name: str) -> web.Response:
        body = await request.json()
        allowed = {"value", "contentType", "tags", "attributes"}
        if set(body) - allowed or not isinstance(body.get("value"), str):
            return vault_error(400, "BadParameter")
        if self.before_write is not None:
            self.before_write(name)
        self.put(name, body.pop("value"), **body)
        return web.json_response(self._bundle(name, self.secrets[name][-1], "value"))

    def _versions(
        self, request: web.Request, name: str, versions: list[dict[str, Any]]
    ) -> web.Response:
        start = int(request.query.get("$skiptoken", "0"))
        page = versions[start : start + self.page]
        more = start + self.page < len(versions)
        link = (
            f"{self.url}/secrets/{name}/versions?api-version=7.4&$skiptoken={start + self.page}"
            if more
            else None
        )
        value = [self._bundle(name, version) for version in page]
        return web.json_response({"value": value, "nextLink": link})

    def _bundle(self, name: str, version: dict[str, Any], *fields: str) -> dict[str, Any]:
        found = {key: version[key] for key in (*fields, "contentType", "tags") if key in version}
        identity = f"{self.url}/secrets/{name}/{version['version']}"
        return {**found, "id": identity, "attributes": {"enabled": True, "created": 1_764_000_000}}
