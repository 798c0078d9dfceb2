"""Roles: each app's identity has those that its settings need, on that resource, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.checks.azure import Planned, Unknown, made_id
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File
from infra.checks.rules.settings import REFERENCE, at_setting, settings_of
from infra.checks.rules.storage import ACCOUNT

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
COMPONENT = "Microsoft.Insights/components"
VAULT = "Microsoft.KeyVault/vaults"

#: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "76199698-9eea-4c19-bc75-cec21354c6b6": "Storage Table Data Reader",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": "Storage Queue Data Message Processor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
_TABLES, _BLOBS = "Storage Table Data Contributor", "Storage Blob Data Contributor"
_QUEUES, _SENDER = "Storage Queue Data Contributor", "Storage Queue Data Message Sender"
_OWNER = "Storage Blob Data Owner"

#: Roles that are needed, by connection, surface and kind of store. Signed URLs of files need the
#: Delegator beside the Reader; the Contributor may do that, too. What the host needs:
#: https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
_NEEDED: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("ENGAGEMENT_DATA", "public", "table"): (_TABLES,),
    ("ENGAGEMENT_DATA", "public", "blob"): ("Storage Blob Data Reader", "Storage Blob Delegator"),
    ("ENGAGEMENT_DATA", "public", "queue"): (_SENDER,),
    ("ENGAGEMENT_DATA", "private", "table"): (_TABLES,),
    ("ENGAGEMENT_DATA", "private", "blob"): (_BLOBS,),
    ("ENGAGEMENT_DATA", "private", "queue"): (_QUEUES,),
    ("AzureWebJobsStorage", "", "table"): (_TABLES,),
    ("AzureWebJobsStorage", "", "blob"): (_OWNER,),
    ("AzureWebJobsStorage", "", "queue"): (_QUEUES,),
}
#: What the public app may not be able to do with the data, as strangers reach it.
_TOO_WIDE_FOR_PUBLIC = (_OWNER, _BLOBS, _QUEUES, "Storage Queue Data Message Processor")
_LOGIN = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
_ENDPOINT = re.compile(r"(.+)__(table|blob|queue)ServiceUri")


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find settings without the role that they need, and roles that are wrong or too wide."""
    for _, config, settings in settings_of(plan):
        surface = str(settings.get("ENGAGEMENT_SURFACE", ""))
        for name, value in settings.items():
            match = _ENDPOINT.fullmatch(name)
            secret = REFERENCE.fullmatch(str(value))
            if match:
                yield from _endpoint(plan, files, config, (match[1], surface, match[2]), settings)
            elif secret:
                yield from _secret(plan, files, config, name, secret[1], settings)
        yield from _telemetry(plan, files, config, settings)
        yield from _too_wide(plan, files, surface, settings)
    for assignment in plan.of_type(ASSIGNMENT):
        yield from _assignment(plan, files, assignment)


def identity_of(plan: Plan, client_id: object) -> Planned | None:
    """Return the identity that has a client id."""
    owners = (one for one in plan.of_type(IDENTITY) if made_id(one, "clientId") == client_id)
    return next(owners, None)


def roles_on(plan: Plan, identity: Planned, scope_id: str) -> dict[str, Planned]:
    """Return the roles that an identity has on one resource, with their assignments."""
    return {
        _role(one): one
        for one in plan.of_type(ASSIGNMENT)
        if one.property("properties.principalId") == made_id(identity, "principalId")
        and one.scope_id.lower() == scope_id.lower()
    }


def _role(assignment: Planned) -> str:
    role_id = str(assignment.property("properties.roleDefinitionId")).rpartition("/")[2]
    return ROLES.get(role_id, role_id)


def _endpoint(
    plan: Plan,
    files: dict[str, File],
    config: Planned,
    what: tuple[str, str, str],
    settings: dict[str, object],
) -> Iterator[Finding]:
    connection, surface, kind = what
    name = f"{connection}__{kind}ServiceUri"
    identity = identity_of(plan, settings.get(f"{connection}__clientId"))
    url = str(settings[name])
    account = next(
        (one for one in plan.of_type(ACCOUNT) if url.startswith(f"https://{one.name}.{kind}.")),
        None,
    )
    if account is None:
        message = f"{name} leads to no {kind} service of this deployment: {url}"
        yield at_setting(files, config, name, "storage-endpoint", message)
        return
    if identity is None:
        message = f"{connection}__clientId is the client id of no identity here"
        yield at_setting(files, config, f"{connection}__clientId", "setting-identity", message)
        return
    wanted = _NEEDED.get((connection, surface, kind)) or _NEEDED.get((connection, "", kind), ())
    missing = [role for role in wanted if role not in roles_on(plan, identity, account.id)]
    if missing:
        message = f"{identity.name} needs {' and '.join(missing)} on {account.name} for {name}"
        yield at_setting(files, config, name, "missing-role", message)


def _secret(
    plan: Plan,
    files: dict[str, File],
    config: Planned,
    name: str,
    vault_name: str,
    settings: dict[str, object],
) -> Iterator[Finding]:
    identity = identity_of(plan, settings.get("ENGAGEMENT_DATA__clientId"))
    vault = next((one for one in plan.of_type(VAULT) if one.name == vault_name), None)
    if vault is None:
        message = f"{name} refers to {vault_name}, no vault of this deployment"
        yield at_setting(files, config, name, "secret-reference", message)
    elif identity and "Key Vault Secrets User" not in roles_on(plan, identity, vault.id):
        message = f"{identity.name} needs Key Vault Secrets User on {vault_name} for {name}"
        yield at_setting(files, config, name, "missing-role", message)


def _telemetry(
    plan: Plan, files: dict[str, File], config: Planned, settings: dict[str, object]
) -> Iterator[Finding]:
    login = str(settings.get(_LOGIN, ""))
    match = re.fullmatch(r"ClientId=([^;]+);Authorization=AAD", login)
    identity = identity_of(plan, match[1]) if match else None
    if identity is None:
        message = f"{_LOGIN} is ClientId=<id of the identity>;Authorization=AAD"
        yield at_setting(files, config, _LOGIN, "setting-identity", message)
        return
    on = [roles_on(plan, identity, one.id) for one in plan.of_type(COMPONENT)]
    if not any("Monitoring Metrics Publisher" in roles for roles in on):
        message = f"{identity.name} needs Monitoring Metrics Publisher on Application Insights"
        yield at_setting(files, config, _LOGIN, "missing-role", message)


def _too_wide(
    plan: Plan, files: dict[str, File], surface: str, settings: dict[str, object]
) -> Iterator[Finding]:
    identity = identity_of(plan, settings.get("ENGAGEMENT_DATA__clientId"))
    url = str(settings.get("ENGAGEMENT_DATA__blobServiceUri"))
    for account in plan.of_type(ACCOUNT) if surface == "public" and identity else ():
        if identity and url.startswith(f"https://{account.name}.blob."):
            roles = roles_on(plan, identity, account.id)
            for role in _TOO_WIDE_FOR_PUBLIC:
                if role in roles:
                    message = f"the public app must not have {role} on the data"
                    yield finding(files, roles[role], "properties", "role-too-wide", message)


def _assignment(plan: Plan, files: dict[str, File], assignment: Planned) -> Iterator[Finding]:
    if _role(assignment) not in ROLES.values():
        message = f"{_role(assignment)} is no role that this deployment gives"
        path = "properties.roleDefinitionId"
        yield finding(files, assignment, path, "unknown-role", message)
    if plan.with_id(assignment.scope_id) is None or "/providers/" not in assignment.scope_id:
        message = "give the role on one resource of this deployment, with scope:"
        yield finding(files, assignment, "scope", "role-scope", message)
    principal = assignment.property("properties.principalId")
    owners = {made_id(one, "principalId") for one in plan.of_type(IDENTITY)}
    if principal not in owners and not isinstance(principal, Unknown):
        message = "principalId is the principal id of no identity here (not its client id?)"
        yield finding(files, assignment, "properties.principalId", "role-principal", message)
    if assignment.property("properties.principalType") != "ServicePrincipal":
        message = "set principalType to 'ServicePrincipal': a new identity is not found without it"
        yield finding(files, assignment, "properties.principalType", "role-principal", message)
