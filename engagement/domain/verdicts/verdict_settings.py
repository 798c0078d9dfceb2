"""What an organization changes of the rules by which its hits are judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engagement.domain.verdicts.classifier import SWITCHES
from engagement.domain.verdicts.client_address import AddressPrivacy
from engagement.domain.verdicts.rule_set import RuleSet, client_rule, network_rule


@dataclass(frozen=True, slots=True)
class VerdictSettings:
    """An organization's own windows and rules; what is not here is as shipped."""

    windows: Mapping[str, int] = field(default_factory=dict)
    #: name to a rule of its own, or to {"enabled": false} for a shipped one that is off
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    client_address: AddressPrivacy = AddressPrivacy.TRUNCATED

    def applied_to(self, shipped: RuleSet) -> RuleSet:
        """Return the rules that hold for the organization; its own come before those shipped."""
        if not self.windows and not self.rules:
            return shipped
        off = frozenset(name for name, rule in self.rules.items() if rule.get("enabled") is False)
        woken = tuple(rule for rule in shipped.dormant if rule.name in self.rules)
        # In the order of their names, so that what they say depends on nothing but themselves.
        own = {name: rule for name, rule in sorted(self.rules.items()) if "enabled" not in rule}
        networks = [
            network_rule({"name": name, **rule}) for name, rule in own.items() if "ranges" in rule
        ]
        clients = [
            client_rule({"name": name, **rule})
            for name, rule in own.items()
            if "ranges" not in rule
        ]
        return RuleSet(
            version=f"{shipped.version}+{self._digest()}",
            windows=replace(shipped.windows, **self.known_windows(shipped)),
            networks=(
                *networks,
                *(rule for rule in (*shipped.networks, *woken) if rule.name not in off),
            ),
            clients=(*clients, *(rule for rule in shipped.clients if rule.name not in off)),
            off=off & SWITCHES,
        )

    def known_windows(self, shipped: RuleSet) -> dict[str, int]:
        """Return the windows without what a newer version, as one is deployed, stored of its own.

        They stay in :attr:`windows`, so that whoever writes the settings keeps them.
        """
        return {name: x for name, x in self.windows.items() if hasattr(shipped.windows, name)}

    def _digest(self) -> str:
        changes = json.dumps([dict(self.windows), dict(self.rules)], sort_keys=True)
        return hashlib.sha256(changes.encode()).hexdigest()[:8]
