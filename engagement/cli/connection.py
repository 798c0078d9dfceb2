"""The deployment that a command talks to, and who talks."""

from __future__ import annotations

import argparse
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from engagement.cli.terminal import TRY_AGAIN, WRONG_USE, CommandError, Terminal
from engagement.errors import RemoteError
from engagement.remote.deployment import PASSING, Deployment, Reply, phrase
from engagement.remote.sign_in import SignIn

URL, CLIENT_ID = "ENGAGEMENT_URL", "ENGAGEMENT_ENTRA_CLIENT_ID"
ADMIN_KEY, ORGANIZATION_KEY = "ENGAGEMENT_ADMIN_KEY", "ENGAGEMENT_ORGANIZATION_KEY"
#: What can stand for something in a path.
API = "/api/v1"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
KEY = re.compile(r"[\x21-\x7e]{1,4096}")


def options() -> argparse.ArgumentParser:
    """Return the options of every command that talks to a deployment."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--url", help=f"of the deployment's private app ({URL})")
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--key-stdin",
        action="store_true",
        help=f"read the key from the standard input; else it is {ADMIN_KEY}, "
        f"or for an organization {ORGANIZATION_KEY}",
    )
    who.add_argument(
        "--sign-in", action="store_true", help="use an Entra token, as after az login, and no key"
    )
    parser.add_argument(
        "--client-id", help=f"of the API's app registration, for --sign-in ({CLIENT_ID})"
    )
    return parser


def an_id(text: str) -> str:
    """Read an id from the command line."""
    if not ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            "an id has letters, digits, dots, underscores and hyphens; it begins with a letter or "
            "a digit"
        )
    return text


class Connection:
    """A deployment that answers with JSON or with a problem."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    async def reply(
        self, method: str, path: str, body: object = None, *, repeatable: bool = True
    ) -> Reply:
        """Return any answer; raises CommandError if there is none."""
        try:
            return await self._deployment.call(method, path, body, repeatable=repeatable)
        except RemoteError as error:
            raise CommandError(error.detail, TRY_AGAIN) from error

    async def ask(
        self, method: str, path: str, body: object = None, *, repeatable: bool = True
    ) -> Any:
        """Return the JSON of a success; raises CommandError with what the problem says."""
        return success(await self.reply(method, path, body, repeatable=repeatable))


def success(reply: Reply) -> Any:
    """Return the JSON of a success; raises CommandError with what the problem says."""
    if 200 <= reply.status < 300:
        if reply.body and reply.value is None:
            raise CommandError("The answer is not JSON: is this the private app's URL?")
        return reply.value
    value = reply.value if isinstance(reply.value, dict) else {}
    detail = value.get("detail") or (
        "No problem is told: is this the private app's URL?" if reply.status < 500 else ""
    )
    field = f" [{value['field']}]" if value.get("field") else ""
    code = TRY_AGAIN if reply.status in PASSING else 1
    raise CommandError(f"{phrase(reply.status)}{field}: {detail}".rstrip(": "), code)


def app_url(url: str) -> str:
    """Return the app's address, also of its API's, which is what make run prints."""
    return url.rstrip("/").removesuffix(API)


def organization_path(organization_id: str, *parts: str, **query: str | None) -> str:
    """Return the path of something in an organization."""
    path = "/".join(quote(part, safe="") for part in ("organizations", organization_id, *parts))
    found = {name: value for name, value in query.items() if value is not None}
    return f"{API}/{path}" + (f"?{urlencode(found)}" if found else "")


@asynccontextmanager
async def connected(
    options: argparse.Namespace, terminal: Terminal, *, organization: bool = False
) -> AsyncIterator[Connection]:
    """Give a connection; *organization* is for what the administrator's key does not open.

    Raises CommandError if URL or credential is missing, ConfigurationError for a bad URL.
    """
    url = options.url or terminal.environment.get(URL, "").strip()
    if not url:
        raise CommandError(f"Which deployment? Give --url or set {URL}.", WRONG_USE)
    deployment = Deployment(
        app_url(url), await _credential(options, terminal, organization=organization)
    )
    try:
        yield Connection(deployment)
    finally:
        await deployment.close()


async def _credential(
    options: argparse.Namespace, terminal: Terminal, *, organization: bool
) -> dict[str, str]:
    if options.sign_in:
        return {"Authorization": f"Bearer {await _token(options, terminal)}"}
    names = [ORGANIZATION_KEY] if organization else [ADMIN_KEY, ORGANIZATION_KEY]
    if options.key_stdin:
        key = terminal.read_secret("Key: ")
    else:
        found = (terminal.environment.get(name, "").strip() for name in names)
        key = next((value for value in found if value), "")
    if not key:
        raise CommandError(
            f"Who are you? Set {names[0]}, pipe the key in with --key-stdin, or use --sign-in.",
            WRONG_USE,
        )
    if not KEY.fullmatch(key):
        raise CommandError("A key has printable characters of ASCII, and no spaces.", WRONG_USE)
    return {"X-Api-Key": key}


async def _token(options: argparse.Namespace, terminal: Terminal) -> str:
    client_id = options.client_id or terminal.environment.get(CLIENT_ID, "").strip()
    if not client_id:
        raise CommandError(
            f"--sign-in needs the API's app registration: --client-id or {CLIENT_ID}.", WRONG_USE
        )
    sign_in = SignIn()
    try:
        return await sign_in.token(f"api://{client_id}/.default")
    except RemoteError as error:
        raise CommandError(error.detail) from error
    finally:
        await sign_in.close()
