"""The address that a request came from: as the last proxy that we trust saw it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address

#: ``1.2.3.4:5555`` and ``[2001:db8::1]:443``: Azure's front end adds the port.
WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d{1,5})?|(?P<four>[0-9.]+):\d{1,5}")

#: Bits of an address that are kept: enough for a network, too few for a person.
KEPT_BITS = {4: 24, 6: 48}


#: Networks that exist many times (RFC 1918, 6598, 3927, 4193, 4291): an address in one of them is
#: that of a proxy which nobody told us of, or of the machine itself.
LOCAL = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
#: The same by version, as first and last addresses: compared faster.
LOCAL_RANGES = {
    version: tuple((int(one[0]), int(one[-1])) for one in LOCAL if one.version == version)
    for version in (4, 6)
}


class AddressPrivacy(StrEnum):
    """What an organization keeps of the addresses of those who open its messages."""

    TRUNCATED = "truncated"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Who stands in front of the app, and so whose word on the client's address counts.

    Every proxy adds the address of whoever called it at the right end of ``X-Forwarded-For``; what
    stands further left came from the client and may be made up.
    """

    #: int, proxies that add to X-Forwarded-For; Azure's own front end is one, 0 trusts none
    count: int = 1
    #: str or None, the id of our Front Door, which tells the client's address in a header
    front_door_id: str | None = None

    def client_address(self, headers: Mapping[str, str]) -> Address | None:
        """Return the client's address; *headers* has lower-case names. None if nobody says it."""
        if self.front_door_id and headers.get("x-azure-fdid") == self.front_door_id:
            # https://learn.microsoft.com/azure/frontdoor/front-door-http-headers-protocol
            return read_address(headers.get("x-azure-socketip", ""))
        hops = headers.get("x-forwarded-for", "").split(",")
        if not 0 < self.count <= len(hops):
            return None
        return read_address(hops[-self.count])


def read_address(text: str) -> Address | None:
    """Return the address in *text*, with or without a port; None for anything else."""
    text = text.strip()
    match = WITH_PORT.fullmatch(text)
    if match:
        text = match["six"] or match["four"] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def line_of(address: Address | None) -> str:
    """Return what stands for one line to the Internet: of IPv6 a line has 64 bits at least."""
    if address is not None and address.version == 6:
        return str(ip_network((address, 64), strict=False))
    return str(address)


def is_local(address: Address) -> bool:
    """Whether many may stand behind an address without anybody knowing it."""
    number = int(address)
    return any(first <= number <= last for first, last in LOCAL_RANGES[address.version])


def kept_address(address: Address | None, privacy: AddressPrivacy) -> str | None:
    """Return what is stored of an address: its network, or nothing."""
    if address is None or privacy is AddressPrivacy.NONE:
        return None
    gone = address.max_prefixlen - KEPT_BITS[address.version]
    return str(type(address)(int(address) >> gone << gone))


def kept_network(address: Address) -> IPv4Network | IPv6Network:
    """Return the network of which an address is kept."""
    return ip_network((address, KEPT_BITS[address.version]), strict=False)
