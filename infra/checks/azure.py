"""What Azure would answer: ids, and the properties that it fills in itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infra.checks.reader import Resource

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
TENANT_ID = "00000000-0000-0000-0000-000000000002"
DEPLOYER_ID = "00000000-0000-0000-0000-000000000003"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that nobody knows before the deployment."""

    #: str, the expression that would give it
    text: str

    def __str__(self) -> str:
        return f"<{self.text}>"


@dataclass(slots=True)
class Planned:
    """A resource as it would be deployed, or as it is expected to exist."""

    declared: Resource
    #: str, the file that declares it
    path: str
    #: str, id of what it is deployed to
    scope_id: str
    #: bool, whether its condition holds
    deployed: bool
    #: str, with the names of its parents
    name: str
    id: str = ""
    #: dict, its evaluated properties
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        """Its name in the file."""
        return self.declared.name

    @property
    def line(self) -> int:
        """Where it is declared."""
        return self.declared.line

    @property
    def type(self) -> str:
        """Its type, such as ``Microsoft.Web/sites``."""
        return self.declared.type

    @property
    def existing(self) -> bool:
        """Whether it is only referred to."""
        return self.declared.existing

    def object(self, path: str) -> dict[str, Any]:
        """Return the object at a dotted path of the body, an empty one where there is none."""
        value = self.property(path)
        return value if isinstance(value, dict) else {}

    def array(self, path: str) -> list[Any]:
        """Return the array at a dotted path of the body, an empty one where there is none."""
        value = self.property(path)
        return value if isinstance(value, list) else []

    def property(self, path: str) -> Any:
        """Return the value at a dotted path of the body, None where there is none."""
        value: Any = self.body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


def is_resource_group(scope_id: str) -> bool:
    """Whether an id is a resource group's."""
    return scope_id.rpartition("/")[0].endswith("/resourceGroups")


def resource_id(kind: str, name: str, scope_id: str) -> str:
    """Return the id of a resource of a type and the names between its slashes."""
    if kind == "Microsoft.Resources/resourceGroups":
        return f"{SUBSCRIPTION}/resourceGroups/{name}"
    provider, *types = kind.split("/")
    pairs = zip_longest(types, name.split("/"), fillvalue="")
    return "/".join([scope_id, "providers", provider, *(f"{one}/{two}" for one, two in pairs)])


def made_id(resource: Planned, what: str) -> str:
    """Return a GUID that Azure would give a resource: the same for the same resource."""
    return _guid(f"{resource.id}#{what}")


@lru_cache(maxsize=1024)
def _guid(text: str) -> str:
    return str(uuid5(NAMESPACE_URL, text))


def _endpoints(resource: Planned) -> dict[str, str]:
    kinds = ("blob", "queue", "table", "file", "dfs", "web")
    return {kind: f"https://{resource.name}.{kind}.core.windows.net/" for kind in kinds}


def _secret_uri(resource: Planned) -> str:
    vault, _, secret = resource.name.partition("/")
    return f"https://{vault}.vault.azure.net/secrets/{secret}"


def _made(what: str) -> Callable[[Planned], Any]:
    return lambda resource: made_id(resource, what)


def _connection_string(resource: Planned) -> str:
    host = "https://westeurope.in.applicationinsights.azure.com/"
    return f"InstrumentationKey={made_id(resource, 'key')};IngestionEndpoint={host}"


_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_INSIGHTS = "Microsoft.Insights/components"

_GIVEN: dict[tuple[str, str], Callable[[Planned], Any]] = {
    ("Microsoft.Storage/storageAccounts", "primaryEndpoints"): _endpoints,
    (_IDENTITY, "clientId"): _made("clientId"),
    (_IDENTITY, "principalId"): _made("principalId"),
    (_IDENTITY, "tenantId"): lambda _: TENANT_ID,
    ("Microsoft.Web/sites", "defaultHostName"): lambda one: f"{one.name}.azurewebsites.net",
    ("Microsoft.KeyVault/vaults", "vaultUri"): lambda one: f"https://{one.name}.vault.azure.net/",
    ("Microsoft.KeyVault/vaults/secrets", "secretUri"): _secret_uri,
    (_INSIGHTS, "ConnectionString"): _connection_string,
    (_INSIGHTS, "InstrumentationKey"): _made("key"),
    (_INSIGHTS, "AppId"): _made("appId"),
    ("Microsoft.OperationalInsights/workspaces", "customerId"): _made("customerId"),
    ("Microsoft.Cdn/profiles", "frontDoorId"): _made("frontDoorId"),
    ("Microsoft.Cdn/profiles/afdEndpoints", "hostName"): (
        lambda one: f"{one.name.rpartition('/')[2]}.z01.azurefd.net"
    ),
}


def given_property(resource: Planned, name: str) -> Any:
    """Return what Azure would answer for a property: its own, or the declared one."""
    given = _GIVEN.get((resource.type, name))
    if given:
        return given(resource)
    declared = resource.property(f"properties.{name}")
    return Unknown(f"{resource.symbol}.properties.{name}") if declared is None else declared


def resource_group(group_id: str) -> dict[str, Any]:
    """Return what ``resourceGroup()`` answers."""
    return {
        "id": group_id,
        "name": group_id.rpartition("/")[2],
        "location": "westeurope",
        "tags": {},
        "type": "Microsoft.Resources/resourceGroups",
    }


def subscription() -> dict[str, Any]:
    """Return what ``subscription()`` answers."""
    number = SUBSCRIPTION.rpartition("/")[2]
    return {
        "id": SUBSCRIPTION,
        "subscriptionId": number,
        "tenantId": TENANT_ID,
        "displayName": "Contoso",
    }


def environment() -> dict[str, Any]:
    """Return what ``environment()`` answers in the public cloud."""
    return {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "resourceManager": "https://management.azure.com/",
        "graph": "https://graph.windows.net/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/"],
            "tenant": "common",
        },
        "suffixes": {
            "storage": "core.windows.net",
            "keyvaultDns": ".vault.azure.net",
            "sqlServerHostname": ".database.windows.net",
        },
    }


def answers() -> dict[str, Any]:
    """Return what the other functions without arguments that ask Azure answer."""
    kim = {"objectId": DEPLOYER_ID, "userPrincipalName": "kim@contoso.example"}
    return {
        "subscription": subscription(),
        "environment": environment(),
        "tenant": {"tenantId": TENANT_ID, "displayName": "Contoso"},
        "deployment": {"name": "main", "location": "westeurope"},
        "deployer": {**kim, "tenantId": TENANT_ID},
    }
