"""Reading the keys that tokens are signed with: whatever the document is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.access.key_set import read_key_set

TENANT = "7f0c0a52-6c5d-4f7e-9a3e-0d5a4e1b2c33"
KEY = {"kty": "RSA", "kid": "key-1", "n": "A" * 342, "e": "AQAB"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def read(*keys):
    return read_key_set(json.dumps({"keys": keys}).encode(), TENANT)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.microsoftonline.com/{tenantid}/v2.0",
        f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "https://login.microsoftonline.us/{tenantid}/v2.0",
        f"https://sts.windows.net/{TENANT}/",
    ],
)
def test_a_key_of_the_tenants_or_of_all_may_sign(issuer):
    assert list(read({**KEY, "issuer": issuer})) == ["key-1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"},
        {"issuer": f"https://evil.example/{TENANT}x/"},
        {"issuer": 7},
        {"kty": "EC"},
        {"kty": "oct", "k": "AAAA"},
        {"use": "enc"},
        {"alg": "RS512"},
        {"kid": ""},
        {"kid": "a b"},
        {"kid": "k" * 129},
        {"kid": ["key-1"]},
        {"n": "A" * 341},
        {"n": "A" * 1367},
        {"n": "A" * 341 + "!"},
        {"e": ""},
        {"e": 65537},
    ],
)
def test_any_other_key_is_left_out(changes):
    assert list(read({**KEY, "kid": "key-2"}, {**KEY, **changes})) == ["key-2"]
    with pytest.raises(ValueError, match="no key"):
        read({**KEY, **changes})


def test_more_keys_than_anybody_needs_are_none():
    with pytest.raises(ValueError, match="no key set"):
        read(*([KEY] * 101))


@given(JSON, st.sampled_from([*KEY, "issuer", "use", "alg"]))
def test_whatever_a_key_says_it_is_used_or_left_out(value, name):
    found = read({**KEY, "kid": "key-2"}, {**KEY, name: value})
    assert set(found) <= {"key-1", "key-2"} | ({value} if isinstance(value, str) else set())
    assert all(set(key) == {"kty", "n", "e"} for key in found.values())


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_key_set_is_a_value_error(body):
    with pytest.raises(ValueError, match=r".*"):
        read_key_set(body, TENANT)
