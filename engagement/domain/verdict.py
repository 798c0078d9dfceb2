"""Who was behind a hit: a person, a machine, or it cannot be known.

The one place of the rules. This first rule set knows methods, prefetch headers and empty user
agents; whatever it does not know is taken for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

#: Stored with every verdict, so that history can be scored again with later rules.
RULES_VERSION = 1

#: Headers by which browsers announce a fetch that nobody asked for yet.
#: Source: https://wicg.github.io/nav-speculation/prefetch.html; the others came before it.
PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
PREFETCH_WORDS = ("prefetch", "prerender", "preview")


class Verdict(StrEnum):
    """Who was behind a hit."""

    PERSON = "person"
    AUTOMATED = "automated"
    UNSURE = "unsure"


class Via(StrEnum):
    """Which way a hit came."""

    DIRECT = "direct"
    IMAGE_PROXY = "image_proxy"
    PRIVACY_RELAY = "privacy_relay"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the names of the rules that led to it."""

    verdict: Verdict
    via: Via
    reasons: tuple[str, ...]


def classify(method: str, headers: Mapping[str, str]) -> Judgement:
    """Judge a hit; *headers* has lower-case names. Total: never raises, whatever they hold."""
    reasons = tuple(
        name
        for name, found in (
            ("method", method != "GET"),
            ("prefetch", _prefetched(headers)),
            ("no_user_agent", not headers.get("user-agent", "").strip()),
        )
        if found
    )
    verdict = Verdict.AUTOMATED if reasons else Verdict.PERSON
    return Judgement(verdict, Via.UNKNOWN if reasons else Via.DIRECT, reasons)


def _prefetched(headers: Mapping[str, str]) -> bool:
    return any(
        word in headers.get(name, "").lower()
        for name in PREFETCH_HEADERS
        for word in PREFETCH_WORDS
    )
