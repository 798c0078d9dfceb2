"""The append of one entity. Protocol: "Insert Entity" of the Table service's REST API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engagement.errors import NotFoundError, StorageError
from engagement.storage import keys
from engagement.storage.wire import CONFLICT, Wire

HEADERS = {
    "Accept": "application/json;odata=nometadata",
    "Content-Type": "application/json",
    "Prefer": "return-no-content",
    "DataServiceVersion": "3.0;NetFx",
}

#: What a conflict may be with: the entity is there, or its table is still being deleted. With
#: anything else, as an account that cannot be written, nothing was stored.
EXISTS, DELETED = b"EntityAlreadyExists", b"TableBeingDeleted"


class Appends:
    """Inserts entities, each once: an entity that is there already counts as stored."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def append(self, organization: str, entity: Mapping[str, Any], seconds: float) -> None:
        """Insert *entity* within *seconds*, with one repetition on a dropped connection.

        Raises NotFoundError if the organization is gone, StorageError if the store hangs or
        refuses, and ValueError for an entity that it will never take.
        """
        body = json.dumps(entity).encode()
        answer = await self.wire.table(keys.table(organization), body, HEADERS, seconds)
        status, said = answer.status, answer.body
        if status == CONFLICT and EXISTS in said:
            # The same row key: a first try was stored after all.
            return
        if status == 404 or (status == CONFLICT and DELETED in said):
            raise NotFoundError("There is no such organization.")
        if status == 400:
            raise ValueError("The store cannot understand this entity.")
        if status not in (201, 204):
            raise StorageError(f"The store answered {status}.")
