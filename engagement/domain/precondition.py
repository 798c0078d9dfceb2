"""Changing only what one has seen: entity tags and If-Match (RFC 9110, 8.8.3 and 13.1.1)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from engagement.errors import ConflictError, InvalidRequestError, PreconditionFailedError

TAG = re.compile(r'(?:W/)?"[!#-~\x80-\uffff]*"')
#: What stands between two tags, before the first and behind the last.
BETWEEN = re.compile(r"[\s,]*")


def entity_tag(value: object) -> str:
    """Return the strong tag of a JSON value, which follows from what it says alone."""
    text = json.dumps(value, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


class Precondition:
    """What the header If-Match asks for; "" and "*" ask for nothing, as what it is about exists."""

    def __init__(self, header: str = "") -> None:
        """Read the header; raises InvalidRequestError."""
        everything = header.strip() in ("", "*")
        #: tuple of str, the tags of which one has to be current, or None
        self.tags = None if everything else tuple(TAG.findall(header))
        if self.tags is not None and not (self.tags and BETWEEN.fullmatch(TAG.sub("", header))):
            raise InvalidRequestError("This must be * or tags in quotation marks.", "If-Match")

    @contextmanager
    def holding(self, value: object) -> Iterator[None]:
        """Hold while *value* is replaced; raises PreconditionFailedError, in a race as well.

        Without a condition a race stays the ConflictError that it is.
        """
        if self.tags is None:
            yield
            return
        failed = PreconditionFailedError("This changed since you read it; read it again.")
        if entity_tag(value) not in self.tags:
            raise failed
        try:
            yield
        except ConflictError as error:
            raise failed from error
