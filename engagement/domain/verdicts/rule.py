"""One rule of the rule set: a network, or a kind of user agent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from engagement.domain.verdicts.evidence import InteractionType

Network = IPv4Network | IPv6Network


class Scope(StrEnum):
    """Which interactions a rule speaks of."""

    ALL = "all"
    OPENS = "opens"
    CLICKS = "clicks"

    def covers(self, kind: InteractionType) -> bool:
        """Whether it holds for interactions of *kind*; an attachment view is judged as a click."""
        if self is Scope.ALL:
            return True
        return (self is Scope.OPENS) == (kind is InteractionType.OPEN)


class Certainty(StrEnum):
    """What it means that a hit came from a network."""

    #: a machine, at any time
    CERTAIN = "certain"
    #: a machine soon after the hand-over; people come through it as well
    PROBABLE = "probable"
    #: fetches images for people
    PROXY = "proxy"


class ClientKind(StrEnum):
    """What it means that a hit names a user agent."""

    #: a mail program that people use
    MAIL = "mail"
    #: a browser that people use, and scanners pretend to use
    BROWSER = "browser"
    #: fetches images when somebody opens the message, or when it arrives
    IMAGE_PROXY = "image_proxy"
    #: fetches images whether or not anybody opens the message
    PRIVACY_RELAY = "privacy_relay"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """A network, known by its addresses."""

    name: str
    ranges: tuple[Network, ...]
    scope: Scope
    certainty: Certainty

    def may_hold(self, network: Network) -> bool:
        """Whether an address of *network* may fall under it."""
        return any(x.version == network.version and x.overlaps(network) for x in self.ranges)


@dataclass(frozen=True, slots=True)
class ClientRule:
    """Programs, known by what they call themselves; at least one of the ways has to fit."""

    name: str
    kind: ClientKind
    scope: Scope = Scope.ALL
    #: str or None, the program as a seller knows it
    client: str | None = None
    equals: frozenset[str] = frozenset()
    #: in lower case
    contains: tuple[str, ...] = ()
    #: in lower case
    starts: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def fits(self, user_agent: str, lower: str) -> bool:
        """Whether it speaks of *user_agent*, which comes in lower case as well."""
        return (
            user_agent in self.equals
            or lower.startswith(self.starts)
            or any(part in lower for part in self.contains)
            or (self.pattern is not None and self.pattern.fullmatch(user_agent) is not None)
        )
