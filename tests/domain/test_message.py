"""What may be done with a message at each step of its way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engagement.domain.messages.message import (
    HAND_OVER_LIMIT,
    IN_DOUBT,
    Copies,
    Message,
    Sender,
    Status,
    check_draft,
    check_sendable,
    failure_at,
    status_at,
)
from engagement.errors import ConflictError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LATER = NOW + HAND_OVER_LIMIT + timedelta(seconds=1)
DRAFT = Message(
    id="1" * 24,
    subject="Contract",
    sender=Sender("u-17", "kim@contoso.example", None),
    regarding=None,
    template_id=None,
    follow=True,
    copies=Copies.SINGLE,
    status=Status.DRAFT,
    created_at=NOW,
    content_blob="x",
)
SENDING = replace(DRAFT, status=Status.SENDING, sending_at=NOW, delivery="smtp")
DOUBTFUL = replace(SENDING, ambiguous=True)
BY_CRM = replace(SENDING, delivery="crm")
REFUSED = replace(SENDING, status=Status.FAILED, failure="550")
UNKNOWN = replace(DOUBTFUL, status=Status.UNKNOWN, failure="no answer")
SENT = replace(SENDING, status=Status.SENT)


def allowed(check):
    """Whether a check lets something pass."""
    try:
        check()
    except ConflictError:
        return False
    return True


@pytest.mark.parametrize(
    ("message", "now", "same_request", "may"),
    [
        (DRAFT, NOW, False, True),
        (REFUSED, NOW, False, True),
        (SENT, NOW, False, False),
        (SENT, NOW, True, False),
        (UNKNOWN, NOW, False, False),
        (UNKNOWN, LATER, True, False),
        (SENDING, NOW, False, False),
        (SENDING, NOW, True, False),
        (SENDING, LATER, False, True),
        (DOUBTFUL, NOW, False, False),
        (DOUBTFUL, LATER, False, False),
        (DOUBTFUL, LATER, True, False),
        (BY_CRM, NOW, False, False),
        (BY_CRM, NOW, True, True),
        (BY_CRM, LATER, False, True),
    ],
)
def test_F15_nothing_is_sent_twice_and_nothing_is_stuck(message, now, same_request, may):
    assert allowed(lambda: check_sendable(message, now, same_request=same_request)) is may


@pytest.mark.parametrize(
    ("message", "may"),
    [(DRAFT, True), (REFUSED, True), (UNKNOWN, False), (SENDING, False), (SENT, False)],
)
def test_only_what_nobody_has_may_be_changed(message, may):
    assert allowed(lambda: check_draft(message, NOW)) is may


@pytest.mark.parametrize(
    ("message", "now", "status", "failure"),
    [
        (SENDING, NOW, Status.SENDING, None),
        (SENDING, LATER, Status.FAILED, "Sending it was cut short; it may be sent again."),
        (DOUBTFUL, LATER, Status.UNKNOWN, IN_DOUBT),
        (REFUSED, LATER, Status.FAILED, "550"),
        (SENT, LATER, Status.SENT, None),
    ],
)
def test_what_was_cut_short_says_so(message, now, status, failure):
    assert (status_at(message, now), failure_at(message, now)) == (status, failure)
