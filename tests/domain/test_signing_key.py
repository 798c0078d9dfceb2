"""The list of signing keys: read, written, and handed out without a token that somebody refuses."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.signing_key import (
    SigningKey,
    beginnings,
    read_signing_keys,
    signing_id,
    write_signing_keys,
)
from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken
from engagement.domain.webhooks.webhook import Secret
from engagement.domain.webhooks.webhook_signature import WebhookSigner
from engagement.errors import ConfigurationError

ENCODED = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
IDS = st.integers(1, 255)
TIMES = st.integers(1_600_000_000, 3_800_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
KEYS = st.builds(SigningKey, IDS, st.binary(min_size=32, max_size=40), st.none() | TIMES)
LISTS = st.lists(KEYS, min_size=1, max_size=5, unique_by=lambda key: key.id)


def signer(keys):
    """An instance that has these keys."""
    return TokenSigner({key.id: key.key for key in keys}, beginnings(keys))


def token(at):
    """A token of a message that is handed over."""
    return TrackingToken(Kind.CLICK, "0123456789abcdef", "00112233445566778899aabb", at, 1, 2)


@given(LISTS)
def test_what_is_written_is_read_again(keys):
    assert read_signing_keys(write_signing_keys(keys)) == {key.id: key for key in keys}


@pytest.mark.parametrize("begins", ["2026-11-23T12:00Z", "2026-11-23T12:00:00Z"])
def test_a_key_may_begin_at_a_time(begins):
    keys = read_signing_keys(f"1:{ENCODED}, 2:{ENCODED}:{begins}")

    assert keys[1].begins_at is None
    assert keys[2].begins_at == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "begins",
    [
        "tomorrow",
        "2026-11-23",
        "2026-11-23T12:00",
        "2026-11-23T12:00+01:00",
        "2026-13-23T12:00Z",
        "2026-11-23 12:00Z",
        "\u0662026-11-23T12:00Z",
        "2026-11-23T12:00Z:1",
    ],
)
def test_a_time_that_is_none_is_refused_and_no_key_is_quoted(begins):
    with pytest.raises(ConfigurationError, match="ENGAGEMENT_SIGNING_KEYS: key 2") as raised:
        read_signing_keys(f"1:{ENCODED},2:{ENCODED}:{begins}")
    assert ENCODED not in str(raised.value)


def test_times_are_written_in_utc():
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert write_signing_keys([SigningKey(3, b"k" * 32, there)]).endswith(":2026-11-22T12:00:00Z")


def test_before_its_time_a_key_only_verifies():
    begins = {2: NOON}

    assert signing_id([1, 2], begins, NOON - timedelta(seconds=1)) == 1
    assert signing_id([1, 2], begins, NOON) == 2


def test_something_signs_even_where_every_key_waits():
    begins = {1: NOON + timedelta(hours=2), 2: NOON + timedelta(hours=1)}
    assert signing_id([1, 2], begins, NOON) == 2


@given(LISTS, LISTS, TIMES)
def test_whatever_signs_is_in_the_list_and_later_ids_take_over(keys, others, at):
    signing = signing_id([key.id for key in keys], beginnings(keys), at)
    begun = {key.id for key in keys if key.begins_at is None or key.begins_at <= at}

    assert signing in {key.id for key in keys}
    assert not begun or signing == max(begun)


#: Lists with which something signs already; a new id can stand behind all of theirs.
IN_USE = LISTS.filter(
    lambda keys: None in {key.begins_at for key in keys} and max(key.id for key in keys) < 255
)


@given(
    IN_USE,
    TIMES,
    st.lists(st.integers(0, 100_000), min_size=2, max_size=6),
    st.lists(st.tuples(st.integers(-200_000, 200_000), st.integers(0, 10), st.integers(0, 10))),
)
def test_a_rotation_loses_no_token_whatever_the_order_of_deploying(keys, begins, learned, made):
    """Instances learn of the new key at any time before it begins; tokens go between any two."""
    new = SigningKey(max(key.id for key in keys) + 1, b"n" * 32, begins)
    before, after = signer(keys), signer([*keys, new])
    instances = [begins - timedelta(seconds=seconds) for seconds in learned]

    def holding(instance, at):
        return after if at >= instances[instance % len(instances)] else before

    for offset, one, other in made:
        at = begins + timedelta(seconds=offset)
        signed = holding(one, at).sign(token(at))
        # Whoever is asked is asked then or later, when more instances know the key.
        assert holding(other, at).verify(signed, Kind.CLICK) == token(at)


@given(IN_USE, TIMES)
def test_a_pseudonym_stays_while_a_new_key_waits(keys, begins):
    new = SigningKey(255, b"n" * 32, begins)
    message, at = ("0123456789abcdef", "00112233445566778899aabb"), begins - timedelta(seconds=1)
    before, after = signer(keys), signer([*keys, new])

    assert before.pseudonym(message, "ann", at) == after.pseudonym(message, "ann", at)
    assert before.pseudonym(message, "ann", begins) != after.pseudonym(message, "ann", begins)


def test_new_secrets_of_webhooks_are_of_a_key_that_every_instance_knows():
    keys = {1: b"k" * 32, 2: b"l" * 32}
    waiting = WebhookSigner(keys, {2: NOON})
    made = Secret(waiting.newest(NOON - timedelta(seconds=1)), "a" * 32)

    assert made.key_id == 1
    assert waiting.newest(NOON) == 2
    # An instance that has not heard of the second key derives it all the same.
    assert WebhookSigner({1: b"k" * 32}).secret("0" * 16, "0" * 24, made) is not None
