"""What a tracking token and a verdict cost: processor time of one operation, and a token's length.

Beside them stands what any signed string costs at the least in Python: an HMAC-SHA-256 over as many
bytes, and its base64. These times are the one absolute aim among the ratios: they bound what every
tracked URL and every hit costs, and are far above what any machine of today needs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any

from benchmarks.figures import Figure, Part, ratios, table
from engagement.domain.tracking.tracking_token import (
    MAC_BYTES,
    PAYLOAD,
    Kind,
    TokenSigner,
    TrackingToken,
)
from engagement.domain.verdicts.classifier import classify
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.wiring.foundation import shipped_rules

#: Operations of one subject in a round, each with an input of its own.
OPERATIONS = 20_000
#: Organizations whose tokens are made and checked; their keys are derived once and kept.
ORGANIZATIONS = 100
AT = datetime(2026, 11, 3, 9, tzinfo=UTC)

#: What asks: mail programs, browsers, proxies, scanners, and names that nobody knows.
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
    "Mozilla/5.0",
    "python-requests/2.32.5",
    "Thunderbird/140.4.0",
    "SomeMailProgram/3.1",
)

Work = Callable[[Any], object]


def measure(rounds: int) -> Part:
    """Measure each subject in turns; rounds as many as asked for."""
    works = subjects()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, (work, inputs) in works.items():
            began = process_time()
            for each in inputs:
                work(each)
            spent = (process_time() - began) / OPERATIONS * 1e6
            # The first time fills what is kept: keys of organizations, rules by user agent.
            if number:
                taken[name].append(spent)
    figures = [
        Figure("token: create", tuple(taken["create"]), "us", at_most=5),
        Figure("token: check", tuple(taken["check"]), "us", at_most=5),
        Figure("token: length", (float(length()),), "characters", at_most=80),
        Figure("token: create beside HMAC and base64", ratios(taken["create"], taken["floor"])),
        Figure("token: check beside HMAC and base64", ratios(taken["check"], taken["floor"])),
        Figure("classification of an interaction", tuple(taken["classify"]), "us"),
    ]
    return Part(_text(figures), figures, {"microseconds": taken})


def subjects() -> dict[str, tuple[Work, list[Any]]]:
    """Return what is measured by name, each with its inputs."""
    key, rules = secrets.token_bytes(32), shipped_rules()
    signer, tokens = TokenSigner({1: key}), _tokens()
    payloads = [secrets.token_bytes(PAYLOAD.size) for _ in tokens]

    def floor(payload: bytes) -> bytes:
        mac = hmac.digest(key, payload, hashlib.sha256)[:MAC_BYTES]
        return base64.urlsafe_b64encode(payload + mac)

    return {
        "floor": (floor, payloads),
        "create": (signer.sign, tokens),
        "check": (lambda text: signer.verify(text, Kind.CLICK), [*map(signer.sign, tokens)]),
        "classify": (lambda one: classify(one, rules), _evidence()),
    }


def length() -> int:
    """Return the characters of a token, all of which are as long."""
    return len(TokenSigner({1: secrets.token_bytes(32)}).sign(_tokens()[0]))


def _tokens() -> list[TrackingToken]:
    organizations = [secrets.token_hex(8) for _ in range(ORGANIZATIONS)]
    return [
        TrackingToken(
            Kind.CLICK,
            organizations[number % ORGANIZATIONS],
            secrets.token_hex(12),
            AT,
            recipient=number % 100,
            target=number % 30,
        )
        for number in range(OPERATIONS)
    ]


def _evidence() -> list[Evidence]:
    kinds = (InteractionType.OPEN, InteractionType.OPEN, InteractionType.CLICK)
    return [
        Evidence(
            type=kinds[number % len(kinds)],
            at=AT,
            user_agent=AGENTS[number % len(AGENTS)],
            address="192.0.2.0/24",
            actor=f"{number % 50:012x}",
            after_seconds=number % 5_000,
        )
        for number in range(OPERATIONS)
    ]


def _text(figures: list[Figure]) -> str:
    rows = [[one.name, f"{one.value:.2f} {one.unit}"] for one in figures]
    return f"{OPERATIONS:,} operations a round, processor time.\n\n{table(['', 'median'], rows)}"
