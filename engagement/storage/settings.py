"""The settings of each organization: one row of its own table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from engagement import telemetry
from engagement.domain.access.sign_in import SignIn, patched_sign_in, sign_in_json
from engagement.domain.alerts.alert import user_key
from engagement.domain.alerts.alert_settings import AlertSettings, alerts_json, patched_alerts
from engagement.domain.delivery.working_hours import (
    DeliveryTimeSettings,
    delivery_time_json,
    patched_delivery_time,
)
from engagement.domain.organizations.organization import Settings
from engagement.errors import InvalidRequestError, NotFoundError, StoreMissingError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.tracking_settings import verdicts_of
from engagement.storage.transactions import replacing, transact

#: Seconds that a caller of the API may wait.
SECONDS = 20.0


class SettingsRows:
    """Reads and writes the settings of organizations, by the key of their table."""

    def __init__(self, account: Account) -> None:
        self.account = account
        #: called with the organization whose settings this process has changed
        self.on_write: list[Callable[[str], None]] = []

    async def read(self, organization: str) -> tuple[Settings, str | None]:
        """Return the settings and their ETag; defaults and None while nothing was changed."""
        try:
            async with storage_call():
                row = await self.account.table(keys.table(organization)).get_entity(
                    keys.SETTINGS_PARTITION, keys.SETTINGS_ROW
                )
        except StoreMissingError:
            raise
        except NotFoundError:
            return Settings(), None
        return _settings(row), row.metadata["etag"]

    async def write(self, organization: str, settings: Settings, etag: str | None) -> None:
        """Store the settings; raises ConflictError if they changed since *etag* was read."""
        row = _row(settings)
        operation = ("create", row) if etag is None else replacing(row, etag)
        await transact(self.account.table(keys.table(organization)), [operation])
        for tell in self.on_write:
            tell(organization)

    async def read_user(self, organization: str, user_id: str) -> tuple[AlertSettings, str | None]:
        """Return what a user chose of alerts, and its ETag; nothing and None if nothing."""
        try:
            async with storage_call():
                row = await self.account.table(keys.table(organization)).get_entity(
                    keys.USERS, user_key(user_id)
                )
        except StoreMissingError:
            raise
        except NotFoundError:
            return AlertSettings(), None
        return _read_alerts(row["alerts"]), row.metadata["etag"]

    async def write_user(
        self, organization: str, user_id: str, settings: AlertSettings, etag: str | None
    ) -> None:
        """Store what a user chose; raises ConflictError if it changed since *etag* was read."""
        row = {
            "PartitionKey": keys.USERS,
            "RowKey": user_key(user_id),
            "user_id": user_id,
            "alerts": _alerts_text(settings),
        }
        operation = ("create", row) if etag is None else replacing(row, etag)
        await transact(self.account.table(keys.table(organization)), [operation])


def _row(settings: Settings) -> dict[str, Any]:
    return {
        "PartitionKey": keys.SETTINGS_PARTITION,
        "RowKey": keys.SETTINGS_ROW,
        "follow_enabled": settings.follow_enabled,
        "upload_limit_bytes": settings.upload_limit_bytes,
        "blocked_extensions": json.dumps(sorted(settings.blocked_extensions)),
        "windows": json.dumps(dict(settings.verdicts.windows)),
        "rules": json.dumps(dict(settings.verdicts.rules)),
        "client_address": settings.verdicts.client_address.value,
        "alerts": _alerts_text(settings.alerts),
        "delivery_time": json.dumps(delivery_time_json(settings.delivery_time)),
        "sign_in": json.dumps(sign_in_json(settings.sign_in)),
    }


def _settings(row: Any) -> Settings:
    default = Settings()
    blocked = row.get("blocked_extensions")
    extensions = frozenset(json.loads(blocked)) if blocked else default.blocked_extensions
    return Settings(
        follow_enabled=row.get("follow_enabled", default.follow_enabled),
        upload_limit_bytes=row.get("upload_limit_bytes", default.upload_limit_bytes),
        blocked_extensions=extensions,
        verdicts=verdicts_of(row),
        alerts=_read_alerts(row.get("alerts")),
        delivery_time=_read_delivery_time(row.get("delivery_time")),
        sign_in=_read_sign_in(row.get("sign_in")),
    )


def _alerts_text(settings: AlertSettings) -> str:
    return json.dumps(alerts_json(settings))


def _read_alerts(text: str | None) -> AlertSettings:
    default = AlertSettings()
    try:
        return patched_alerts(default, _known(text, alerts_json(default))) if text else default
    except InvalidRequestError:
        # What was valid when it was stored may not be any more, such as the name of a time zone.
        telemetry.warning("settings_outdated", part="alerts")
        return AlertSettings()


def _read_delivery_time(text: str | None) -> DeliveryTimeSettings:
    default = DeliveryTimeSettings()
    try:
        known = delivery_time_json(default)
        return patched_delivery_time(default, _known(text, known)) if text else default
    except InvalidRequestError:
        # A country may cease to be one.
        telemetry.warning("settings_outdated", part="delivery_time")
        return default


def _read_sign_in(text: str | None) -> SignIn:
    nobody = SignIn()
    return patched_sign_in(nobody, _known(text, sign_in_json(nobody))) if text else nobody


def _known(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was stored without what a newer version of the app has added to it."""
    return {name: value for name, value in json.loads(text).items() if name in known}
