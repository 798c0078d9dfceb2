"""App registrations in Microsoft Entra: made if they are missing, completed if they are not whole.

Whatever else an administrator has put there stays.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.hooks.command_lines import HookError, az, passed

GRAPH = "https://graph.microsoft.com/v1.0"
#: What callers ask for and are given; docs/sign-in.md explains it.
WANTED = json.loads(Path(__file__).with_name("registration.json").read_text(encoding="utf-8"))


def register(name: str, client_id: str | None) -> dict[str, Any]:
    """Return the registration with *client_id*, or that called *name*, which is made if needed.

    Raises HookError where it cannot be told which one is meant.
    """
    if client_id:
        found = az("ad", "app", "list", "--app-id", client_id)
        if not found:
            raise HookError(f"This tenant has no app registration with client id {client_id}.")
    else:
        quoted = name.replace("'", "''")
        found = az("ad", "app", "list", "--filter", f"displayName eq '{quoted}'")
    if len(found) > 1:
        raise HookError(f"{len(found)} app registrations are called {name}: name one's client id.")
    if found:
        app: dict[str, Any] = found[0]
        return app
    made: dict[str, Any] = az(
        "ad", "app", "create", "--display-name", name, "--sign-in-audience", "AzureADMyOrg"
    )
    return made


def complete_api(app: dict[str, Any]) -> None:
    """Give the API's registration its name, roles, scope and claim, as far as they are missing."""
    api, claims = app.get("api") or {}, app.get("optionalClaims") or {}
    whole: dict[str, Any] = {
        "identifierUris": _with(app.get("identifierUris"), f"api://{app['appId']}"),
        "appRoles": _with_all(app.get("appRoles"), WANTED["appRoles"]),
        "api": {
            **api,
            "requestedAccessTokenVersion": api.get("requestedAccessTokenVersion") or 2,
            "oauth2PermissionScopes": _with_all(
                api.get("oauth2PermissionScopes"), WANTED["oauth2PermissionScopes"]
            ),
        },
        "optionalClaims": {
            **claims,
            "accessToken": _with_all(
                claims.get("accessToken"), WANTED["optionalClaims"]["accessToken"], "name"
            ),
        },
    }
    if any(app.get(part) != value for part, value in whole.items()):
        # Graph tells the origin of a role, and does not want to hear it.
        roles = [_without(role, "origin") for role in whole["appRoles"]]
        with passed({**whole, "appRoles": roles}) as body:
            az(
                *("rest", "--method", "patch", "--url", f"{GRAPH}/applications/{app['id']}"),
                *("--headers", "Content-Type=application/json", "--body", body),
            )


def add_service_principal(client_id: str) -> None:
    """Let the registration be used in this tenant: roles are given on its service principal."""
    if not az("ad", "sp", "list", "--filter", f"appId eq '{client_id}'"):
        az("ad", "sp", "create", "--id", client_id)


def trust_identity(client_id: str, tenant_id: str, principal_id: str) -> None:
    """Let a managed identity vouch for a registration, in place of a secret.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """
    known = az("ad", "app", "federated-credential", "list", "--id", client_id)
    if any(credential["subject"] == principal_id for credential in known):
        return
    credential = {
        "name": f"engagement-{principal_id}",
        "issuer": f"https://login.microsoftonline.com/{tenant_id}/v2.0",
        "subject": principal_id,
        "audiences": ["api://AzureADTokenExchange"],
    }
    with passed(credential) as parameters:
        az(
            *("ad", "app", "federated-credential", "create", "--id", client_id),
            *("--parameters", parameters),
        )


def _with(values: list[str] | None, value: str) -> list[str]:
    return [*(values or []), *([] if value in (values or []) else [value])]


def _with_all(
    values: list[dict[str, Any]] | None, wanted: list[dict[str, Any]], name: str = "value"
) -> list[dict[str, Any]]:
    # By the name in tokens: one made by hand has another id.
    known = {value[name] for value in values or []}
    return [*(values or []), *(value for value in wanted if value[name] not in known)]


def _without(role: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in role.items() if key != name}
