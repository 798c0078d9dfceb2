"""The words on a message's tile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engagement.domain.evidence import InteractionType
from engagement.domain.follow import FollowState
from engagement.domain.interaction_status import interaction_status
from engagement.domain.kpi import Counts, Fact, Kpi, count
from engagement.domain.message import Status
from engagement.domain.verdict import Verdict
from engagement.wiring import shipped_phrasebook

NOW = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
PHRASEBOOK = shipped_phrasebook()
ENGLISH = PHRASEBOOK.viewer({})


@pytest.mark.parametrize(
    ("status", "follow", "kpi", "words"),
    [
        (Status.DRAFT, FollowState.FOLLOWED, Kpi(), "Draft"),
        (Status.SENDING, FollowState.FOLLOWED, Kpi(), "Sending"),
        (Status.FAILED, FollowState.FOLLOWED, Kpi(), "Could not be sent"),
        (Status.SENT, FollowState.FOLLOWED, Kpi(), "Not yet opened"),
        (Status.SENT, FollowState.FOLLOWED, Kpi(automated=Counts(1, 1, 1)), "Not yet opened"),
        (Status.SENT, FollowState.FOLLOWED, Kpi(unsure=Counts(0, 1, 1)), "Not yet opened"),
        (Status.SENT, FollowState.FOLLOWED, Kpi(unsure=Counts(1, 0, 0)), "Cannot be known"),
        (
            Status.SENT,
            FollowState.FOLLOWED,
            Kpi(unsure=Counts(1, 1, 1), automated=Counts(1, 1, 1)),
            "Cannot be known",
        ),
        (
            Status.SENT,
            FollowState.FOLLOWED,
            Kpi(Counts(open_count=1), unsure=Counts(1, 1, 1), last_opened_at=NOW),
            "Last opened today",
        ),
        (
            Status.SENT,
            FollowState.FOLLOWED,
            Kpi(unsure=Counts(1, 1, 1), reply_count=1),
            "Replied",
        ),
        (Status.SENT, FollowState.NOT_FOLLOWED, Kpi(unsure=Counts(1, 1, 1)), "Not followed"),
        (Status.SCHEDULED, FollowState.FOLLOWED, Kpi(), "Scheduled to send"),
        (Status.SENT, FollowState.NOT_ELIGIBLE, Kpi(), "Not followed"),
        (Status.SENT, FollowState.NOT_FOLLOWED, Kpi(reply_count=1), "Replied"),
        (Status.SENT, FollowState.FOLLOWED, Kpi(last_opened_at=NOW), "Last opened today"),
        (
            Status.SENT,
            FollowState.FOLLOWED,
            Kpi(last_opened_at=NOW - timedelta(hours=1)),
            "Last opened yesterday",
        ),
        (
            Status.SENT,
            FollowState.FOLLOWED,
            Kpi(last_opened_at=NOW - timedelta(days=3)),
            "Last opened on 2026-11-19",
        ),
    ],
)
def test_the_tile_says_what_became_of_the_message(status, follow, kpi, words):
    assert interaction_status(status, follow, kpi, NOW, ENGLISH) == words


@pytest.mark.parametrize("kind", [InteractionType.CLICK, InteractionType.ATTACHMENT_VIEW])
@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.PERSON, "Last opened yesterday"),
        (Verdict.UNSURE, "Not yet opened"),
        (Verdict.AUTOMATED, "Not yet opened"),
    ],
)
def test_whoever_selects_something_has_opened_the_message(kind, verdict, words):
    kpi = count([Fact(type=kind, verdict=verdict, at=NOW - timedelta(hours=1), recipient=1)])
    assert interaction_status(Status.SENT, FollowState.FOLLOWED, kpi, NOW, ENGLISH) == words
