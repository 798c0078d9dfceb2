"""The words on a message's tile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Status
from engagement.domain.reports.interaction_status import interaction_status
from engagement.domain.reports.viewer import Phrasebook
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.kpi import Counts, Fact, Kpi, count
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import InvalidRequestError
from engagement.wiring.private import shipped_phrasebook

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


# Other viewers

OPENED = Kpi(last_opened_at=datetime(2026, 11, 21, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "Last opened yesterday"),
        # Half past twelve at night in Berlin, and half past one: the same day.
        ("Europe/Berlin", "Last opened today"),
        # Half past six in the evening in New York, an hour before now.
        ("America/New_York", "Last opened today"),
    ],
)
def test_days_are_those_of_the_viewers_zone(zone, words):
    viewer = PHRASEBOOK.viewer({"time_zone": zone})
    assert interaction_status(Status.SENT, FollowState.FOLLOWED, OPENED, NOW, viewer) == words


def test_a_day_of_23_hours_is_a_day():
    # The clocks went forward in between; 25 hours later it is still the day after.
    opened = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    viewer = PHRASEBOOK.viewer({"time_zone": "Europe/Berlin"})
    kpi, evening = Kpi(last_opened_at=opened), opened + timedelta(hours=22, minutes=29)

    def words(now):
        return interaction_status(Status.SENT, FollowState.FOLLOWED, kpi, now, viewer)

    assert words(opened) == words(opened + timedelta(hours=22)) == "Last opened today"
    assert words(evening) == "Last opened today"
    assert words(evening + timedelta(minutes=1)) == "Last opened yesterday"


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("de", "Zuletzt am 19.11.2026 geöffnet"),
        ("DE-at", "Zuletzt am 19.11.2026 geöffnet"),
        ("de-Latn-CH-1996", "Zuletzt am 19.11.2026 geöffnet"),
        ("fr-CA", "Dernière ouverture le 19/11/2026"),
        ("es", "Última apertura: 19/11/2026"),
        ("it", "Ultima apertura: 19/11/2026"),
        ("nl", "Laatst geopend op 19-11-2026"),
        ("pt-BR", "Última abertura: 19/11/2026"),
        ("ja", "最終開封: 2026/11/19"),
        ("en-GB", "Last opened on 2026-11-19"),
        ("tlh", "Last opened on 2026-11-19"),
        ("d", "Last opened on 2026-11-19"),
    ],
)
def test_words_are_of_the_viewers_language_or_english(tag, words):
    kpi = Kpi(last_opened_at=NOW - timedelta(days=3))
    viewer = PHRASEBOOK.viewer({"language": tag})
    assert interaction_status(Status.SENT, FollowState.FOLLOWED, kpi, NOW, viewer) == words


def test_every_language_has_words_for_everything():
    assert {"en", "de", "fr", "es", "it", "nl"} <= PHRASEBOOK.languages.keys()
    for words in PHRASEBOOK.languages.values():
        assert all(text.strip() for text in words.values())
        assert [key for key, text in words.items() if "{date}" in text] == ["opened_on"]
        assert NOW.strftime(words["date"]).isascii()
    with pytest.raises(ValueError, match="de"):
        Phrasebook({"en": {"draft": "Draft"}, "de": {}})


@pytest.mark.parametrize("tag", ["", "-", "de-", "de_DE", "ä", "de " * 20, "a" * 9, "x" + "-y" * 8])
def test_what_is_no_language_is_refused(tag):
    with pytest.raises(InvalidRequestError):
        PHRASEBOOK.viewer({"language": tag})


@pytest.mark.parametrize(
    "zone", ["", "Europe", "Mars/Olympus", "../x", "/etc/passwd", "\0", "x" * 99]
)
def test_what_is_no_time_zone_is_refused(zone):
    with pytest.raises(InvalidRequestError):
        PHRASEBOOK.viewer({"time_zone": zone})
