"""An organization's own rules of verdicts as JSON, and what a PATCH makes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engagement.domain.payload import Fields, shown
from engagement.domain.verdicts.classifier import ALWAYS, BY_WINDOW, SWITCHES
from engagement.domain.verdicts.client_address import AddressPrivacy
from engagement.domain.verdicts.interaction import INFERRED
from engagement.domain.verdicts.rule import Certainty, ClientKind, Scope
from engagement.domain.verdicts.rule_set import RuleSet, read_ranges
from engagement.domain.verdicts.verdict_settings import VerdictSettings
from engagement.errors import InvalidRequestError

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
MOST_RULES = 100
MOST_RANGES = 200
MOST_WORDS = 50
SHORTEST_WORD, LONGEST_WORD = 3, 200
#: Characters of all own rules together: they are one property of one entity (64 KiB of UTF-16).
LARGEST_RULES = 30_000

#: Reasons that no rule gives.
TAKEN = frozenset({INFERRED, "automatic_reply"})

#: Highest values of the windows; each begins at 0, which switches it off.
HIGHEST = {
    "delivery_window_seconds": 3600,
    "probable_window_seconds": 86_400,
    "burst_seconds": 60,
    "burst_links": 50,
    "address_seconds": 300,
    "address_messages": 100,
}


def verdicts_json(settings: VerdictSettings, shipped: RuleSet) -> dict[str, Any]:
    """Return the settings in the form of the contract: every window with the value that holds."""
    return {
        **asdict(shipped.windows),
        **settings.known_windows(shipped),
        "client_address": settings.client_address.value,
        "rules": {name: dict(rule) for name, rule in sorted(settings.rules.items())},
    }


def patched_verdicts(
    settings: VerdictSettings, changes: object, shipped: RuleSet
) -> VerdictSettings:
    """Return the settings with *changes* (RFC 7396); raises InvalidRequestError.

    A window of null is as shipped again; a rule of null goes, or is on again.
    """
    names = list(HIGHEST)
    patch = Fields(changes, {*names, "client_address", "rules"}, "verdicts")
    windows = dict(settings.windows)
    for name in names:
        if name not in patch:
            continue
        windows.pop(name, None)
        if patch.value[name] is None:
            continue
        value = patch.number(name, 0, HIGHEST[name])
        if value != getattr(shipped.windows, name):
            windows[name] = value
    privacy = patch.choice("client_address", list(AddressPrivacy), settings.client_address.value)
    rules = dict(settings.rules)
    if "rules" in patch:
        rules = _patched_rules(rules, patch.value["rules"], shipped)
    return VerdictSettings(windows, rules, AddressPrivacy(privacy))


def _patched_rules(
    rules: dict[str, Mapping[str, Any]], value: object, shipped: RuleSet
) -> dict[str, Mapping[str, Any]]:
    path = "verdicts.rules"
    if not isinstance(value, dict):
        raise InvalidRequestError("An object of rules by their names is needed here.", path)
    for name, rule in value.items():
        where = f"{path}.{shown(name)}"
        if not NAME.fullmatch(name):
            raise InvalidRequestError(
                "A rule's name has 1 to 60 lower-case letters, digits and _, a letter first.", where
            )
        rules.pop(name, None)
        if rule is not None:
            rules |= _patched_rule(name, rule, where, shipped)
    if len(rules) > MOST_RULES or len(json.dumps(rules)) > LARGEST_RULES:
        raise InvalidRequestError(
            f"At most {MOST_RULES} rules of {LARGEST_RULES} characters are kept.", path
        )
    return rules


def _patched_rule(
    name: str, value: object, where: str, shipped: RuleSet
) -> dict[str, Mapping[str, Any]]:
    if name in ALWAYS | BY_WINDOW | TAKEN:
        raise InvalidRequestError(
            "This name is taken by something that is no rule of yours.", where
        )
    dormant = name in {rule.name for rule in shipped.dormant}
    if dormant or name in SWITCHES | shipped.names:
        enabled = Fields(value, {"enabled"}, where).flag("enabled", default=not dormant)
        return {} if enabled is not dormant else {name: {"enabled": enabled}}
    if isinstance(value, dict) and "ranges" in value:
        return {name: _read_network(value, where)}
    return {name: _read_client(value, where)}


def _read_network(value: object, where: str) -> dict[str, Any]:
    rule = Fields(value, {"ranges", "scope", "certainty"}, where)
    ranges = [_read_range(item, path) for item, path in rule.items("ranges", MOST_RANGES)]
    if not ranges:
        rule.wrong("ranges", "At least one network is needed here.")
    return {
        "ranges": ranges,
        "scope": rule.choice("scope", list(Scope), Scope.ALL.value),
        "certainty": rule.choice("certainty", list(Certainty), Certainty.CERTAIN.value),
    }


def _read_range(value: object, path: str) -> str:
    try:
        # Of a number, it would make an address.
        return str(read_ranges([value if isinstance(value, str) else ""])[0])
    except ValueError as error:
        raise InvalidRequestError(
            "This is not a network in CIDR notation, such as 192.0.2.0/24.", path
        ) from error


def _read_client(value: object, where: str) -> dict[str, Any]:
    rule = Fields(value, {"contains", "equals", "kind", "scope", "client"}, where)
    words = {
        field: [_read_word(item, path) for item, path in rule.items(field, MOST_WORDS)]
        for field in ("contains", "equals")
    }
    if not any(words.values()):
        raise InvalidRequestError("A rule needs ranges, contains or equals.", where)
    return {
        **{field: found for field, found in words.items() if found},
        "kind": rule.choice("kind", list(ClientKind), ClientKind.MACHINE.value),
        "scope": rule.choice("scope", list(Scope), Scope.ALL.value),
        "client": rule.optional_line("client", 60),
    }


def _read_word(value: object, path: str) -> str:
    if not isinstance(value, str) or not SHORTEST_WORD <= len(value.strip()) <= LONGEST_WORD:
        raise InvalidRequestError(
            f"This must be text of {SHORTEST_WORD} to {LONGEST_WORD} characters.", path
        )
    return value.strip()
