"""The settings of an organization as JSON, and what a PATCH makes of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from engagement.domain.access.sign_in import patched_sign_in, sign_in_json
from engagement.domain.alerts.alert_settings import alerts_json, patched_alerts
from engagement.domain.delivery.working_hours import delivery_time_json, patched_delivery_time
from engagement.domain.organizations.organization import LARGEST_UPLOAD, Settings
from engagement.domain.payload import Fields
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.domain.verdicts.verdict_settings_patch import patched_verdicts, verdicts_json
from engagement.errors import InvalidRequestError

EXTENSION = re.compile(r"[a-z0-9_-]{1,20}")
MOST_EXTENSIONS = 500
PARTS = {"follow", "attachments", "verdicts", "alerts", "delivery_time", "sign_in"}


def settings_json(settings: Settings, shipped: RuleSet) -> dict[str, Any]:
    """Return the settings in the form of the contract."""
    return {
        "follow": {"enabled": settings.follow_enabled},
        "attachments": {
            "upload_limit_bytes": settings.upload_limit_bytes,
            "blocked_extensions": sorted(settings.blocked_extensions),
        },
        "verdicts": verdicts_json(settings.verdicts, shipped),
        "alerts": alerts_json(settings.alerts),
        "delivery_time": delivery_time_json(settings.delivery_time),
        "sign_in": sign_in_json(settings.sign_in),
    }


def patched(settings: Settings, changes: object, shipped: RuleSet) -> Settings:
    """Return the settings with *changes* (RFC 7396); raises InvalidRequestError."""
    fields = Fields(changes, PARTS)
    if "follow" in fields:
        follow = Fields(fields.value["follow"], {"enabled"}, "follow")
        enabled = follow.flag("enabled", default=settings.follow_enabled)
        settings = replace(settings, follow_enabled=enabled)
    if "attachments" in fields:
        settings = _attachments(settings, fields.value["attachments"])
    if "verdicts" in fields:
        verdicts = patched_verdicts(settings.verdicts, fields.value["verdicts"], shipped)
        settings = replace(settings, verdicts=verdicts)
    if "alerts" in fields:
        alerts = patched_alerts(settings.alerts, fields.value["alerts"], "alerts")
        settings = replace(settings, alerts=alerts)
    if "delivery_time" in fields:
        delivery_time = patched_delivery_time(
            settings.delivery_time, fields.value["delivery_time"], "delivery_time"
        )
        settings = replace(settings, delivery_time=delivery_time)
    if "sign_in" in fields:
        sign_in = patched_sign_in(settings.sign_in, fields.value["sign_in"])
        settings = replace(settings, sign_in=sign_in)
    return settings


def _attachments(settings: Settings, value: object) -> Settings:
    fields = Fields(value, {"upload_limit_bytes", "blocked_extensions"}, "attachments")
    limit = fields.number("upload_limit_bytes", 1, LARGEST_UPLOAD, settings.upload_limit_bytes)
    blocked = settings.blocked_extensions
    if "blocked_extensions" in fields:
        items = fields.items("blocked_extensions", MOST_EXTENSIONS)
        blocked = frozenset(_extension(item, path) for item, path in items)
    return replace(settings, upload_limit_bytes=limit, blocked_extensions=blocked)


def _extension(value: object, path: str) -> str:
    extension = value.removeprefix(".").lower() if isinstance(value, str) else ""
    if not EXTENSION.fullmatch(extension):
        raise InvalidRequestError("An extension has 1 to 20 letters, digits, _ or -.", path)
    return extension
