"""Whether engagement of a message is tracked, and why not.

Source of the rules: Dynamics 365, "Configure and use email engagement": followed by default, and
only if To or Cc (Bcc does not count) holds an account, contact or lead.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

ELIGIBLE_RECORDS = frozenset({"account", "contact", "lead"})
ELIGIBLE_ROLES = frozenset({"to", "cc"})


class FollowState(StrEnum):
    """Whether a message's engagement is tracked."""

    FOLLOWED = "followed"
    NOT_FOLLOWED = "not_followed"
    BLOCKED = "blocked"
    NOT_ELIGIBLE = "not_eligible"
    DISABLED = "disabled"


REASONS = {
    FollowState.FOLLOWED: None,
    FollowState.NOT_FOLLOWED: "The seller chose not to follow this message.",
    FollowState.BLOCKED: "A recipient does not allow following.",
    FollowState.NOT_ELIGIBLE: (
        "The message cannot be followed: no recipient in To or Cc is an account, contact or lead."
    ),
    FollowState.DISABLED: "Email engagement is switched off for this organization.",
}


def follow_state(
    *, wanted: bool, enabled: bool, recipients: Iterable[tuple[str, str | None]]
) -> FollowState:
    """Decide from the seller's wish, the organization's switch and each (role, record type)."""
    if not enabled:
        return FollowState.DISABLED
    if not wanted:
        return FollowState.NOT_FOLLOWED
    if any(role in ELIGIBLE_ROLES and record in ELIGIBLE_RECORDS for role, record in recipients):
        return FollowState.FOLLOWED
    return FollowState.NOT_ELIGIBLE
