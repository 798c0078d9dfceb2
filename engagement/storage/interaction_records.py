"""What is put into the interactions queue, and spilled: an interaction to be stored later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engagement.storage import keys
from engagement.storage.queued_record import read_queued

RECORD_VERSION = 1


def record_of(organization: str, entity: Mapping[str, Any]) -> str:
    """Return an interaction of an organization (key) as it is queued, or spilled."""
    return json.dumps({"v": RECORD_VERSION, "organization": organization, "entity": entity})


def read_record(record: str) -> tuple[str, dict[str, Any]]:
    """Read a record; raises ValueError for one that this version does not know."""
    value = read_queued(record, RECORD_VERSION)
    entity = value.get("entity")
    if not isinstance(entity, dict):
        raise ValueError("This record holds no entity.")  # noqa: TRY004 - one kind
    organization, _ = keys.check_place(value.get("organization"), entity.get("PartitionKey"))
    return organization, entity
