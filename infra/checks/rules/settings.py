"""Settings of the apps: known to the code, complete for each surface, no secrets in the clear.

Config itself reads what Bicep would set, so that what it refuses at the start is found here.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engagement.config import Config
from engagement.errors import ConfigurationError
from infra.checks.azure import Planned
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File
from infra.checks.rules.apps import SITE

REFERENCE = re.compile(
    r"@Microsoft\.KeyVault\(SecretUri=https://([^./]+)[^/]*/secrets/([\w-]+)/?\)"
)
#: Names of settings that hold a secret.
_SECRET = re.compile(r"(KEY|KEYS|PASSWORD|SECRET)$")

_DATA = [f"ENGAGEMENT_DATA__{kind}ServiceUri" for kind in ("table", "blob", "queue")]
_BOTH = [
    "ENGAGEMENT_SURFACE",
    "ENGAGEMENT_PUBLIC_URL",
    "ENGAGEMENT_SIGNING_KEYS",
    *_DATA,
    "ENGAGEMENT_DATA__credential",
    "ENGAGEMENT_DATA__clientId",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsDisableHomepage",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
]
#: What each surface needs in Azure.
NEEDED = {"public": _BOTH, "private": [*_BOTH, "ENGAGEMENT_API_KEYS"]}
#: What the public app, which strangers reach, must not know.
_PRIVATE_ONLY = re.compile(r"ENGAGEMENT_(ADMIN_KEY|API_KEYS|ENTRA_|GRAPH_|SMTP_)")
#: Flex Consumption sets these itself or refuses them; an empty or plain AzureWebJobsStorage beside
#: the identity's breaks the host (Azure/azure-functions-host, issue 11796).
_FORBIDDEN = re.compile(
    r"FUNCTIONS_WORKER_RUNTIME(_VERSION)?|FUNCTIONS_EXTENSION_VERSION|WEBSITE_RUN_FROM_PACKAGE"
    r"|WEBSITE_CONTENT\w*|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|linuxFxVersion"
    r"|WEBSITE_TIME_ZONE|TZ|AzureWebJobsStorage|PYTHON_ISOLATE_WORKER_DEPENDENCIES"
    r"|WEBSITE_NODE_DEFAULT_VERSION|ENGAGEMENT_DATA"
    r"|ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE"
)


def settings_of(plan: Plan) -> Iterator[tuple[Planned, Planned, dict[str, Any]]]:
    """Yield each app, the resource of its settings, and the settings."""
    for app in plan.of_type(SITE):
        for config in plan.of_type(f"{SITE}/config"):
            if config.name == f"{app.name}/appsettings":
                settings = config.body.get("properties")
                yield app, config, settings if isinstance(settings, dict) else {}


def known_settings(root: Path) -> set[str]:
    """Return every setting that the code reads; a test holds the sample to the code."""
    sample = json.loads((root / "local.settings.sample.json").read_text(encoding="utf-8"))
    return set(sample["Values"])


def check(plan: Plan, files: dict[str, File], root: Path) -> Iterator[Finding]:
    """Find settings that are unknown, missing, forbidden, in the clear or refused by the code."""
    known = known_settings(root)
    configured = {app.id for app, _, _ in settings_of(plan)}
    for app in plan.of_type(SITE):
        if app.id not in configured:
            yield finding(files, app, "", "missing-setting", "it has no settings at all")
    hosts = _hosts(plan)
    for _, config, settings in settings_of(plan):
        url = str(settings.get("ENGAGEMENT_PUBLIC_URL"))
        if urlsplit(url).hostname not in hosts:
            message = f"{url} leads neither to an app nor to a domain of Front Door"
            yield at_setting(files, config, "ENGAGEMENT_PUBLIC_URL", "public-url", message)
        for name, value in settings.items():
            yield from _one(files, config, name, value, known)
        yield from _surface(files, config, settings)
        refused = _refused(settings)
        if refused:
            name = next((one for one in settings if one in refused), "")
            yield at_setting(
                files, config, name, "setting-refused", f"the app would not start: {refused}"
            )


def _hosts(plan: Plan) -> set[str]:
    """Return the host names that lead to the public app."""
    apps = [app for app, _, settings in settings_of(plan) if _is_public(settings)]
    domains = plan.of_type("Microsoft.Cdn/profiles/customDomains")
    return {f"{app.name}.azurewebsites.net" for app in apps} | {
        str(domain.property("properties.hostName")) for domain in domains
    }


def _is_public(settings: dict[str, Any]) -> bool:
    return settings.get("ENGAGEMENT_SURFACE") == "public"


def _surface(
    files: dict[str, File], config: Planned, settings: dict[str, Any]
) -> Iterator[Finding]:
    surface = settings.get("ENGAGEMENT_SURFACE", "public")
    for name in NEEDED.get(surface, _BOTH):
        if settings.get(name) in (None, ""):
            yield at_setting(files, config, name, "missing-setting", f"{surface} needs {name}")
    for name in settings:
        if surface == "public" and _PRIVATE_ONLY.match(name):
            message = f"{name} is the private app's; the public one must not have it"
            yield at_setting(files, config, name, "private-setting", message)


def _one(
    files: dict[str, File], config: Planned, name: str, value: Any, known: set[str]
) -> Iterator[Finding]:
    if name.startswith("ENGAGEMENT_") and name not in known:
        message = f"{name} is no setting of engagement/config.py"
        yield at_setting(files, config, name, "unknown-setting", message)
    if _FORBIDDEN.fullmatch(name):
        yield at_setting(files, config, name, "forbidden-setting", f"{name} must not be set here")
    if not isinstance(value, str) and value is not None:
        yield at_setting(
            files, config, name, "setting-type", f"{name} must be a string, not {value!r}"
        )
    elif _is_secret(name) and not REFERENCE.fullmatch(str(value)):
        message = f"{name} must be a Key Vault reference, @Microsoft.KeyVault(SecretUri=…)"
        yield at_setting(files, config, name, "plain-secret", message)


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and name != "ENGAGEMENT_API_KEYS"


def _refused(settings: dict[str, Any]) -> str | None:
    """Return what Config says about the settings, None where it takes them."""
    environment = {name: str(value) for name, value in settings.items()}
    for name, value in environment.items():
        if REFERENCE.fullmatch(value):
            key = base64.urlsafe_b64encode(bytes(32)).decode()
            environment[name] = f"1:{key}" if name == "ENGAGEMENT_SIGNING_KEYS" else key
    try:
        Config.from_environment(environment)
    except ConfigurationError as error:
        return str(error)
    return None


def at_setting(
    files: dict[str, File], config: Planned, name: str, rule: str, message: str
) -> Finding:
    """Return a finding where the setting is written, in whichever file sets it."""
    for path, file in files.items():
        if name in file.property_lines:
            return Finding(path, file.property_lines[name], rule, message)
    return finding(files, config, "properties", rule, message)
