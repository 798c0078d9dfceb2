"""What a message says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says; kept as one blob, apart from the head."""

    html_body: str | None
    text_body: str | None
