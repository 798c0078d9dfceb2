"""Reading JSON as RFC 8259 means it, where Python's own reader lets more pass."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from engagement.errors import InvalidRequestError


def parse_json(body: bytes) -> object:
    """Return the JSON value of *body*; raises InvalidRequestError for anything RFC 8259 forbids."""
    if not body:
        raise InvalidRequestError("The body is empty; it must be a JSON object.")
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except InvalidRequestError:
        raise
    except RecursionError as error:
        raise InvalidRequestError("The body is nested too deeply.") from error
    except ValueError as error:
        # Also a BOM, UTF-16, and whole numbers too long for Python to read.
        raise InvalidRequestError("The body is not JSON in UTF-8.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidRequestError("The body names a field twice.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise InvalidRequestError(f"The body holds {name}, which is not JSON.")
