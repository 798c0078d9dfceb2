"""The shape that every refusal of the API has (RFC 9457), as the tests expect it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx


def assert_problem(
    answer: httpx.Response, status: int, field: str | None = None, detail: str = ""
) -> dict[str, Any]:
    """Check that *answer* is a problem of this status about this field; return its JSON."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    value: dict[str, Any] = answer.json()
    assert value["type"] == "about:blank"
    assert value["status"] == status
    assert value["title"] == HTTPStatus(status).phrase
    assert value.get("field") == field, value
    assert value["detail"], value
    assert detail in value["detail"], value
    return value
