"""Tokens: what is signed comes back, anything else is one and the same refusal (S1, P1)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.tracking.tracking_token import (
    ENCODED,
    PAYLOAD,
    Kind,
    TokenSigner,
    TrackingToken,
    trim,
)
from engagement.errors import InvalidTokenError

KEY = bytes(range(32))
SIGNER = TokenSigner({7: KEY})
PINNED_TOKEN = {
    "organization": "0123456789abcdef",
    "message_id": "00112233445566778899aabb",
    "handed_over_at": datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC),
}
BITS = 45 * 8


def hexadecimal(length):
    """Ids of *length* bytes."""
    return st.binary(min_size=length, max_size=length).map(bytes.hex)


KINDS = st.sampled_from(Kind)
TIMES = st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
RECIPIENTS, TARGETS = st.integers(0, 255), st.integers(0, 65_535)
TOKENS = st.builds(
    TrackingToken, KINDS, hexadecimal(8), hexadecimal(12), TIMES, RECIPIENTS, TARGETS
)


def refused(text, kind, signer=SIGNER):
    """Tell whether a text is refused, and in no other words than any other."""
    with pytest.raises(InvalidTokenError) as raised:
        signer.verify(text, kind)
    return str(raised.value) == "This is not a tracking token." and raised.value.__cause__ is None


def with_bit_flipped(text, bit):
    """Return a token with one of its bits changed."""
    raw = bytearray(base64.urlsafe_b64decode(text))
    raw[bit // 8] ^= 1 << bit % 8
    return base64.urlsafe_b64encode(raw).decode()


# Mail lives for years: whoever changes one of these breaks the links in all mail that was sent.
PINNED = [
    (Kind.OPEN, 0, 0, "AgcBI0VniavN7wARIjNEVWZ3iJmquwAAAGsCpKIIwBX5KxQ8J-0wB0aQwsdm"),
    (Kind.OPEN, 99, 0, "AgcBI0VniavN7wARIjNEVWZ3iJmqu2MAAGsCpKLoy36kn6U5DiIszTZIWQAc"),
    (Kind.CLICK, 99, 772, "AgcBI0VniavN7wARIjNEVWZ3iJmqu2MDBGsCpKKMELBRIAfyfhq9PS9k-Dcj"),
    (Kind.ATTACHMENT, 255, 1, "AgcBI0VniavN7wARIjNEVWZ3iJmqu_8AAWsCpKJeN6jjvekctslmjhQRMmf8"),
]


@pytest.mark.parametrize(("kind", "recipient", "target", "text"), PINNED)
def test_P1_the_format_of_tokens_in_mail_that_was_sent_stays(kind, recipient, target, text):
    token = TrackingToken(kind, **PINNED_TOKEN, recipient=recipient, target=target)

    assert SIGNER.sign(token) == text
    assert SIGNER.verify(text, kind) == token


@given(TOKENS)
def test_P1_what_was_signed_comes_back(token):
    text = SIGNER.sign(token)

    assert ENCODED.fullmatch(text)
    assert SIGNER.verify(text, token.kind) == token
    assert SIGNER.sign(token) == text


@given(TOKENS, TOKENS)
def test_P1_tokens_are_the_same_only_if_what_they_say_is(one, other):
    assert (SIGNER.sign(one) == SIGNER.sign(other)) == (one == other)


@pytest.mark.parametrize("bit", range(BITS))
def test_S1_P1_no_bit_may_be_another(bit):
    text = SIGNER.sign(TrackingToken(Kind.CLICK, **PINNED_TOKEN, recipient=1, target=2))

    for kind in Kind:
        assert refused(with_bit_flipped(text, bit), kind)


@given(TOKENS, st.sets(st.integers(0, BITS - 1), min_size=1))
def test_S1_P1_no_bits_may_be_others(token, bits):
    text = SIGNER.sign(token)
    for bit in bits:
        text = with_bit_flipped(text, bit)

    assert refused(text, token.kind)


@given(TOKENS, st.integers(0, 59), st.characters())
def test_S1_P1_no_character_may_be_another(token, place, character):
    text = SIGNER.sign(token)
    changed = text[:place] + character + text[place + 1 :]

    assert changed == text or refused(changed, token.kind)


@given(TOKENS, st.integers(0, 59), st.integers(1, 60))
def test_S1_P1_nothing_may_be_cut_off(token, start, length):
    text = SIGNER.sign(token)
    part = text[start : start + length]

    assert part == text or refused(part, token.kind)


@given(TOKENS, st.text(min_size=1, max_size=60), st.integers(0, 60))
def test_S1_P1_nothing_may_be_put_in(token, more, place):
    text = SIGNER.sign(token)

    assert refused(text[:place] + more + text[place:], token.kind)


@given(TOKENS, KINDS)
def test_S1_P1_a_token_is_of_one_kind(token, kind):
    assert kind is token.kind or refused(SIGNER.sign(token), kind)


@given(TOKENS, hexadecimal(8))
def test_S1_P1_a_token_is_of_one_organization(token, organization):
    raw = base64.urlsafe_b64decode(SIGNER.sign(token))
    moved = raw[:2] + bytes.fromhex(organization) + raw[10:]

    text = base64.urlsafe_b64encode(moved).decode()
    assert organization == token.organization or refused(text, token.kind)


@given(TOKENS, TOKENS)
def test_S1_P1_the_MAC_of_one_token_is_no_other_ones(one, other):
    head = base64.urlsafe_b64decode(SIGNER.sign(one))[: PAYLOAD.size]
    mac = base64.urlsafe_b64decode(SIGNER.sign(other))[PAYLOAD.size :]

    assert one == other or refused(base64.urlsafe_b64encode(head + mac).decode(), one.kind)


@given(TOKENS, st.binary(min_size=32, max_size=64))
def test_S1_P1_another_key_of_the_same_number_signs_nothing(token, key):
    text = TokenSigner({7: key}).sign(token)

    assert key == KEY or refused(text, token.kind)


@given(st.text() | st.from_regex(ENCODED, fullmatch=True), KINDS)
def test_S1_P1_a_made_up_text_is_refused(text, kind):
    assert refused(text, kind)


@given(st.binary(min_size=45, max_size=45), KINDS)
def test_S1_P1_made_up_bytes_are_refused(raw, kind):
    assert refused(base64.urlsafe_b64encode(bytes([2, 7]) + raw[2:]).decode(), kind)


@given(TOKENS, st.integers(0, 255))
def test_S1_P1_only_one_version_is_known(token, version):
    payload = bytes([version]) + base64.urlsafe_b64decode(SIGNER.sign(token))[1 : PAYLOAD.size]
    mac = SIGNER._mac(7, token.kind, payload)
    text = base64.urlsafe_b64encode(payload + mac).decode()

    assert version == 2 or refused(text, token.kind)


@given(TOKENS.filter(lambda token: set("-_") & set(SIGNER.sign(token))))
def test_S1_P1_a_token_is_written_in_one_way_only(token):
    text = SIGNER.sign(token)
    raw = base64.urlsafe_b64decode(text)

    # 45 bytes are 60 characters exactly: there are no spare bits that could differ.
    assert len(raw) * 8 == len(text) * 6
    other_ways = [
        base64.b64encode(raw).decode(),
        text + "=",
        text + "==",
        text + "\n",
        "\n" + text,
        text[:30] + "\n" + text[30:],
        text + "\0",
        raw.hex(),
        base64.b32encode(raw).decode(),
    ]
    assert all(refused(other, token.kind) for other in other_ways)


@pytest.mark.parametrize("text", ["", "A", "A" * 59, "A" * 60, "A" * 61, "A" * 10_000, "А" * 60])
def test_S1_what_has_only_the_shape_of_a_token_is_refused(text):
    assert all(refused(text, kind) for kind in Kind)


@given(TOKENS)
def test_S1_the_newest_key_signs_and_older_ones_verify_until_they_are_removed(token):
    old, new = TokenSigner({1: b"a" * 32}), TokenSigner({2: b"b" * 32})
    both = TokenSigner({1: b"a" * 32, 2: b"b" * 32})

    assert both.sign(token) == new.sign(token) != old.sign(token)
    assert both.verify(old.sign(token), token.kind) == token
    assert both.verify(new.sign(token), token.kind) == token
    assert refused(old.sign(token), token.kind, new)
    assert refused(new.sign(token), token.kind, old)


def test_S1_the_newest_key_is_the_one_with_the_highest_number():
    signer = TokenSigner({200: b"b" * 32, 9: b"a" * 32, 10: b"c" * 32})

    assert base64.urlsafe_b64decode(signer.sign(TrackingToken(Kind.OPEN, **PINNED_TOKEN)))[1] == 200


ENDINGS = st.lists(st.sampled_from([*".)>\"',; \t\r\n", "=3D", "=3d"])).map("".join)


@given(TOKENS, ENDINGS)
def test_P1_what_linkifiers_leave_behind_is_taken_off(token, ending):
    text = SIGNER.sign(token)

    assert trim(text + ending) == text


@given(st.text())
def test_P1_taking_off_only_takes_from_the_end(text):
    trimmed = trim(text)

    assert text.startswith(trimmed)
    assert trim(trimmed) == trimmed


def test_S17_what_stands_behind_a_token_is_read_once():
    token = "A" * 60
    for junk in ("." * 200_000, "=3D" * 70_000, ").,;" * 50_000):
        assert trim(token + junk) == token
        assert trim(token + junk + "x") == token + junk + "x"
