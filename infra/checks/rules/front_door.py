"""Front Door: an app that believes what it says about callers is reached through it only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.checks.azure import made_id
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File
from infra.checks.rules.settings import settings_of

PROFILE = "Microsoft.Cdn/profiles"
_SITE_CONFIG = "properties.siteConfig"


def check(plans: list[Plan], files: dict[str, File]) -> Iterator[Finding]:
    """Find restrictions to Front Door that let in others; look whether there are any at all.

    Not every plan has them: who moves to a domain of their own keeps the app's name for a while.
    """
    behind = [
        app
        for plan in plans
        for app, _, settings in settings_of(plan)
        if settings.get("ENGAGEMENT_FRONT_DOOR_ID")
    ]
    ids = {made_id(one, "frontDoorId") for plan in plans for one in plan.of_type(PROFILE)}
    closed = [app for app in behind if app.array(f"{_SITE_CONFIG}.ipSecurityRestrictions")]
    for app in closed or behind:
        path = f"{_SITE_CONFIG}.ipSecurityRestrictionsDefaultAction"
        if app.property(path) != "Deny":
            message = "set it to 'Deny': the app believes Front Door's headers"
            yield finding(files, app, path, "front-door", message)
        path = f"{_SITE_CONFIG}.ipSecurityRestrictions"
        rules = [one for one in app.array(path) if isinstance(one, dict)]
        if not rules or not all(_is_front_door(one, ids) for one in rules):
            message = "let in AzureFrontDoor.Backend with our id in x-azure-fdid, and nobody else"
            yield finding(files, app, path, "front-door", message)


def _is_front_door(rule: dict[str, Any], ids: set[str]) -> bool:
    """Whether a rule lets in one Front Door of this deployment and nobody else."""
    wanted = {"action": "Allow", "tag": "ServiceTag", "ipAddress": "AzureFrontDoor.Backend"}
    headers = rule.get("headers")
    named = headers.get("x-azure-fdid") if isinstance(headers, dict) else None
    right = isinstance(named, list) and named and set(map(str, named)) <= ids
    return bool(right) and all(rule.get(name) == value for name, value in wanted.items())
