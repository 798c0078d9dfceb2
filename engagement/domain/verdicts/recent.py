"""The hits of the last minutes that an instance has seen, so that neighbours can be told at once.

Each instance sees a part only; what it misses, the judgement of the whole message finds.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from engagement.domain.verdicts.evidence import Evidence

#: Key of an organization and id of one of its messages.
MessageKey = tuple[str, str]

MINUTE = timedelta(minutes=1)
MOST_MESSAGES = 2_500
MOST_HITS = 20
MOST_ADDRESSES = 5_000
#: Messages remembered of one address; no rule asks for more.
MOST_OF_ADDRESS = 100


class Recent:
    """Remembers hits by message and messages by address; bounded in both."""

    def __init__(self) -> None:
        self.hits: OrderedDict[MessageKey, deque[Evidence]] = OrderedDict()
        self.messages: OrderedDict[str, dict[MessageKey, datetime]] = OrderedDict()
        self.busy: OrderedDict[str, datetime] = OrderedDict()
        self.people: OrderedDict[tuple[MessageKey, int], datetime] = OrderedDict()

    def note(self, message: MessageKey, hit: Evidence, seconds: int) -> list[Evidence]:
        """Note a hit and return those on *message* of the *seconds* before it."""
        since = hit.at - timedelta(seconds=seconds)
        hits = self.hits.setdefault(message, deque(maxlen=MOST_HITS))
        before = [other for other in hits if other.at >= since]
        hits.append(hit)
        self.hits.move_to_end(message)
        if len(self.hits) > MOST_MESSAGES:
            self.hits.popitem(last=False)
        return before

    def is_new_person(self, message: MessageKey, recipient: int, at: datetime) -> bool:
        """Note that a person was there, and say whether none was in the minute before."""
        key = (message, recipient)
        before = self.people.get(key)
        if before is not None and at - before < MINUTE:
            return False
        self.people[key] = at
        self.people.move_to_end(key)
        if len(self.people) > MOST_MESSAGES:
            self.people.popitem(last=False)
        return True

    def forget_person(self, message: MessageKey, recipient: int) -> None:
        """Take back that a person was there: it was a machine."""
        self.people.pop((message, recipient), None)

    def is_newly_busy(self, address: str, at: datetime, seconds: int) -> bool:
        """Note that *address* is busy, and say whether that was not known *seconds* ago."""
        before = self.busy.get(address)
        if before is not None and at - before < timedelta(seconds=seconds):
            return False
        self.busy[address] = at
        self.busy.move_to_end(address)
        if len(self.busy) > MOST_ADDRESSES:
            self.busy.popitem(last=False)
        return True

    def others(
        self, address: str, message: MessageKey, at: datetime, seconds: int
    ) -> list[MessageKey]:
        """Note that *address* asked for *message*; return what else in the last *seconds*."""
        messages = self.messages.setdefault(address, {})
        self.messages.move_to_end(address)
        if len(self.messages) > MOST_ADDRESSES:
            self.messages.popitem(last=False)
        since = at - timedelta(seconds=seconds)
        for other in [key for key, asked_at in messages.items() if asked_at < since]:
            del messages[other]
        messages.pop(message, None)
        others = list(messages)
        # Last, as the first to go is the one that was asked for longest ago.
        messages[message] = at
        if len(messages) > MOST_OF_ADDRESS:
            del messages[others.pop(0)]
        return others
