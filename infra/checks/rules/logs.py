"""Logs: who reads and changes data and secrets is seen in the workspace."""

from __future__ import annotations

from collections.abc import Iterator

from infra.checks.azure import Planned
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File
from infra.checks.rules.roles import COMPONENT, VAULT
from infra.checks.rules.settings import settings_of
from infra.checks.rules.storage import ACCOUNT

SETTINGS = "Microsoft.Insights/diagnosticSettings"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"

#: What has to be on. Without local authentication the connection string of Application Insights is
#: no secret; without purge protection the signing keys can be lost, and each sent link with them.
_SWITCHES = (
    (VAULT, "properties.enableRbacAuthorization", "vault-protection"),
    (VAULT, "properties.enablePurgeProtection", "vault-protection"),
    (COMPONENT, "properties.DisableLocalAuth", "telemetry-key"),
    (WORKSPACE, "properties.features.disableLocalAuth", "telemetry-key"),
)


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find what has no diagnostic settings, and logs that are written or read with a key."""
    for account in data_accounts(plan):
        for kind in ("blob", "queue", "table"):
            yield from _logged(plan, files, account, f"{account.id}/{kind}Services/default")
    for vault in plan.of_type(VAULT):
        yield from _logged(plan, files, vault, vault.id)
    yield from _telemetry(plan, files)
    for kind, path, rule in _SWITCHES:
        for one in plan.of_type(kind):
            if one.property(path) is not True:
                yield finding(files, one, path, rule, f"set {path} to true")


def _telemetry(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    workspaces = {one.id for one in plan.of_type(WORKSPACE)}
    path = "properties.WorkspaceResourceId"
    for component in plan.of_type(COMPONENT):
        if component.property(path) not in workspaces:
            message = "set WorkspaceResourceId to the workspace: there is no other kind any more"
            yield finding(files, component, path, "diagnostic-settings", message)


def data_accounts(plan: Plan) -> list[Planned]:
    """Return the accounts that the apps' settings lead to."""
    urls = {
        str(value)
        for _, _, settings in settings_of(plan)
        for name, value in settings.items()
        if name.startswith("ENGAGEMENT_DATA__")
    }
    return [
        one
        for one in plan.of_type(ACCOUNT)
        if any(url.startswith(f"https://{one.name}.") for url in urls)
    ]


def _logged(plan: Plan, files: dict[str, File], owner: Planned, scope_id: str) -> Iterator[Finding]:
    workspaces = {one.id for one in plan.of_type(WORKSPACE)}
    found = [one for one in plan.of_type(SETTINGS) if one.scope_id == scope_id]
    what = scope_id.removeprefix(owner.id).strip("/") or owner.name
    if not found:
        message = f"declare diagnosticSettings for {what}"
        yield finding(files, owner, "", "diagnostic-settings", message)
    for one in found:
        logs = one.array("properties.logs") + one.array("properties.metrics")
        enabled = any(isinstance(log, dict) and log.get("enabled") is True for log in logs)
        if not enabled or one.property("properties.workspaceId") not in workspaces:
            message = f"send something of {what} to the workspace"
            yield finding(files, one, "properties", "diagnostic-settings", message)
