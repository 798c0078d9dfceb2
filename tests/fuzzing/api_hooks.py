"""Hooks of schemathesis: calls go to things that exist, where a made-up name would be all right.

What exists is told in API_FUZZING (JSON): ids by the name of their part of the path.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(os.environ["API_FUZZING"])
ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Put ids of what exists in the place of well-formed ones that were made up."""
    kind = "deleted" if case.method == "DELETE" else "kept"
    if case.operation.path.endswith("{organization_id}"):
        kind = "managed"
    for name, value in (case.path_parameters or {}).items():
        known = KNOWN[kind].get(name)
        if known and (name != "organization_id" or ORGANIZATION.fullmatch(str(value))):
            case.path_parameters[name] = known[zlib.crc32(str(value).encode()) % len(known)]


@schemathesis.hook
def filter_case(ctx: Any, case: Any) -> bool:
    """Leave out parameters without a value, which are not wrong: the Functions host drops them."""
    return all(value not in ("", [], [""]) for value in (case.query or {}).values())
