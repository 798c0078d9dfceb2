"""Where a list goes on: opaque to the caller, and of use for that very list only."""

from __future__ import annotations

import base64
import hashlib
import json

from engagement.errors import InvalidRequestError

#: More than any list's position takes.
LONGEST = 4_000


def continuation_of(position: object, scope: str) -> str:
    """Return *position*, a JSON value, as text that holds in *scope* only."""
    text = json.dumps([_digest(position, scope), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position_of(continuation: str, scope: str) -> object:
    """Return the position; raises InvalidRequestError for what was not made in *scope*.

    Who knows all of the scope could make one, but no other than of a list that is theirs to read:
    what a position is compared with has to be checked all the same.
    """
    try:
        if len(continuation) > LONGEST:
            raise ValueError  # noqa: TRY301 - one answer for all that is wrong
        padding = "=" * (-len(continuation) % 4)
        raw = base64.b64decode(continuation + padding, altchars=b"-_", validate=True)
        digest, position = json.loads(raw)
        if digest != _digest(position, scope):
            raise ValueError  # noqa: TRY301 - the same
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequestError("This is not what a page ended with.", "continuation") from error
    return position


def _digest(position: object, scope: str) -> str:
    return hashlib.sha256(f"{scope}\0{json.dumps(position)}".encode()).hexdigest()[:16]
