"""Storage accounts: reached with identities over TLS, public in nothing, undone if deleted."""

from __future__ import annotations

from collections.abc import Iterator

from infra.checks.azure import Planned
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File

ACCOUNT = "Microsoft.Storage/storageAccounts"

#: Property, wanted value, rule, what it is for. A property that is left out has Azure's default,
#: which is the open one for most of these.
_WANTED: tuple[tuple[str, object, str, str], ...] = (
    ("allowSharedKeyAccess", False, "shared-key", "whoever has the account's key has everything"),
    ("allowBlobPublicAccess", False, "public-blobs", "anybody could be let in"),
    ("supportsHttpsTrafficOnly", True, "https-only", "tokens would travel in the clear"),
    ("minimumTlsVersion", "TLS1_2", "tls-version", "older versions are broken"),
    ("allowCrossTenantReplication", False, "cross-tenant", "data could be copied elsewhere"),
)


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find storage accounts and containers that are more open than they must be."""
    for account in plan.of_type(ACCOUNT):
        for name, wanted, rule, why in _WANTED:
            if account.property(f"properties.{name}") != wanted:
                shown = str(wanted).lower() if isinstance(wanted, bool) else wanted
                message = f"set {name} to {shown}: {why}"
                yield finding(files, account, f"properties.{name}", rule, message)
        yield from _soft_delete(plan, files, account)
    for container in plan.of_type(f"{ACCOUNT}/blobServices/containers"):
        if container.property("properties.publicAccess") != "None":
            message = "set publicAccess to 'None'"
            yield finding(files, container, "properties.publicAccess", "public-blobs", message)


def _soft_delete(plan: Plan, files: dict[str, File], account: Planned) -> Iterator[Finding]:
    services = [
        one
        for one in plan.of_type(f"{ACCOUNT}/blobServices")
        if one.name.partition("/")[0] == account.name
    ]
    if not services:
        yield finding(files, account, "", "soft-delete", "declare blobServices with soft delete")
    for service in services:
        for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            if service.property(f"properties.{policy}.enabled") is not True:
                path = f"properties.{policy}.enabled"
                yield finding(files, service, path, "soft-delete", f"enable {policy}")
