"""Which addresses may be called: none that is not a public server's, however it is written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.webhooks.public_address import is_public

REFUSED = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "0.0.0.0",  # noqa: S104 - it is refused
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",  # metadata of Azure, AWS and Google; managed identities on a VM
    "169.254.129.5",  # IDENTITY_ENDPOINT of an app service
    "168.63.129.16",  # Azure's wire server
    "192.0.0.192",  # Oracle's metadata
    "100.64.0.1",
    "100.100.100.200",  # Alibaba's metadata
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "::ffff:0:8.8.8.8",
    "fc00::1",
    "fd00:ec2::254",  # AWS's metadata
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "",
    "localhost",
    "2130706433",
    "0x7f.1",
    "127.1",
    "0177.0.0.1",
    "8.8.8.8\n",
]
PUBLIC = ["8.8.8.8", "20.50.2.1", "168.63.129.15", "1.1.1.1", "2606:4700::1111", "2a01:111::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_S3_an_address_that_is_not_a_public_servers_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_servers_address_may_be_called(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_S3_no_ipv4_address_passes_in_the_clothes_of_ipv6(address):
    bare = int(address)
    forms = [
        ipaddress.IPv6Address(bare),
        ipaddress.IPv6Address((0xFFFF << 32) | bare),
        ipaddress.IPv6Address((0xFFFF << 48) | bare),
        ipaddress.IPv6Address((0x64FF9B << 96) | bare),
        ipaddress.IPv6Address((0x64FF9B0001 << 80) | bare),
        ipaddress.IPv6Address((0x2002 << 112) | (bare << 80)),
        ipaddress.IPv6Address((0x20010000 << 96) | (bare ^ 0xFFFFFFFF)),
    ]
    assert not any(is_public(str(form)) for form in forms)


@given(st.ip_addresses())
def test_S3_what_is_private_link_local_or_multicast_is_never_public(address):
    special = (
        address.is_private
        or address.is_link_local
        or address.is_multicast
        or address.is_loopback
        or address.is_reserved
        or address.is_unspecified
    )
    assert not (special and is_public(str(address)))


@given(st.text(max_size=40))
def test_what_is_no_address_is_not_public(text):
    if is_public(text):
        ipaddress.ip_address(text)
