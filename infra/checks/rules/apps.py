"""Function apps on Flex Consumption: closed but for HTTPS, an identity, sizes that Azure takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.checks.azure import Planned, Unknown
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File

SITE = "Microsoft.Web/sites"
FARM = "Microsoft.Web/serverfarms"

#: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan
MEMORY_MB = (512, 2048, 4096)
FEWEST_MAXIMUM, MOST_MAXIMUM = 40, 1000
#: Python versions that Flex Consumption offers and that are maintained for two years more.
PYTHON_VERSIONS = ("3.12", "3.13")
#: What a Flex Consumption app refuses in siteConfig (error 51021), or takes from functionAppConfig.
_REFUSED = (
    "linuxFxVersion",
    "pythonVersion",
    "alwaysOn",
    "functionAppScaleLimit",
    "minimumElasticInstanceCount",
    "preWarmedInstanceCount",
    "appSettings",
    "connectionStrings",
)
_SCALE = "properties.functionAppConfig.scaleAndConcurrency"

#: A plan of Flex Consumption; it takes one app.
_FARM: dict[str, object] = {
    "kind": "functionapp",
    "sku.name": "FC1",
    "sku.tier": "FlexConsumption",
    "properties.reserved": True,
}

_WANTED: tuple[tuple[str, object, str], ...] = (
    ("properties.httpsOnly", True, "https-only"),
    ("properties.siteConfig.minTlsVersion", "1.2", "tls-version"),
    ("properties.siteConfig.scmMinTlsVersion", "1.2", "tls-version"),
    ("properties.siteConfig.ftpsState", "Disabled", "ftp"),
    ("identity.type", "UserAssigned", "app-identity"),
)


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find function apps that are open, without an identity, or of a size that does not exist."""
    for app in plan.of_type(SITE):
        for path, wanted, rule in _WANTED:
            if app.property(path) != wanted:
                shown = str(wanted).lower() if isinstance(wanted, bool) else f"'{wanted}'"
                yield finding(files, app, path, rule, f"set {path} to {shown}")
        yield from _plan(plan, files, app)
        yield from _identity(files, app)
        yield from _scale(files, app)
        yield from _runtime(files, app)
        yield from _passwords(plan, files, app)


def _plan(plan: Plan, files: dict[str, File], app: Planned) -> Iterator[Finding]:
    if app.property("kind") != "functionapp,linux":
        yield finding(files, app, "kind", "flex-plan", "set kind to 'functionapp,linux'")
    farm = plan.with_id(str(app.property("properties.serverFarmId")))
    if farm is None or farm.type != FARM:
        message = "serverFarmId is no plan of this deployment"
        yield finding(files, app, "properties.serverFarmId", "flex-plan", message)
        return
    apps = [one for one in plan.of_type(SITE) if one.property("properties.serverFarmId") == farm.id]
    if len(apps) > 1:
        yield finding(files, farm, "", "flex-plan", f"{farm.name} has {len(apps)} apps, not one")
    for path, wanted in _FARM.items():
        if farm.property(path) != wanted:
            shown = str(wanted).lower() if isinstance(wanted, bool) else f"'{wanted}'"
            yield finding(files, farm, path, "flex-plan", f"set {path} to {shown}")


def _identity(files: dict[str, File], app: Planned) -> Iterator[Finding]:
    identities = app.object("identity.userAssignedIdentities")
    storage = "properties.functionAppConfig.deployment.storage.authentication"
    used = {
        "properties.keyVaultReferenceIdentity": app.property(
            "properties.keyVaultReferenceIdentity"
        ),
        f"{storage}.userAssignedIdentityResourceId": app.property(
            f"{storage}.userAssignedIdentityResourceId"
        ),
    }
    for path, identity in used.items():
        if identity not in identities:
            yield finding(files, app, path, "app-identity", f"{path} is no identity of the app")
    if app.property(f"{storage}.type") != "UserAssignedIdentity":
        message = "the package is read with the app's identity, not with a connection string"
        yield finding(files, app, f"{storage}.type", "app-identity", message)


def _scale(files: dict[str, File], app: Planned) -> Iterator[Finding]:
    memory = app.property(f"{_SCALE}.instanceMemoryMB")
    if not _is(memory, memory in MEMORY_MB):
        message = f"instanceMemoryMB is one of {MEMORY_MB}, not {memory}"
        yield finding(files, app, f"{_SCALE}.instanceMemoryMB", "flex-memory", message)
    count = app.property(f"{_SCALE}.maximumInstanceCount")
    fits = isinstance(count, int) and FEWEST_MAXIMUM <= count <= MOST_MAXIMUM
    if not _is(count, fits):
        message = f"maximumInstanceCount is {FEWEST_MAXIMUM} to {MOST_MAXIMUM}, not {count}"
        yield finding(files, app, f"{_SCALE}.maximumInstanceCount", "flex-instances", message)
    for ready in app.array(f"{_SCALE}.alwaysReady"):
        entry = ready if isinstance(ready, dict) else {}
        name, ready_count = entry.get("name"), entry.get("instanceCount")
        if not re.fullmatch(r"http|blob|durable|function:\w+", str(name)) or not ready_count:
            message = "alwaysReady is a list of {name: 'http' or 'function:<name>', instanceCount}"
            yield finding(files, app, f"{_SCALE}.alwaysReady", "flex-instances", message)
    path = f"{_SCALE}.triggers.http.perInstanceConcurrency"
    if not app.property(path):
        message = "set perInstanceConcurrency: Python serves 1 request an instance without it"
        yield finding(files, app, path, "http-concurrency", message)


def _runtime(files: dict[str, File], app: Planned) -> Iterator[Finding]:
    runtime = app.object("properties.functionAppConfig.runtime")
    version = runtime.get("version")
    if runtime.get("name") != "python" or not _is(version, version in PYTHON_VERSIONS):
        path = "properties.functionAppConfig.runtime.version"
        message = f"the runtime is python {' or '.join(PYTHON_VERSIONS)}"
        yield finding(files, app, path, "python-version", message)
    for name in _REFUSED:
        if name in app.object("properties.siteConfig"):
            path = f"properties.siteConfig.{name}"
            yield finding(files, app, path, "flex-refused", f"Flex Consumption takes no {name}")


def _passwords(plan: Plan, files: dict[str, File], app: Planned) -> Iterator[Finding]:
    for name in ("ftp", "scm"):
        policies = [
            one
            for one in plan.of_type(f"{SITE}/basicPublishingCredentialsPolicies")
            if one.name == f"{app.name}/{name}"
        ]
        if [policy.property("properties.allow") for policy in policies] != [False]:
            message = f"forbid publishing by password: basicPublishingCredentialsPolicies/{name}"
            yield finding(files, app, "", "publishing-password", message)


def _is(value: Any, fits: bool) -> bool:  # noqa: FBT001
    """Whether a value fits, or nobody can know."""
    return fits or isinstance(value, Unknown)
