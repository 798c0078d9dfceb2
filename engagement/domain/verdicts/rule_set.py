"""The rules by which hits are judged: those shipped, with what an organization changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from typing import Any

from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.network_index import NetworkIndex
from engagement.domain.verdicts.rule import (
    Certainty,
    ClientKind,
    ClientRule,
    Network,
    NetworkRule,
    Scope,
)

#: User agents whose rule is remembered; there are some thousand in the world.
MOST_REMEMBERED = 10_000

#: Version of rules that were taken for want of an organization's own.
PROVISIONAL = ""


@dataclass(frozen=True, slots=True)
class Windows:
    """The numbers among the rules; 0 switches the rule off. See rules.toml for each one's why."""

    delivery_window_seconds: int
    probable_window_seconds: int
    burst_seconds: int
    burst_links: int
    address_seconds: int
    address_messages: int


@dataclass(frozen=True)
class RuleSet:
    """Everything that a judgement depends on besides the evidence."""

    #: str, stored with every verdict
    version: str
    windows: Windows
    networks: tuple[NetworkRule, ...]
    clients: tuple[ClientRule, ...]
    #: names of built-in rules that are off
    off: frozenset[str] = frozenset()
    #: rules that hold only where an organization wants them
    dormant: tuple[NetworkRule, ...] = ()

    def network_index(self, kind: InteractionType) -> NetworkIndex:
        """Return what finds the rule for the network of an address, for interactions of *kind*."""
        return self._of_opens if kind is InteractionType.OPEN else self._of_clicks

    @cached_property
    def _of_opens(self) -> NetworkIndex:
        return self._index(InteractionType.OPEN)

    @cached_property
    def _of_clicks(self) -> NetworkIndex:
        return self._index(InteractionType.CLICK)

    def _index(self, kind: InteractionType) -> NetworkIndex:
        return NetworkIndex(rule for rule in self.networks if rule.scope.covers(kind))

    @cached_property
    def networks_by_name(self) -> Mapping[str, NetworkRule]:
        """Rules for networks by their names, which are what interactions keep."""
        return {rule.name: rule for rule in reversed(self.networks)}

    @property
    def names(self) -> frozenset[str]:
        """Names of all its rules."""
        return frozenset(
            (*(rule.name for rule in self.networks), *(rule.name for rule in self.clients))
        )

    def first_network(self, *names: str | None) -> str | None:
        """Return which of the networks named stands first in the rules, None if none does."""
        order = [rule.name for rule in self.networks]
        return min((name for name in names if name in order), key=order.index, default=None)

    def client(self, user_agent: str | None, kind: InteractionType) -> ClientRule | None:
        """Return the first rule that speaks of *user_agent*, for interactions of *kind*."""
        if user_agent is None:
            return None
        key = (user_agent, kind is InteractionType.OPEN)
        if key not in self._remembered:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            lower = user_agent.lower()
            self._remembered[key] = next(
                (
                    rule
                    for rule in self.clients
                    if rule.scope.covers(kind) and rule.fits(user_agent, lower)
                ),
                None,
            )
        return self._remembered[key]

    @cached_property
    def _remembered(self) -> dict[tuple[str, bool], ClientRule | None]:
        return {}


def read_rule_set(value: Mapping[str, Any]) -> RuleSet:
    """Read what rules.toml holds; raises KeyError, TypeError or ValueError if it is wrong."""
    return RuleSet(
        version=str(value["version"]),
        windows=Windows(**value["windows"]),
        networks=tuple(network_rule(x) for x in value["networks"] if x.get("enabled", True)),
        dormant=tuple(network_rule(x) for x in value["networks"] if not x.get("enabled", True)),
        clients=tuple(client_rule(rule) for rule in value["user_agents"]),
    )


def read_ranges(texts: list[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation; raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def network_rule(rule: Mapping[str, Any]) -> NetworkRule:
    """Read a rule for a network; raises like :func:`read_rule_set`."""
    return NetworkRule(
        rule["name"],
        read_ranges(rule["ranges"]),
        Scope(rule["scope"]),
        Certainty(rule["certainty"]),
    )


def client_rule(rule: Mapping[str, Any]) -> ClientRule:
    """Read a rule for user agents; raises like :func:`read_rule_set`."""
    pattern = rule.get("pattern")
    return ClientRule(
        name=rule["name"],
        kind=ClientKind(rule["kind"]),
        scope=Scope(rule.get("scope", Scope.ALL)),
        client=rule.get("client"),
        equals=frozenset(rule.get("equals", ())),
        contains=tuple(part.lower() for part in rule.get("contains", ())),
        starts=tuple(part.lower() for part in rule.get("starts", ())),
        pattern=re.compile(pattern) if pattern else None,
    )
