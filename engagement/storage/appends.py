"""The append of one entity. Protocol: "Insert Entity" of the Table service's REST API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.wire import Wire

HEADERS = {
    "Accept": "application/json;odata=nometadata",
    "Content-Type": "application/json",
    "Prefer": "return-no-content",
    "DataServiceVersion": "3.0;NetFx",
}


class Appends:
    """Inserts entities, each once: an entity that is there already (409) counts as stored."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def append(self, organization: str, entity: Mapping[str, Any], seconds: float) -> None:
        """Insert *entity* within *seconds*, with one repetition on a dropped connection.

        Raises NotFoundError if the organization is gone, StorageError if the store hangs or
        refuses, and ValueError for an entity that it will never take.
        """
        body = json.dumps(entity).encode()
        # The same row key: if a first try was stored after all, the second one answers 409.
        status, _, _ = await self.wire.table(keys.table(organization), body, HEADERS, seconds)
        if status == 404:
            raise NotFoundError("There is no such organization.")
        if status == 400:
            raise ValueError("The store cannot understand this entity.")
        if status not in (201, 204, 409):
            raise StorageError(f"The store answered {status}.")
