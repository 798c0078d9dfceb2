"""Messages counted by what became of them, for rates: of so many, so many were answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cohort:
    """Messages that were sent; those that are followed, and of these the opened and answered.

    Opened and answered by people: what machines did and what cannot be known does not count.
    """

    sent_count: int = 0
    followed_count: int = 0
    opened_count: int = 0
    replied_count: int = 0

    def __add__(self, other: Cohort) -> Cohort:
        return Cohort(
            self.sent_count + other.sent_count,
            self.followed_count + other.followed_count,
            self.opened_count + other.opened_count,
            self.replied_count + other.replied_count,
        )


@dataclass(frozen=True, slots=True)
class TemplateTotals:
    """What became of all messages that use one template."""

    all: Cohort = Cohort()
    #: by segment, such as ("language", "de") or ("industry", "Manufacturing")
    segments: Mapping[tuple[str, str], Cohort] = field(default_factory=dict)
