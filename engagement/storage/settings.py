"""The settings of each organization: one row of its own table."""

from __future__ import annotations

import json
from typing import Any

from engagement.domain.organization import Settings
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import replacing, transact

#: Seconds that a caller of the API may wait.
SECONDS = 20.0


class SettingsRows:
    """Reads and writes the settings of organizations, by the key of their table."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def read(self, organization: str) -> tuple[Settings, str | None]:
        """Return the settings and their ETag; defaults and None while nothing was changed."""
        return await self._read(organization, SECONDS)

    async def read_at_once(self, organization: str, seconds: float) -> Settings:
        """Return the settings within *seconds*, as a recipient is waiting; raises StorageError."""
        await self.account.import_tables()
        settings, _ = await self._read(organization, seconds, retry_total=0)
        return settings

    async def _read(
        self, organization: str, seconds: float, **options: Any
    ) -> tuple[Settings, str | None]:
        try:
            async with storage_call(seconds):
                row = await self.account.table(keys.table(organization)).get_entity(
                    keys.SETTINGS_PARTITION, keys.SETTINGS_ROW, **options
                )
        except NotFoundError:
            return Settings(), None
        return _settings(row), row.metadata["etag"]

    async def write(self, organization: str, settings: Settings, etag: str | None) -> None:
        """Store the settings; raises ConflictError if they changed since *etag* was read."""
        row = _row(settings)
        operation = ("create", row) if etag is None else replacing(row, etag)
        await transact(self.account.table(keys.table(organization)), [operation])


def _row(settings: Settings) -> dict[str, Any]:
    return {
        "PartitionKey": keys.SETTINGS_PARTITION,
        "RowKey": keys.SETTINGS_ROW,
        "follow_enabled": settings.follow_enabled,
        "upload_limit_bytes": settings.upload_limit_bytes,
        "blocked_extensions": json.dumps(sorted(settings.blocked_extensions)),
    }


def _settings(row: Any) -> Settings:
    default = Settings()
    blocked = row.get("blocked_extensions")
    extensions = frozenset(json.loads(blocked)) if blocked else default.blocked_extensions
    return Settings(
        follow_enabled=row.get("follow_enabled", default.follow_enabled),
        upload_limit_bytes=row.get("upload_limit_bytes", default.upload_limit_bytes),
        blocked_extensions=extensions,
    )
