"""Secrets in Azure Key Vault, over its REST API of version 7.4.

https://learn.microsoft.com/rest/api/keyvault/secrets. There is no If-Match: each write makes a new
version, whoever else writes. So a write looks before whether the secret is still the one that was
read, and afterwards whether another version came in between.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from engagement.errors import ConfigurationError, ConflictError, NotFoundError, RemoteError

VERSION = "7.4"
#: Names of vaults end so: in Azure, in that of the US government, and in China.
CLOUDS = ("vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECRET_NAME = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
SECONDS = 30.0
#: What a write keeps of the version before it.
KEPT = ("contentType", "tags")

_REFUSALS = {
    401: "Key Vault did not accept the sign-in; is it of the vault's tenant?",
    403: "Key Vault refused: the role Key Vault Secrets Officer is needed to change a secret, "
    "Key Vault Secrets User to read one, and the vault's firewall has to let this machine in",
    429: "Key Vault is too busy; try again in a minute",
}
_CHANGED = "The secret was changed by somebody else meanwhile; nothing was written. Try again."

Token = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Secret:
    """One version of a secret."""

    value: str = field(repr=False)
    #: str, last part of its id
    version: str
    #: Mapping, what else there is to keep
    more: Mapping[str, Any]


class KeyVault:
    """One vault, by its https address. *token* gives an access token for a scope.

    A token for Key Vault opens every vault of whoever is signed in, so it goes to vaults only, or
    to this machine, where tests have theirs.
    """

    def __init__(self, url: str, token: Token) -> None:
        parts = urlsplit(url.rstrip("/"))
        host = parts.hostname or ""
        cloud = next((end for end in CLOUDS if host.endswith(f".{end}")), None)
        known = (cloud and parts.port in (None, 443)) or host in LOOPBACK
        if parts.scheme != "https" or parts.username or parts.path or not known:
            raise ConfigurationError("A vault looks like https://contoso.vault.azure.net.")
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._scope = f"https://{cloud or CLOUDS[0]}/.default"
        self._token = token
        self._proxies = host not in LOOPBACK

    async def read(self, name: str) -> Secret:
        """Return the newest version of a secret; raises NotFoundError, RemoteError."""
        answer = await self._call("GET", f"/secrets/{_checked(name)}")
        more = {key: answer[key] for key in KEPT if key in answer}
        return Secret(answer["value"], answer["id"].rpartition("/")[2], more)

    async def write(self, name: str, value: str, read: Secret) -> str:
        """Write a new version in place of the one that was *read*; return which it is.

        Raises ConflictError if somebody else wrote as well, and RemoteError.
        """
        known = await self._versions(name)
        if read.version not in known or (await self.read(name)).version != read.version:
            raise ConflictError(_CHANGED)
        body = {**read.more, "value": value}
        answer = await self._call("PUT", f"/secrets/{_checked(name)}", body)
        version: str = answer["id"].rpartition("/")[2]
        others = await self._versions(name) - known - {version}
        if others:
            raise ConflictError(
                f"Somebody else wrote the secret at the same time: compare its versions {version} "
                f"(this one) and {', '.join(sorted(others))}, and write what both meant."
            )
        return version

    async def _versions(self, name: str) -> set[str]:
        found: set[str] = set()
        path = f"/secrets/{_checked(name)}/versions"
        while path:
            page = await self._call("GET", path)
            found |= {item["id"].rpartition("/")[2] for item in page["value"]}
            path = self._inside(page.get("nextLink"))
        return found

    def _inside(self, link: str | None) -> str:
        """Return path and query of a next page, which has to be of this vault."""
        if not link:
            return ""
        parts = urlsplit(link)
        if parts.hostname != urlsplit(self._url).hostname:
            raise RemoteError("Key Vault named a next page elsewhere.")
        return f"{parts.path}?{parts.query}"

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        query = "" if "api-version=" in path else f"?api-version={VERSION}"
        headers = {"Authorization": f"Bearer {await self._token(self._scope)}"}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        # Made here, so that SSL_CERT_FILE is heeded: aiohttp's own is as old as its import.
        tls = ssl.create_default_context()
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=self._proxies) as session,
                session.request(
                    method,
                    f"{self._url}{path}{query}",
                    json=body,
                    headers=headers,
                    allow_redirects=False,
                    ssl=tls,
                ) as answer,
            ):
                status, text = answer.status, await answer.text()
        except (TimeoutError, aiohttp.ClientError, OSError, UnicodeDecodeError):
            raise RemoteError(
                f"Key Vault could not be reached at {self._url}.", ambiguous=method == "PUT"
            ) from None
        if status != 200:
            raise _refusal(status, text)
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError:
            raise RemoteError("What answered is not Key Vault.") from None
        return found


def _checked(name: str) -> str:
    if not SECRET_NAME.fullmatch(name):
        raise ConfigurationError("A secret's name has letters, digits and hyphens, up to 127.")
    return name


def _refusal(status: int, text: str) -> RemoteError | NotFoundError:
    if status == 404:
        return NotFoundError("The vault holds no such secret.")
    code = re.search(r'"code"\s*:\s*"(\w{1,60})"', text)
    shown = f"{status} {code[1]}" if code else str(status)
    return RemoteError(f"{_REFUSALS.get(status, 'Key Vault refused')} ({shown}).")
