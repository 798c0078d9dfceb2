"""The read of one entity. Protocol: "Get Entity" of the Table service's REST API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.wire import Wire, ensure_read, is_gone

HEADERS = {"Accept": "application/json;odata=nometadata", "DataServiceVersion": "3.0;NetFx"}


class Points:
    """Reads single entities, without retries: somebody is waiting."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def read(
        self,
        organization: str,
        place: tuple[str, str],
        columns: Sequence[str],
        seconds: float,
    ) -> dict[str, Any]:
        """Return those of *columns* that the entity with the keys *place* has, as JSON has them.

        Raises NotFoundError if it is not there, StorageError if the store does not answer within
        *seconds* or cannot now, and ValueError if it does not understand.
        """
        partition, row = map(_quoted, place)
        entity = f"{keys.table(organization)}(PartitionKey='{partition}',RowKey='{row}')"
        path = f"{entity}?$select={','.join(columns)}"
        answer = await self.wire.read_table(path, HEADERS, seconds)
        if is_gone(answer):
            raise NotFoundError("It does not exist, or no longer.")
        ensure_read(answer)
        found: dict[str, Any] = json.loads(answer.body)
        # What is selected and not there comes as null.
        return {name: value for name, value in found.items() if value is not None}


def _quoted(key: str) -> str:
    """Return a key as it stands in a URL between quotes, which double where they are its own."""
    return quote(key.replace("'", "''"), safe="")
