"""How often somebody may try something in a minute, counted in bounded memory."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

from engagement.errors import TooManyRequestsError

#: Length of a window; windows begin at whole minutes.
SECONDS = 60
#: Keys that are counted apart; text of IPv6 networks takes some 20 MB then.
MOST_KEYS = 100_000


class RateLimit:
    """Lets each key try *limit* times in a minute by the clock; 0 is no limit.

    So nobody gets more than twice the limit in any 60 seconds, as with a bucket that refills.
    At most *most_keys* keys are counted apart in a minute, and none of them is forgotten before it
    ends; all that come later share one count. Whoever has addresses without end thus gets the
    limit for each of those counted apart, once more for all others together, and no try beyond.
    """

    def __init__(self, limit: int, most_keys: int = MOST_KEYS) -> None:
        self.limit = limit
        self.most_keys = most_keys
        self.window = 0
        self.counts: dict[Hashable, int] = {}
        #: int, tries of those that are not counted apart
        self.shared = 0

    def take(self, key: Hashable, now: datetime) -> None:
        """Count a try; raises TooManyRequestsError when *key* has none left in this minute."""
        self.check(key, now)
        if not self.limit:
            return
        if self._is_apart(key):
            self.counts[key] = self.counts.get(key, 0) + 1
        else:
            self.shared += 1

    def check(self, key: Hashable, now: datetime) -> None:
        """Raise TooManyRequestsError when *key* has no try left in this minute; counts nothing."""
        window, into = divmod(now.timestamp(), SECONDS)
        # Another minute, not a later one: a clock that is set back locks nobody out for long.
        if window != self.window:
            self.window, self.counts, self.shared = int(window), {}, 0
        spent = self.counts.get(key, 0) if self._is_apart(key) else self.shared
        if 0 < self.limit <= spent:
            raise TooManyRequestsError("Too many requests.", retry_after=SECONDS - into)

    def _is_apart(self, key: Hashable) -> bool:
        return key in self.counts or len(self.counts) < self.most_keys
