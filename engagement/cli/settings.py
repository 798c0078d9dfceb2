"""The settings of a deployment, as the app would read them: the environment, or a file."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engagement.cli.terminal import WRONG_USE, CommandError, Terminal
from engagement.config import DataAccount, data_account
from engagement.errors import ConfigurationError, EngagementError
from engagement.remote.key_vault import KeyVault
from engagement.remote.sign_in import SignIn

#: How Azure names a secret in an app setting, in either of its forms:
#: https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
REFERENCE = re.compile(r"@Microsoft\.KeyVault\((?P<inside>.*)\)\s*", re.IGNORECASE | re.DOTALL)
SECRET_URI = re.compile(
    r"SecretUri=(?P<vault>https://[^/]+)/secrets/(?P<secret>[0-9A-Za-z-]+)(/(?P<version>\w*))?/?",
    re.IGNORECASE,
)
PARTS = re.compile(r"(?:^|;)(\w+)=([^;]*)")
#: Set where a managed identity is: in Azure.
IN_AZURE = "IDENTITY_ENDPOINT"


def options() -> argparse.ArgumentParser:
    """Return the option of commands that read the deployment's settings."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="local.settings.json, or what az functionapp config appsettings list prints (- for "
        "the standard input); without it the settings are the environment",
    )
    return parser


def read_settings(options: argparse.Namespace, terminal: Terminal) -> Mapping[str, str]:
    """Return the settings by name; raises CommandError."""
    if options.settings is None:
        return terminal.environment
    if options.settings == "-":
        return values_in(terminal.read(), "The standard input")
    try:
        return values_in(Path(options.settings).read_text("utf-8"), options.settings)
    except OSError as error:
        raise CommandError(f"{options.settings}: {error.strerror}", WRONG_USE) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{options.settings} is no text.", WRONG_USE) from error


def values_in(text: str, source: str) -> Mapping[str, str]:
    """Return the settings in a JSON document of either kind; raises CommandError."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{source} is no JSON: {error}", WRONG_USE) from error
    found: Any = value
    if isinstance(value, list):
        found = {item.get("name"): item.get("value") for item in value if isinstance(item, dict)}
    elif isinstance(value, dict) and "Values" in value:
        if value.get("IsEncrypted"):
            raise CommandError(f"{source} is encrypted: run func settings decrypt.", WRONG_USE)
        found = value["Values"]
    if not isinstance(found, dict):
        raise CommandError(f"{source} holds no settings.", WRONG_USE)
    texts = {str(name): text for name, text in found.items() if isinstance(text, str)}
    if not any(name.startswith("ENGAGEMENT_") for name in texts):
        raise CommandError(f"{source} holds no setting of Engagement.", WRONG_USE)
    return texts


def is_reference(value: str) -> bool:
    """Whether a setting's value names a secret instead of being it."""
    return REFERENCE.fullmatch(value.strip()) is not None


async def resolve(value: str, sign_in: SignIn) -> str:
    """Return the secret that a reference names; raises EngagementError, ConfigurationError."""
    found = REFERENCE.fullmatch(value.strip())
    inside = found["inside"].strip() if found else value
    uri = SECRET_URI.fullmatch(inside)
    if uri:
        vault, secret = uri["vault"], uri["secret"]
    else:
        parts = {name.lower(): text.strip() for name, text in PARTS.findall(inside)}
        if "vaultname" not in parts or "secretname" not in parts:
            raise ConfigurationError("This is no Key Vault reference that Azure understands.")
        vault, secret = f"https://{parts['vaultname']}.vault.azure.net", parts["secretname"]
    return (await KeyVault(vault, sign_in.token).read(secret)).value


async def resolved(
    settings: Mapping[str, str], sign_in: SignIn
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings with secrets in place of references, and why some have none."""
    values, failures = dict(settings), dict[str, str]()
    for name, value in settings.items():
        if name.startswith("ENGAGEMENT_") and is_reference(value):
            try:
                values[name] = await resolve(value, sign_in)
            except (EngagementError, ConfigurationError) as error:
                failures[name] = str(error)
    return values, failures


def data_of(settings: Mapping[str, str], terminal: Terminal) -> DataAccount:
    """Return where the data are, reached as whoever is signed in; raises ConfigurationError.

    The identity that the settings name exists in Azure only.
    """
    account = data_account(settings)
    return account if terminal.environment.get(IN_AZURE) else replace(account, client_id=None)
