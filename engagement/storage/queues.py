"""Queues from which functions take what is to be done.

Protocol: "Put Message", "Peek Messages", "Create Queue", "Get Queue Metadata".
"""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from engagement.errors import StorageError
from engagement.storage.connections import Answer
from engagement.storage.wire import Wire

#: Kept until it is taken: -1 is for ever.
FOREVER = -1
#: Seconds that putting a record back may take: nobody waits for it.
PATIENT_SECONDS = 10.0
#: Seconds after which a record is tried again, doubled each time up to the longest.
FIRST_DELAY, LONGEST_DELAY = 4, 600

#: Most messages that one request may look at, or take.
MOST_PEEKED = 32
INSERTED_AT = re.compile(r"<InsertionTime>([^<]+)<")
TEXT = re.compile(r"<MessageText>([^<]*)<")
#: Says in a record that was put in for later when it is to be taken.
DUE_AT = "due_at"


class Queue:
    """Puts records into one queue; a record may be taken more than once."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.name = name

    async def put(self, record: str, seconds: float, *, delay: int = 0) -> None:
        """Put *record*, a JSON object, within *seconds*; raises StorageError.

        It is taken after *delay* seconds, and says so for whoever looks how long it has waited.
        """
        end = time.monotonic() + seconds
        if delay:
            due_at = datetime.now(UTC) + timedelta(seconds=delay)
            record = json.dumps({**json.loads(record), DUE_AT: due_at.isoformat()})
        status = await self._put(record, delay, end)
        if status == 404:
            # Made when it is first needed; two who make it at once both get it.
            await self.wire.queue("PUT", self.name, b"", _left(end))
            status = await self._put(record, delay, end)
        if status != 201:
            raise StorageError(f"The queue answered {status}.")

    async def put_back(self, record: str) -> None:
        """Put a record that cannot be dealt with now back, later each time; raises StorageError."""
        value = json.loads(record)
        tries = value.get("tries", 0)
        again = json.dumps({**value, "tries": tries + 1})
        delay = min(FIRST_DELAY * 2**tries, LONGEST_DELAY)
        await self.put(again, PATIENT_SECONDS, delay=delay)

    async def oldest(self, seconds: float) -> datetime | None:
        """Return since when what was put in first could have been taken; raises StorageError.

        None if nothing waits but for its time. Looks at the first of the queue only.
        """
        path = f"{self.name}/messages?peekonly=true&numofmessages={MOST_PEEKED}"
        status, _, body = await self.wire.read_queue(path, seconds)
        if status == 404:
            return None
        if status != 200:
            raise StorageError(f"The queue answered {status}.")
        # Not read as XML: what others put in may hold characters that are forbidden there.
        _, *messages = body.decode("utf-8", "replace").split("<QueueMessage>")
        return min((_due(message) for message in messages), default=None)

    async def count(self, seconds: float) -> int:
        """Return about how many messages there are, hidden ones too; raises StorageError."""
        status, headers, _ = await self._metadata(seconds)
        if status == 404:
            return 0
        if status != 200:
            raise StorageError(f"The queue answered {status}.")
        return int(headers["x-ms-approximate-messages-count"])

    async def check(self, seconds: float) -> None:
        """Raise StorageError unless the Queue service answers; a 404 is an answer as well."""
        status, _, _ = await self._metadata(seconds)
        if status not in (200, 404):
            raise StorageError(f"The queue answered {status}.")

    async def _metadata(self, seconds: float) -> Answer:
        return await self.wire.read_queue(f"{self.name}?comp=metadata", seconds)

    async def _put(self, record: str, delay: int, end: float) -> int:
        text = base64.b64encode(record.encode()).decode()
        body = f"<QueueMessage><MessageText>{text}</MessageText></QueueMessage>".encode()
        options = f"messagettl={FOREVER}&visibilitytimeout={delay}"
        return await self.wire.queue("POST", f"{self.name}/messages?{options}", body, _left(end))


def _left(end: float) -> float:
    return max(0.01, end - time.monotonic())


def _due(message: str) -> datetime:
    """Return when a peeked message was to be taken: at once, unless it says otherwise."""
    inserted, text = INSERTED_AT.search(message), TEXT.search(message)
    if inserted is None:
        raise StorageError("The queue answered something else.")
    at = parsedate_to_datetime(inserted[1])
    if text is None:
        return at
    try:
        due_at = datetime.fromisoformat(json.loads(base64.b64decode(text[1]))[DUE_AT])
        return max(at, due_at)
    except (KeyError, TypeError, ValueError, RecursionError):
        # Whatever it is, it has been there since then.
        return at
