"""Limiting: how often organizations may call, and strangers may be wrong, in a minute.

Each instance counts what it serves itself, in memory: to ask a store for every request would cost
more than what the limits save (docs/adr/0018-limits-are-per-instance.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from engagement.domain.rate_limit import RateLimit
from engagement.domain.verdicts.client_address import TrustedProxies, line_of
from engagement.errors import TooManyRequestsError
from engagement.services.tallying import Tally

#: What is limited, by the names under which operators are told of it.
KINDS = ("calls", "bad_tokens", "refusals")


class Limiting:
    """Counts by organization and by source; *clock* tells the time, aware UTC.

    A source is a line to the Internet as the *proxies* tell it: what a client writes into
    X-Forwarded-For itself makes no other source of it. Where nobody tells, all are one.
    """

    def __init__(
        self,
        proxies: TrustedProxies,
        clock: Callable[[], datetime],
        *,
        api_limit: int,
        bad_token_limit: int,
    ) -> None:
        self.proxies = proxies
        self.clock = clock
        self.calls = RateLimit(api_limit)
        self.bad_tokens = RateLimit(bad_token_limit)
        self.refusals = RateLimit(bad_token_limit)
        self.tally = Tally()

    def count_call(self, organization: str) -> None:
        """Count a call by the organization of this key; raises TooManyRequestsError."""
        with self._told("calls"):
            self.calls.take(organization, self.clock())

    def count_bad_token(self, headers: Mapping[str, str]) -> None:
        """Count a tracking token that does not verify; raises TooManyRequestsError."""
        with self._told("bad_tokens"):
            self.bad_tokens.take(self._source(headers), self.clock())

    def count_refusal(self, headers: Mapping[str, str]) -> None:
        """Count a call that showed no credential that holds; raises TooManyRequestsError."""
        with self._told("refusals"):
            self.refusals.take(self._source(headers), self.clock())

    def check_refusals(self, headers: Mapping[str, str]) -> None:
        """Raise TooManyRequestsError if a source has been refused too often; nothing is counted."""
        with self._told("refusals"):
            self.refusals.check(self._source(headers), self.clock())

    @contextmanager
    def _told(self, kind: str) -> Iterator[None]:
        """Let operators know that a limit was met, once a minute."""
        try:
            yield
        except TooManyRequestsError:
            self.tally.count("limited", kind, kinds=KINDS)
            self.tally.tell(time.monotonic())
            raise

    def _source(self, headers: Mapping[str, str]) -> str:
        """Return where a request came from; *headers* has lower-case names."""
        return line_of(self.proxies.client_address(headers))
