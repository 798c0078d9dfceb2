"""What every record that waits in a queue or a file begins with: the version of its form."""

from __future__ import annotations

import json
from typing import Any


def read_queued(record: str, version: int) -> dict[str, Any]:
    """Return the fields of a record; raises ValueError for anything but an object of *version*."""
    try:
        value = json.loads(record)
    except RecursionError as error:
        raise ValueError("This record is nested too deeply.") from error
    if not isinstance(value, dict) or value.get("v") != version:
        raise ValueError("This record is of an unknown version.")
    return value
