"""What a hit needs to know of its organization's settings, out of their one row."""

from __future__ import annotations

import json
from typing import Any

from engagement.domain.verdicts.client_address import AddressPrivacy
from engagement.domain.verdicts.verdict_settings import VerdictSettings
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.points import Points

#: Columns of the settings that a hit goes by.
COLUMNS = ["follow_enabled", "windows", "rules", "client_address"]


class TrackingSettings:
    """Reads whether and how hits are judged, by the key of their organization."""

    def __init__(self, points: Points) -> None:
        self.points = points

    async def read(self, organization: str, seconds: float) -> tuple[bool, VerdictSettings]:
        """Return whether anything is followed, and the rules; defaults while nothing was changed.

        Takes at most *seconds* and tries once, as a recipient is waiting; raises StorageError.
        """
        place = (keys.SETTINGS_PARTITION, keys.SETTINGS_ROW)
        try:
            row = await self.points.read(organization, place, COLUMNS, seconds)
        except NotFoundError:
            return True, VerdictSettings()
        return row.get("follow_enabled", True), verdicts_of(row)


def verdicts_of(row: Any) -> VerdictSettings:
    """Read the rules of verdicts from the row of the settings."""
    return VerdictSettings(
        windows=json.loads(row.get("windows", "{}")),
        rules=json.loads(row.get("rules", "{}")),
        client_address=AddressPrivacy(row.get("client_address", AddressPrivacy.TRUNCATED)),
    )
