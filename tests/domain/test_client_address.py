"""The client's address: what the last trusted proxy saw, and nothing that the client made up."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.verdicts.client_address import (
    AddressPrivacy,
    TrustedProxies,
    kept_address,
    read_address,
)

ADDRESSES = st.ip_addresses()
FRONT_DOOR = TrustedProxies(1, "00000000-1111-2222-3333-444444444444")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:5555", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:1", "203.0.113.7"),
    ],
)
def test_B22_an_address_is_read_with_or_without_its_port(text, address):
    assert read_address(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "203.0.113",
        "203.0.113.7:",
        "203.0.113.7:x",
        "203.0.113.256",
        "0x7f.1",
        "2130706433",
        "2001:db8::1:443:zz",
        "[2001:db8::1",
        "[203.0.113.7",
        "fe80::1%eth0",
        "[fe80::1%25eth0]:1",
        "<script>",
        "\0",
        "1" * 9000,
        "203.0.113.7 203.0.113.8",
        "https://203.0.113.7/",
    ],
)
def test_B22_garbage_is_no_address(text):
    assert read_address(text) is None


@given(st.text())
def test_B22_P5_whatever_comes_is_read_or_refused(text):
    address = read_address(text)

    assert address is None or read_address(str(address)) == address


@given(st.lists(st.text(st.characters(exclude_characters=",")), max_size=50), ADDRESSES)
def test_B22_what_the_client_claims_changes_nothing(claimed, address):
    seen = ", ".join([*claimed, str(address)])

    assert TrustedProxies(1).client_address({"x-forwarded-for": seen}) == read_address(str(address))


@pytest.mark.parametrize(
    ("count", "address"),
    [(0, None), (1, "192.0.2.3"), (2, "192.0.2.2"), (3, "192.0.2.1"), (4, None)],
)
def test_B22_each_trusted_proxy_is_one_step_to_the_left(count, address):
    headers = {"x-forwarded-for": "192.0.2.1, 192.0.2.2:5000,192.0.2.3"}

    found = TrustedProxies(count).client_address(headers)
    assert found == (ip_address(address) if address else None)


def test_B22_without_a_list_nobody_knows_the_address():
    assert TrustedProxies(1).client_address({}) is None
    assert TrustedProxies(1).client_address({"x-forwarded-for": "192.0.2.1, nonsense"}) is None


def test_B22_a_front_door_is_believed_if_it_is_ours():
    headers = {
        "x-azure-fdid": FRONT_DOOR.front_door_id,
        "x-azure-socketip": "192.0.2.9",
        "x-forwarded-for": "192.0.2.1",
    }

    assert FRONT_DOOR.client_address(headers) == ip_address("192.0.2.9")
    # Whoever comes past it, or through somebody else's, is known by the front end's word only.
    foreign = {**headers, "x-azure-fdid": "somebody else's"}
    assert FRONT_DOOR.client_address(foreign) == ip_address("192.0.2.1")
    assert TrustedProxies(1).client_address(headers) == ip_address("192.0.2.1")


@given(ADDRESSES)
def test_what_is_kept_of_an_address_is_its_network(address):
    address = read_address(str(address))
    kept = kept_address(address, AddressPrivacy.TRUNCATED)

    bits = 24 if address.version == 4 else 48
    assert ip_address(kept) == ip_network((address, bits), strict=False).network_address
    assert kept_address(address, AddressPrivacy.NONE) is None
    assert kept_address(None, AddressPrivacy.TRUNCATED) is None
