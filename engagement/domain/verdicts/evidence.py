"""What is known of one hit, and kept of it, so that it can be judged now and again later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Longest user agent kept, in characters; real ones stay below 400.
LONGEST_USER_AGENT = 512

#: Headers by which browsers announce a fetch that nobody asked for yet.
#: Source: https://wicg.github.io/nav-speculation/prefetch.html; the others came before it.
PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
PREFETCH_WORDS = ("prefetch", "prerender", "preview")

#: Seconds by which clocks of our own may differ; a hit that came earlier says nothing of time.
CLOCK_SKEW = 5.0


class InteractionType(StrEnum):
    """What was done."""

    OPEN = "open"
    CLICK = "click"
    ATTACHMENT_VIEW = "attachment_view"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One act and what speaks for or against a person; nothing of it changes later."""

    type: InteractionType
    #: datetime, aware UTC
    at: datetime
    #: int, number of the recipient, 0 when the copy was shared ("someone")
    recipient: int = 0
    #: int, number of the link or attachment, 0 for opens and replies
    target: int = 0
    #: str, method of the request
    method: str = "GET"
    #: bool, whether headers say that it is a prefetch or a preview
    announced: bool = False
    #: str or None, as sent, made printable and cut; hostile input
    user_agent: str | None = None
    #: str or None, name of the rule for the network that it came from
    network: str | None = None
    #: str or None, what is kept of the client's address
    address: str | None = None
    #: str, pseudonym of whoever it was, good within one message
    actor: str = ""
    #: int or None, whole seconds since the copy was handed over; None if that cannot be said
    after_seconds: int | None = None
    #: int, messages that one address asked for within some seconds, this one included
    messages: int = 1


def announced(headers: Mapping[str, str]) -> bool:
    """Whether *headers* (names in lower case) announce a prefetch or a preview."""
    said = "\n".join([headers[name] for name in PREFETCH_HEADERS if name in headers]).lower()
    return any(word in said for word in PREFETCH_WORDS)


def seconds_since(handed_over_at: datetime, at: datetime) -> int | None:
    """Return the whole seconds from the hand-over to a hit, never negative.

    None for a hit that came clearly before it: then the clocks are wrong, and say nothing.
    """
    seconds = (at - handed_over_at).total_seconds()
    return None if seconds < -CLOCK_SKEW else max(0, int(seconds))


def is_within(evidence: Evidence, seconds: int) -> bool:
    """Whether a hit is known to have come within so many seconds after the hand-over."""
    return evidence.after_seconds is not None and evidence.after_seconds < seconds


def printable_user_agent(value: str | None) -> str | None:
    """Return what is kept of a User-Agent header: printable, cut; None if nothing is left."""
    if not value:
        return None
    kept = value[:LONGEST_USER_AGENT]
    if not kept.isprintable():
        kept = "".join(char if char.isprintable() else " " for char in kept)
    return kept.strip() or None
