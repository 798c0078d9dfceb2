"""What of a message stands in lists."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from shelf import row

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import (
    Copies,
    Message,
    Recipient,
    Record,
    Role,
    Sender,
    Status,
    status_at,
)
from engagement.domain.reports.listed import listed_of, records_of
from engagement.domain.verdicts.kpi import Counts, Kpi
from engagement.storage.listing_rows import listed_of as read_row
from engagement.storage.listing_rows import text_of

NOW = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
CONTACT = Record("contact", "c-1", "Ann")


def recipient(number, name=None, record=None):
    return Recipient(number, Role.TO, f"r{number}@fabrikam.example", name, record)


MESSAGE = Message(
    id="0" * 24,
    subject="Contract",
    sender=Sender("u-17", "seller@contoso.example", None),
    regarding=CONTACT,
    template_id="t-1",
    follow=True,
    copies=Copies.SINGLE,
    status=Status.DRAFT,
    created_at=NOW,
    content_blob="x",
    recipients=(recipient(1, "Ann", replace(CONTACT, name=None)),),
)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, ""),
        (1, "Name 1"),
        (3, "Name 1, r2@fabrikam.example, Name 3"),
        (4, "Name 1, r2@fabrikam.example, Name 3, +1"),
        (99, "Name 1, r2@fabrikam.example, Name 3, +96"),
    ],
)
def test_a_row_names_three_recipients_and_says_how_many_more(count, shown):
    people = tuple(recipient(n, f"Name {n}" if n % 2 else None) for n in range(1, count + 1))
    assert listed_of(replace(MESSAGE, recipients=people), Kpi()).recipients == shown


def test_a_row_is_small_whatever_the_message_is():
    people = tuple(recipient(n, "ä" * 200, CONTACT) for n in range(1, 100))
    message = replace(MESSAGE, subject="\U0001f600" * 500, recipients=people)
    listed = listed_of(message, Kpi())
    assert len(listed.subject) == 200
    # 64 KiB is what one column holds.
    assert len(text_of(listed)) < 10_000


def test_a_record_counts_once_whatever_it_is_called():
    assert records_of(MESSAGE) == {("contact", "c-1")}
    assert records_of(replace(MESSAGE, regarding=None, recipients=())) == set()


@pytest.mark.parametrize(
    ("fields", "at", "followed"),
    [
        ({}, NOW, False),
        ({"status": Status.SENDING, "sending_at": NOW + timedelta(hours=1)}, NOW, False),
        ({"status": Status.FAILED, "sending_at": NOW + timedelta(hours=1)}, NOW, False),
        (
            {"status": Status.FAILED, "ambiguous": True, "sending_at": NOW + timedelta(hours=1)},
            NOW + timedelta(hours=1),
            True,
        ),
        (
            {
                "status": Status.SENT,
                "sending_at": NOW + timedelta(hours=1),
                "sent_at": NOW + timedelta(hours=2),
            },
            NOW + timedelta(hours=2),
            True,
        ),
    ],
)
def test_a_message_stands_where_it_was_handed_over_or_else_made(fields, at, followed):
    listed = listed_of(replace(MESSAGE, follow_state=FollowState.FOLLOWED, **fields), Kpi())
    assert (listed.at, listed.followed) == (at, followed)
    unfollowed = listed_of(replace(MESSAGE, follow_state=FollowState.DISABLED, **fields), Kpi())
    assert not unfollowed.followed


def test_an_abandoned_message_has_failed_in_lists_too():
    listed = listed_of(replace(MESSAGE, status=Status.SENDING, sending_at=NOW), Kpi())
    assert status_at(listed, NOW + timedelta(minutes=9)) is Status.SENDING
    assert status_at(listed, NOW + timedelta(minutes=11)) is Status.FAILED


def test_a_draft_shows_what_its_follow_state_would_be():
    assert listed_of(MESSAGE, Kpi()).follow_state is FollowState.FOLLOWED
    wish = replace(MESSAGE, follow=False)
    assert listed_of(wish, Kpi()).follow_state is FollowState.NOT_FOLLOWED
    assert listed_of(replace(MESSAGE, recipients=()), Kpi()).follow_state is (
        FollowState.NOT_ELIGIBLE
    )


def test_a_row_is_read_as_it_was_written():
    kpi = Kpi(Counts(1, 2, 3), Counts(4, 5, 6), Counts(7, 8, 9), 10, NOW, NOW, 11)
    full = row(7, kpi=kpi, regarding=CONTACT, template_id="t", ambiguous=True, send_at=NOW)
    for listed in (full, row(8), listed_of(MESSAGE, Kpi())):
        assert read_row(text_of(listed)) == listed


def test_F18_what_an_older_version_did_not_write_is_as_if_it_had_not_happened():
    value = json.loads(text_of(row(7)))
    known = {"message_id", "subject", "sender", "recipients", "status", "follow_state"}
    old = {name: value[name] for name in known | {"created_at"}}
    listed = read_row(json.dumps({**old, "later": 1}))
    assert (listed.kpi, listed.template_id, listed.sent_at) == (Kpi(), None, None)
