"""What waits in a queue, looked at and moved by an administrator.

Protocol: "Peek Messages", "Get Messages", "Put Message", "Delete Message". The functions host moves
what failed five times to the poison queue; putting it back is the same the other way round, with
the body as it is, and the count of tries begins anew.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from engagement.errors import StorageError
from engagement.storage.queues import FOREVER, MOST_PEEKED, PATIENT_SECONDS
from engagement.storage.wire import Wire

#: Seconds that a message stays hidden while it is moved; after a crash it shows again.
HIDDEN_SECONDS = 60


class RefusedError(StorageError):
    """The store answered, and said no; *code* is its own word for why, "" if it gave none."""

    def __init__(self, refusal: int, code: str = "") -> None:
        super().__init__(f"The store refused ({refusal} {code}".rstrip() + ").")
        #: int, status of the answer
        self.refusal = refusal
        self.code = code


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One message of a queue."""

    id: str
    inserted_at: datetime
    #: int, how often it was taken
    tries: int
    #: str, as it travels; the app's own are base64
    text: str = field(repr=False)
    #: str, allows to delete it; "" if it was only looked at
    receipt: str = field(default="", repr=False)

    @property
    def body(self) -> str:
        """What the message says: out of base64, unless it is none."""
        try:
            return base64.b64decode(self.text, validate=True).decode()
        except ValueError:
            return self.text


class QueueMessages:
    """The messages of one queue; every method raises StorageError."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.name = name

    async def peek(self, most: int = MOST_PEEKED) -> list[QueueMessage]:
        """Return the first that wait, without taking them."""
        return await self._read(f"peekonly=true&numofmessages={min(most, MOST_PEEKED)}")

    async def take(self, most: int) -> AsyncIterator[QueueMessage]:
        """Take up to *most*, which whoever takes them deletes; nobody else sees them meanwhile."""
        left = most
        while left > 0:
            size = min(left, MOST_PEEKED)
            page = await self._read(f"numofmessages={size}&visibilitytimeout={HIDDEN_SECONDS}")
            if not page:
                return
            left -= len(page)
            for message in page:
                yield message

    async def put(self, text: str) -> None:
        """Put the text of a message just as it is; the queue is made if it is missing."""
        body = f"<QueueMessage><MessageText>{escape(text)}</MessageText></QueueMessage>".encode()
        path = f"{self.name}/messages?messagettl={FOREVER}"
        status = await self.wire.queue("POST", path, body, PATIENT_SECONDS)
        if status == 404:
            _check(await self.wire.queue("PUT", self.name, b"", PATIENT_SECONDS), 201, 204)
            status = await self.wire.queue("POST", path, body, PATIENT_SECONDS)
        _check(status, 201)

    async def delete(self, message: QueueMessage) -> None:
        """Delete a message that was taken; one that is gone already is done."""
        path = f"{self.name}/messages/{message.id}?popreceipt={quote(message.receipt, safe='')}"
        _check(await self.wire.queue("DELETE", path, b"", PATIENT_SECONDS), 204, 404)

    async def _read(self, query: str) -> list[QueueMessage]:
        path = f"{self.name}/messages?{query}"
        status, _, body = await self.wire.read_queue(path, PATIENT_SECONDS)
        if status == 404:
            return []
        _check(status, 200)
        return [_message(element) for element in ET.fromstring(body)]  # noqa: S314 - our own store


def _message(element: ET.Element) -> QueueMessage:
    found = {child.tag: child.text or "" for child in element}
    return QueueMessage(
        id=found["MessageId"],
        inserted_at=parsedate_to_datetime(found["InsertionTime"]),
        tries=int(found["DequeueCount"]),
        text=found["MessageText"],
        receipt=found.get("PopReceipt", ""),
    )


def _check(status: int, *wanted: int) -> None:
    if status not in wanted:
        raise RefusedError(status)
