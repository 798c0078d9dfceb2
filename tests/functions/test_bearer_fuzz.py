"""S10: tokens that are bent in any way, and headers that are anything."""

from __future__ import annotations

import json

import pytest
from entra_fake import API, TENANT, EntraFake, base64url, jwk, signed
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.access.registration import Registration
from engagement.errors import UnauthorizedError
from engagement.functions.bearer import read_bearer

AUTHORITY = "https://login.microsoftonline.com"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class OneKey:
    """What reading a token asks of its tenant: which it is, and its only key."""

    registration = Registration(TENANT, API, frozenset(), AUTHORITY)

    def __init__(self):
        self.asked = []

    async def signing_key(self, key_id):
        self.asked.append(key_id)
        key = jwk("key-1")
        return {name: key[name] for name in ("kty", "n", "e")} if key_id == "key-1" else None


def token_of_kim():
    """A token of somebody who is let in."""
    fake = EntraFake.__new__(EntraFake)
    fake.authority = AUTHORITY
    return signed(fake.user_claims())


@pytest.fixture(scope="module")
def header():
    return f"Bearer {token_of_kim()}"


def refused(authorization, tenant=None):
    """Whether a header is refused; anything but that or a principal is a fault."""
    try:
        # It has nothing to wait for here.
        read_bearer(authorization, tenant or OneKey()).send(None)
    except UnauthorizedError as error:
        return error.challenge == 'Bearer error="invalid_token"'
    except StopIteration:
        return False
    raise AssertionError


def test_S10_a_token_with_one_character_changed_is_refused(header):
    assert not refused(header)
    start = len("Bearer ")
    for place in range(start, len(header)):
        other = ALPHABET[(ALPHABET.find(header[place]) + 1 + place % 62) % 64]
        assert refused(header[:place] + other + header[place + 1 :]), place


def test_S10_a_token_with_a_character_more_or_less_is_refused(header):
    start = len("Bearer ")
    for place in range(start, len(header), 7):
        assert refused(header[:place] + header[place + 1 :]), place
        assert refused(header[:place] + "A" + header[place:]), place
    for end in ("A", ".", "=", "==", " ", "\n", "\t", "\x00", ",", "%20"):
        assert refused(header + end), end


def test_S10_the_last_bits_of_a_part_may_not_be_chosen(header):
    """The signature's 256 bytes leave two bits of its last character unused."""
    for last in ALPHABET:
        assert refused(header[:-1] + last) == (last != header[-1])


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "../../keys"},
        {"kid": "https://evil.example/keys"},
        {"kid": "key-1\n"},
        {"kid": ""},
        {"kid": "k" * 129},
        {"alg": "HS256"},
        {"typ": "JWE"},
    ],
)
def test_S10_no_key_is_looked_for_on_behalf_of_what_is_no_token_of_entras(changes):
    tenant = OneKey()
    assert not refused(f"Bearer {token_of_kim()}", tenant)
    assert tenant.asked == ["key-1"]
    parts = token_of_kim().split(".")
    first = {"alg": "RS256", "typ": "JWT", "kid": "key-1", **changes}
    parts[0] = base64url(json.dumps(first).encode())

    assert refused(f"Bearer {'.'.join(parts)}", tenant)
    assert tenant.asked == ["key-1"]


@given(st.text())
def test_S10_a_header_of_anything_is_refused(text):
    assert refused(text)
    assert refused(f"Bearer {text}")


@given(st.lists(st.text(st.sampled_from(ALPHABET), min_size=1), min_size=3, max_size=3))
def test_S10_three_parts_of_anything_are_refused(parts):
    assert refused(f"Bearer {'.'.join(parts)}")
