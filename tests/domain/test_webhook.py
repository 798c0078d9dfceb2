"""Endpoints and events: when a delivery is tried again, and when an endpoint is given up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.webhooks import webhook_event
from engagement.domain.webhooks.webhook import (
    DELAYS,
    LONGEST_FAILURE,
    LONGEST_RETRY_AFTER,
    MOST_SECRETS,
    DisabledReason,
    Endpoint,
    EndpointState,
    Secret,
    enabled,
    failed,
    next_delay,
    recovered,
    retry_after,
    rotated,
)
from engagement.domain.webhooks.webhook_event import EventType, event_json, event_of, read_event
from engagement.domain.webhooks.webhook_patch import SUBSCRIBABLE, patched_endpoint
from engagement.errors import InvalidRequestError, UnprocessableError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ENDPOINT = Endpoint(
    id="0" * 24,
    url="https://hooks.contoso.com/",
    event_types=None,
    secrets=(Secret(1, "a"),),
    created_at=NOW,
)
WORDS = st.text(max_size=8)


def patched(changes, endpoint=ENDPOINT):
    """The endpoint with changes."""
    return patched_endpoint(endpoint, changes, allow_private=False)


@given(WORDS, WORDS)
def test_ten_tries_take_a_little_more_than_three_days(event_id, endpoint_id):
    delays = [next_delay(tries, event_id, endpoint_id) for tries in range(11)]

    assert delays[9:] == [None, None]
    for planned, delay in zip(DELAYS, delays, strict=False):
        assert planned <= delay <= planned * 1.1
    assert LONGEST_FAILURE < sum(delays[:9], timedelta(0)) < timedelta(days=3.5)
    assert delays == [next_delay(tries, event_id, endpoint_id) for tries in range(11)]


def test_the_queue_takes_the_longest_delay():
    # Put Message: a message is hidden for at most 7 days.
    assert max(max(DELAYS) * 1.1, LONGEST_RETRY_AFTER) < timedelta(days=7)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("-5", 0),
        ("1e9", 0),
        ("\u0661", 0),
        ("999999999999999999", 86_400),
        ("Sun, 22 Nov 2026 09:10:00 GMT", 600),
        ("Sun, 22 Nov 2026 09:10:00 -0000", 600),
        ("Sun, 22 Nov 2026 08:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
        ("tomorrow", 0),
    ],
)
def test_an_endpoint_may_ask_to_be_left_alone_for_a_day_at_most(header, seconds):
    assert retry_after(header, NOW) == timedelta(seconds=seconds)


@given(st.text(max_size=40))
def test_no_retry_after_makes_it_fail(header):
    assert timedelta(0) <= retry_after(header, NOW) <= LONGEST_RETRY_AFTER


def test_an_endpoint_that_fails_for_three_days_is_disabled():
    first = failed(ENDPOINT, "500", NOW)
    almost = failed(first, "500", NOW + LONGEST_FAILURE - timedelta(seconds=1))
    last = failed(almost, "503", NOW + LONGEST_FAILURE)

    assert (first.failing_since, first.enabled, almost.enabled) == (NOW, True, True)
    assert (last.enabled, last.disabled_reason) == (False, DisabledReason.FAILING)
    assert (last.failing_since, last.failure) == (NOW, "503")


def test_a_success_in_between_begins_the_days_anew():
    first = recovered(failed(ENDPOINT, "500", NOW))
    second = failed(first, "500", NOW + LONGEST_FAILURE)

    assert first == ENDPOINT
    assert second.enabled


def test_an_endpoint_that_is_gone_is_disabled_at_once_and_may_come_back():
    gone = failed(ENDPOINT, "410 Gone", NOW, gone=True)

    assert (gone.enabled, gone.disabled_reason) == (False, DisabledReason.GONE)
    assert enabled(gone) == ENDPOINT


def test_who_is_told_what():
    opens = replace(ENDPOINT, event_types=frozenset({EventType.MESSAGE_OPENED}))
    off = replace(ENDPOINT, state=EndpointState.DISABLED)

    assert all(ENDPOINT.wants(kind) for kind in EventType)
    assert [kind for kind in EventType if opens.wants(kind)] == [EventType.MESSAGE_OPENED]
    assert not any(off.wants(kind) for kind in EventType)


def test_rotations_in_a_row_cut_nobody_off_and_have_an_end():
    endpoint = ENDPOINT
    for number in range(MOST_SECRETS - 1):
        endpoint = rotated(endpoint, Secret(1, str(number)), NOW + timedelta(minutes=number))
    assert len(endpoint.signing(NOW + timedelta(hours=1))) == MOST_SECRETS

    with pytest.raises(UnprocessableError):
        rotated(endpoint, Secret(1, "x"), NOW + timedelta(hours=1))
    assert len(rotated(endpoint, Secret(1, "x"), NOW + timedelta(hours=25)).secrets) == 2


def test_the_same_event_has_the_same_id_and_another_another():
    known = ("0" * 16, EventType.MESSAGE_OPENED, "m", "d")
    event = event_of(*known, NOW, {"a": 1})

    assert event.id == event_of(*known, NOW + timedelta(days=1), {}).id
    others = {
        event_of("1" * 16, EventType.MESSAGE_OPENED, "m", "d", NOW, {}).id,
        event_of("0" * 16, EventType.MESSAGE_CLICKED, "m", "d", NOW, {}).id,
        event_of("0" * 16, EventType.MESSAGE_OPENED, "n", "d", NOW, {}).id,
        event_of("0" * 16, EventType.MESSAGE_OPENED, "m", "e", NOW, {}).id,
    }
    assert len(others | {event.id}) == 5
    assert webhook_event.EVENT_ID.fullmatch(event.id)


@given(st.dictionaries(WORDS, WORDS | st.integers() | st.none(), max_size=4), st.datetimes())
def test_an_event_survives_the_queue_byte_by_byte(data, at):
    at = at.replace(tzinfo=UTC)
    event = event_of("0" * 16, EventType.MESSAGE_SENT, "m", "", at, data)
    read = read_event(json.loads(json.dumps(event_json(event))))

    assert (read, read.body) == (event, event.body)
    assert set(json.loads(event.body)) == {"type", "timestamp", "data"}


def test_an_event_has_at_most_20_kilobytes():
    with pytest.raises(ValueError, match="20000 bytes"):
        event_of("0" * 16, EventType.MESSAGE_SENT, "m", "", NOW, {"a": "\u00e9" * 4_000})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "evt.1"},
        {"id": 1},
        {"id": None},
        {"type": "message.exploded"},
        {"type": []},
        {"at": "yesterday"},
        {"at": None},
        {"data": []},
    ],
)
def test_F10_an_event_that_cannot_be_read_says_so(changes):
    value = event_json(event_of("0" * 16, EventType.MESSAGE_SENT, "m", "", NOW, {}))
    with pytest.raises(ValueError):  # noqa: PT011 - any of them sends it to the poison queue
        read_event({**value, **changes})


def test_a_patch_changes_what_it_names():
    changed = patched(
        {"url": "https://other.contoso.com", "event_types": ["message.sent"], "notify_user_id": "u"}
    )

    assert changed.url == "https://other.contoso.com/"
    assert changed.event_types == {EventType.MESSAGE_SENT}
    assert changed.notify_user_id == "u"
    assert patched({}, changed) == changed
    assert patched({"event_types": None, "notify_user_id": None}, changed).event_types is None


def test_disabling_and_enabling_by_request():
    off = patched({"state": "disabled"}, failed(ENDPOINT, "500", NOW))
    on = patched({"state": "enabled"}, off)

    assert (off.disabled_reason, off.failure) == (DisabledReason.BY_REQUEST, "500")
    assert on == ENDPOINT
    failing = failed(ENDPOINT, "410", NOW, gone=True)
    assert patched({"state": "disabled"}, failing) == failing


def test_another_url_has_not_failed_yet():
    failing = failed(ENDPOINT, "500", NOW)

    assert patched({"url": ENDPOINT.url}, failing) == failing
    assert patched({"url": "https://other.contoso.com/"}, failing).failing_since is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 1}, "url"),
        ({"url": " "}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": "message.sent"}, "event_types"),
        ({"event_types": ["message.sent", 1]}, "event_types[1]"),
        ({"event_types": ["webhook.test"]}, "event_types[0]"),
        ({"event_types": ["message.sent"] * 30}, "event_types"),
        ({"state": "gone"}, "state"),
        ({"state": None}, "state"),
        ({"notify_user_id": "x" * 201}, "notify_user_id"),
        ({"secret": "whsec_x"}, "secret"),
    ],
)
def test_B83_what_is_wrong_is_named(changes, field):
    with pytest.raises(InvalidRequestError) as caught:
        patched(changes)
    assert caught.value.field == field


def test_a_new_endpoint_needs_a_url():
    with pytest.raises(InvalidRequestError) as caught:
        patched({}, replace(ENDPOINT, url=""))
    assert caught.value.field == "url"


def test_tests_are_not_subscribed_to():
    assert set(SUBSCRIBABLE) == set(EventType) - {EventType.WEBHOOK_TEST}
