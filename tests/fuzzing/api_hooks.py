"""Hooks of schemathesis: calls go to things that exist, where a made-up name would be all right.

What exists is told in API_FUZZING (JSON): ids by the name of their part of the path. Of what is
well formed, three in four values of which few are right become right ones, so that calls reach
the rules behind the form.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(os.environ["API_FUZZING"])
ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
NOW = datetime.now(UTC)

#: By the name of a field or parameter; None leaves it out.
RIGHT: dict[str, list[Any]] = {
    "continuation": [None],
    "time_zone": ["Europe/Berlin", "America/New_York"],
    "country": ["DE", "US", None],
    "region": [None],
    "phone": ["+49 30 123456", None],
    "email": [f"p{number}@fabrikam.example" for number in range(20)],
    "replied_by": ["ann@fabrikam.example"],
    "template_id": ["kept", None],
    "related": ["account:a-1,lead:l-2"],
    "event_id": [None],
    "url": ["http://127.0.0.1:9/"],
    "on": [f"{NOW - timedelta(days=1):%Y-%m-%d}"],
    "html_body": ['<p>See <a href="https://contoso.example/offer">it</a></p>'],
    "comment": ["Call"],
    "date_header": ["Sun, 22 Nov 2026 10:00:00 +0100"],
    **{
        name: [(NOW + timedelta(days=days)).isoformat() for days in (1, 5, 20)]
        for name in ("until", "remind_by", "send_at", "not_before")
    },
}

#: What a message needs that names no template.
NEEDED = {"subject": "Offer", "text_body": "Hello"}


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Put what exists, and what is right, in the place of what was made up."""
    kind = "deleted" if case.method == "DELETE" else "kept"
    if case.operation.path.endswith("{organization_id}"):
        kind = "managed"
    for name, value in (case.path_parameters or {}).items():
        known = KNOWN[kind].get(name)
        if known and (name != "organization_id" or ORGANIZATION.fullmatch(str(value))):
            case.path_parameters[name] = known[_digest(value) % len(known)]
    mode = case.meta.generation.mode if case.meta else None
    if mode is schemathesis.GenerationMode.POSITIVE:
        case.query = _right(case.query)
        case.body = _right(case.body)
        if isinstance(case.body, dict) and case.operation.label.endswith("_id}/messages"):
            # Which of them is needed, no schema says.
            case.body = {**NEEDED, **case.body}


@schemathesis.hook
def filter_case(ctx: Any, case: Any) -> bool:
    """Leave out parameters without a value, which are not wrong: the Functions host drops them."""
    return all(value not in ("", [], [""]) for value in (case.query or {}).values())


def _right(value: Any) -> Any:
    """Return a made-up value with right ones in it."""
    if isinstance(value, list):
        return [_right(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, part in value.items():
        number = _digest(part)
        if name in RIGHT and isinstance(part, str) and number % 4:
            part = RIGHT[name][number // 4 % len(RIGHT[name])]  # noqa: PLW2901 - that is meant
            if part is None:
                continue
        found[name] = _right(part)
    return found


def _digest(value: Any) -> int:
    return zlib.crc32(repr(value).encode("utf-8", "replace"))
