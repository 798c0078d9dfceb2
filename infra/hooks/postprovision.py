"""After Azure is as main.bicep says: the secrets that nobody has set, and who vouches for mail.

azd runs this with the outputs of main.bicep as environment variables. It may be run again: what is
there is left alone.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.hooks.command_lines import HookError, az, passed, say
from infra.hooks.registration import trust_identity

SECRET_TEMPLATE = Path(__file__).parent.parent / "app" / "secret.bicep"


def finish(environment: Mapping[str, str]) -> None:
    """Set the secrets that are missing and have the apps read them; raises HookError."""
    group, vault = environment["AZURE_RESOURCE_GROUP"], environment["VAULT_NAME"]
    resources = (
        f"/subscriptions/{environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{group}/providers"
    )
    _set_missing(resources, group, vault, {"signing-keys": new_signing_keys})
    private_vault = environment.get("PRIVATE_VAULT_NAME")
    if private_vault:
        has_admin_key = environment.get("USE_ADMIN_KEY") == "true"
        wanted = {"admin-key": new_admin_key} if has_admin_key else {}
        present = _set_missing(resources, group, private_vault, wanted)
        if environment.get("SMTP_USERNAME") and "smtp-password" not in present:
            say("The password of the mail server is missing. Type it in when this asks for it:")
            say(
                f"  az deployment group create -g {group} -f infra/app/secret.bicep "
                f"-p vaultName={private_vault} secretName=smtp-password"
            )
            say("and then run: azd hooks run postprovision")
    for app in (environment["SERVICE_PUBLIC_NAME"], environment["SERVICE_PRIVATE_NAME"]):
        _read_secrets_again(f"{resources}/Microsoft.Web/sites/{app}")
    if environment.get("ENTRA_CLIENT_ID", "") != environment["API_CLIENT_ID"]:
        # azd may have read its values before the hook in front of provisioning kept this one.
        say("The apps do not know the API's app registration yet: run azd up once more.")
    if environment.get("GRAPH_CLIENT_ID"):
        trust_identity(
            environment["GRAPH_CLIENT_ID"],
            environment["AZURE_TENANT_ID"],
            environment["PRIVATE_IDENTITY_PRINCIPAL_ID"],
        )


def new_signing_keys() -> str:
    """Return the first signing key, as ENGAGEMENT_SIGNING_KEYS is written."""
    return f"1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"


def new_admin_key() -> str:
    """Return a key that nobody guesses."""
    return secrets.token_urlsafe(32)


def _set_missing(
    resources: str, group: str, vault: str, wanted: Mapping[str, Callable[[], str]]
) -> set[str]:
    """Set what is missing of *wanted* in a vault, and return the names of its other secrets.

    Both go through Azure's management: whoever deploys may do that without a role on the vault's
    contents, and from outside of its network.
    """
    url = f"{resources}/Microsoft.KeyVault/vaults/{vault}/secrets?api-version=2024-11-01"
    present = {secret["name"] for secret in az("rest", "--method", "get", "--url", url)["value"]}
    for name, make in wanted.items():
        if name not in present:
            _set(group, vault, name, make())
            say(f"A new {name} lies in the vault {vault}.")
    return present


def _set(group: str, vault: str, name: str, value: str) -> None:
    parameters = {"vaultName": vault, "secretName": name, "secretValue": value}
    content = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {key: {"value": text} for key, text in parameters.items()},
    }
    with passed(content) as file:
        az(
            *("deployment", "group", "create", "--resource-group", group),
            *("--name", f"secret-{name}", "--template-file", str(SECRET_TEMPLATE)),
            *("--parameters", file),
        )


def _read_secrets_again(app: str) -> None:
    """Have an app look into the vault now; by itself it does once a day.

    https://learn.microsoft.com/azure/app-service/app-service-key-vault-references#understand-rotation
    """
    path = "config/configreferences/appsettings/refresh?api-version=2022-03-01"
    az("rest", "--method", "post", "--url", f"{app}/{path}")


if __name__ == "__main__":
    try:
        finish(os.environ)
    except HookError as error:
        sys.exit(str(error))
