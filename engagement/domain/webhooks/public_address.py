"""Which addresses may be called on behalf of a caller: those of the public internet, no others.

The tables of the ``ipaddress`` module are not enough: they differ between releases of Python, and
call global what leads to Azure's wire server, into a multicast group, or through a translator or
tunnel to any IPv4 address at all.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: What IANA gives to servers; everything that carries a mapped, compatible or translated IPv4
#: address (::/96, ::ffff:0:0/96, ::ffff:0:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48) is outside.
_UNICAST = ipaddress.IPv6Network("2000::/3")

_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        "168.63.129.16/32",
        # Special purpose, https://www.iana.org/assignments/iana-ipv4-special-registry, and
        # there Oracle's metadata service.
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays to 6to4, RFC 7526
        "2001::/23",  # Teredo, benchmarks, ORCHID: the IETF's protocol assignments
        "2002::/16",  # 6to4: carries an IPv4 address, RFC 3056
        "3fff::/20",  # documentation, RFC 9637
    )
)


def is_public(address: str) -> bool:
    """Whether *address*, as a resolver gives it, is a public server's; False for what is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found not in _UNICAST):
        return False
    if found.is_multicast or not found.is_global:
        return False
    return not any(found in network for network in _REFUSED)
