"""Who was behind a hit: a person, a machine, or it cannot be known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    reasons: tuple[str, ...] = ()
    #: str or None, the mail program or browser, as a seller knows it
    client: str | None = None
    #: str, version of the rules that judged
    rules: str = ""
