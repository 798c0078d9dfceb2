"""Which templates are recommended: the rule that docs/templates.md publishes.

A template is recommended when at least MINIMUM messages that use it were followed, and the lower
bound of the 90 % credible interval of its reply rate is above the organization's reply rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from engagement.domain.reports.cohort import Cohort, TemplateTotals
from engagement.domain.templates.credible_interval import credible_interval, lower_bound

#: Followed messages below which nothing is said of a template, or of it within a segment.
MINIMUM = 30
#: Followed messages beyond which no estimate of how many are missing is given.
FARTHEST = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with the interval that this leaves open."""

    count: int
    followed_count: int

    @property
    def value(self) -> float | None:
        """The rate, 0 to 1; None if nothing was followed."""
        return self.count / self.followed_count if self.followed_count else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 90 % credible interval; None if nothing was followed."""
        return credible_interval(self.count, self.followed_count) if self.followed_count else None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What is said of a template, and the counts it rests on."""

    cohort: Cohort
    #: Cohort, the organization's messages that it is compared with
    organization: Cohort
    #: tuple[str, str] or None, such as ("language", "de"), if one was asked for
    segment: tuple[str, str] | None = None
    #: int, followed messages of the template within that segment
    segment_count: int = 0

    @property
    def within_segment(self) -> bool:
        """Whether the counts are those of the segment: it has enough messages."""
        return self.segment is not None and self.segment_count >= MINIMUM

    @property
    def open_rate(self) -> Rate:
        """Of the followed messages, those that a person opened."""
        return Rate(self.cohort.opened_count, self.cohort.followed_count)

    @property
    def reply_rate(self) -> Rate:
        """Of the followed messages, those that a person answered."""
        return Rate(self.cohort.replied_count, self.cohort.followed_count)

    @property
    def needs(self) -> int:
        """Followed messages that are missing until anything can be said."""
        return max(0, MINIMUM - self.cohort.followed_count)

    @property
    def recommended(self) -> bool:
        """What the rule says."""
        usual = self._usual
        return not self.needs and usual is not None and self._lower_bound > usual

    @property
    def needs_at_this_rate(self) -> int | None:
        """About how many more followed messages would make it recommended, at its reply rate.

        None when its rate is not above the organization's, or FARTHEST would not do.
        """
        rate, usual = self.reply_rate.value, self._usual
        if rate is None or usual is None or rate <= usual:
            return None
        if self.recommended:
            return 0
        low, high = self.cohort.followed_count, FARTHEST
        if not _would_do(rate, high, usual):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _would_do(rate, middle, usual) else (middle, high)
        return high - self.cohort.followed_count

    @property
    def reason(self) -> str:
        """Why it is recommended or not, in a sentence."""
        rate, usual = self.reply_rate.value, self._usual
        if rate is None or self.needs:
            return f"{MINIMUM} followed messages are needed: {self.needs} more."
        if usual is None:
            return "The organization's reply rate is not known yet."
        theirs = f"the organization's {usual:.1%}"
        if self.segment and self.within_segment:
            theirs += f" with {self.segment[0]} {self.segment[1]}"
        if self.recommended:
            return f"Its reply rate is above {theirs}, and hardly by chance."
        if rate > usual:
            return f"Its reply rate is above {theirs}, but that may be chance."
        return f"Its reply rate is not above {theirs}."

    def rank(self, template_id: str) -> str:
        """Return what templates are listed by: recommended ones first, then by lower bound."""
        shortfall = round((1 - self._lower_bound) * 10**9)
        return f"{int(not self.recommended)}-{shortfall:010d}-{template_id}"

    @property
    def _usual(self) -> float | None:
        return Rate(self.organization.replied_count, self.organization.followed_count).value

    @property
    def _lower_bound(self) -> float:
        rate = self.reply_rate
        return lower_bound(rate.count, rate.followed_count)


def recommend(
    template: TemplateTotals, organization: TemplateTotals, segment: tuple[str, str] | None
) -> Recommendation:
    """Apply the rule, within *segment* if that has enough messages and to all of them if not."""
    if segment is None:
        return Recommendation(template.all, organization.all)
    inside = template.segments.get(segment, Cohort())
    if inside.followed_count < MINIMUM:
        count = inside.followed_count
        return Recommendation(template.all, organization.all, segment, count)
    usual = organization.segments.get(segment, Cohort())
    return Recommendation(inside, usual, segment, inside.followed_count)


def _would_do(rate: float, followed_count: int, usual: float) -> bool:
    return followed_count >= MINIMUM and lower_bound(rate * followed_count, followed_count) > usual
