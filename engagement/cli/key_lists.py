"""Where the list of signing keys is kept: Key Vault, a settings file, or the caller's own pipe."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from engagement.cli.settings import is_reference, values_in
from engagement.cli.terminal import WRONG_USE, CommandError, Terminal
from engagement.domain.signing_key import SETTING
from engagement.remote.key_vault import KeyVault, Secret
from engagement.remote.sign_in import SignIn


class KeyList(Protocol):
    """A list that can be read, and then replaced if nobody else did so meanwhile."""

    #: str, what has to happen before the apps know a change
    afterwards: str

    async def read(self) -> str:
        """Return the list."""

    async def write(self, value: str) -> None:
        """Replace the list that was read; raises ConflictError, CommandError."""


def options() -> argparse.ArgumentParser:
    """Return the options that say where the list is."""
    parser = argparse.ArgumentParser(add_help=False)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--vault", metavar="URL", help="the list is in this vault: https://contoso.vault.azure.net"
    )
    where.add_argument("--settings", metavar="FILE", help="it is in this local.settings.json")
    where.add_argument(
        "--stdin", action="store_true", help="it is piped in, and the new list is printed"
    )
    parser.add_argument(
        "--secret",
        metavar="NAME",
        default="signing-keys",
        help="the secret's name in the vault (signing-keys)",
    )
    return parser


@asynccontextmanager
async def chosen(options: argparse.Namespace, terminal: Terminal) -> AsyncIterator[KeyList]:
    """Give the list that the options name."""
    if options.stdin:
        yield PipedKeys(terminal)
    elif options.settings:
        yield FileKeys(Path(options.settings))
    else:
        sign_in = SignIn()
        try:
            yield VaultKeys(KeyVault(options.vault, sign_in.token), options.secret)
        finally:
            await sign_in.close()


class VaultKeys:
    """In a secret of Key Vault, which both apps' settings refer to."""

    afterwards = (
        "The apps read it within 24 hours, or at once when they are told to (docs/deploying.md, "
        '"Changing a secret"); a reference that names a version of the secret has to be changed '
        "by hand."
    )

    def __init__(self, vault: KeyVault, name: str) -> None:
        self.vault, self.name = vault, name
        self.found: Secret | None = None

    async def read(self) -> str:
        """Return the newest version."""
        self.found = await self.vault.read(self.name)
        return self.found.value

    async def write(self, value: str) -> None:
        """Write another version, if that which was read is still the newest."""
        assert self.found is not None  # noqa: S101 - what is written was read
        await self.vault.write(self.name, value, self.found)


class FileKeys:
    """In a local.settings.json."""

    afterwards = "Restart the app for it to read the file."

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = ""

    async def read(self) -> str:
        """Return the setting."""
        self.text = self._text()
        value = values_in(self.text, str(self.path)).get(SETTING, "")
        if not value:
            raise CommandError(f"{self.path} does not set {SETTING}.", WRONG_USE)
        if is_reference(value):
            raise CommandError(f"{self.path} refers to Key Vault: use --vault.", WRONG_USE)
        return value

    async def write(self, value: str) -> None:
        """Replace the setting and leave the others; the file is whole at every moment."""
        if self._text() != self.text:
            raise CommandError(f"{self.path} was changed meanwhile; nothing was written.")
        document = json.loads(self.text)
        if not isinstance(document, dict) or "Values" not in document:
            raise CommandError(f"{self.path} is no local.settings.json.", WRONG_USE)
        document["Values"][SETTING] = value
        _replace(self.path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")

    def _text(self) -> str:
        try:
            return self.path.read_text("utf-8")
        except OSError as error:
            raise CommandError(f"{self.path}: {error.strerror}", WRONG_USE) from error


class PipedKeys:
    """On the standard input, and from there to the standard output."""

    afterwards = "Store the printed list where both apps read it."

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    async def read(self) -> str:
        """Return what is piped in."""
        value = self.terminal.read().strip()
        if not value:
            raise CommandError("Nothing was piped in.", WRONG_USE)
        return value

    async def write(self, value: str) -> None:
        """Print the list, alone."""
        self.terminal.show(value)


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        made.chmod(path.stat().st_mode & 0o777)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
