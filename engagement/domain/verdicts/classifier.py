"""The classifier: from what is known of a hit to a verdict. Pure and total.

Signals, strongest first: method and prefetch headers, network, user agent, time since the
hand-over, neighbours, and last a maintained list of crawlers. docs/accuracy.md tells the rules in
order, what each rests on, and how well they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from engagement.domain.verdicts.context import ALONE, Context
from engagement.domain.verdicts.evidence import (
    LONGEST_USER_AGENT,
    Evidence,
    InteractionType,
    is_within,
)
from engagement.domain.verdicts.rule import Certainty, ClientKind, ClientRule, NetworkRule
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via

#: Built-in rules by name; those that an organization may switch off.
SWITCHES = frozenset(
    {
        "no_user_agent",
        "absurd_user_agent",
        "unfamiliar_user_agent",
        "known_crawler",
        "many_messages",
    }
)
#: Those that always hold: what announces itself is no person.
ALWAYS = frozenset({"method", "prefetch"})
#: Those that a window of 0 switches off.
BY_WINDOW = frozenset({"delivery_window", "burst"})

PROXIES = (ClientKind.IMAGE_PROXY, ClientKind.PRIVACY_RELAY)
#: How the user agents of browsers begin, of those that nobody knows as well.
BROWSERS = ("Mozilla/5.0 (", "Mozilla/4.0 (", "Opera/")
#: Characters that are in no program's name for itself.
ABSURD = frozenset("<>{}|^`\\$")
SHORTEST_USER_AGENT = 5


def classify(evidence: Evidence, rules: RuleSet, context: Context = ALONE) -> Judgement:
    """Judge a hit; never raises, whatever the evidence holds."""
    client = rules.client(evidence.user_agent, evidence.type)
    network = _network(evidence, rules)
    automated = [
        name
        for name in (
            *_announcements(evidence),
            *_of_network(network, evidence, rules),
            *_of_client(client, evidence, rules),
            *_of_time(client, network, evidence, rules),
            *_of_neighbours(client, network, context),
        )
        if name not in rules.off
    ]
    verdict, reasons = Verdict.AUTOMATED, tuple(dict.fromkeys(automated))
    if not automated:
        doubts = [name for name in _doubts(client, evidence, rules) if name not in rules.off]
        verdict = Verdict.UNSURE if doubts else Verdict.PERSON
        reasons = tuple(doubts) or _witnesses(client, network)
    return Judgement(
        verdict=verdict,
        via=_via(client, network, verdict),
        reasons=reasons,
        client=client.client if client else None,
        rules=rules.version,
    )


def _network(evidence: Evidence, rules: RuleSet) -> NetworkRule | None:
    rule = rules.networks_by_name.get(evidence.network or "")
    return rule if rule and rule.scope.covers(evidence.type) else None


def _announcements(evidence: Evidence) -> Iterator[str]:
    if evidence.method != "GET":
        yield "method"
    if evidence.announced:
        yield "prefetch"


def _of_network(network: NetworkRule | None, evidence: Evidence, rules: RuleSet) -> Iterator[str]:
    if network is None:
        return
    soon = is_within(evidence, rules.windows.probable_window_seconds)
    if network.certainty is Certainty.CERTAIN or (network.certainty is Certainty.PROBABLE and soon):
        yield network.name


def _of_client(client: ClientRule | None, evidence: Evidence, rules: RuleSet) -> Iterator[str]:
    if evidence.user_agent is None:
        yield "no_user_agent"
    elif client is None:
        yield from _of_stranger(evidence.user_agent, evidence.type, rules)
    elif client.kind is ClientKind.MACHINE:
        yield client.name
    elif client.kind in PROXIES and evidence.type is not InteractionType.OPEN:
        # They fetch images; what follows links under their name is something else.
        yield client.name


def _of_stranger(user_agent: str, kind: InteractionType, rules: RuleSet) -> Iterator[str]:
    """Yield what a name says that no rule knows."""
    if "absurd_user_agent" not in rules.off and _is_absurd(user_agent):
        yield "absurd_user_agent"
    elif "known_crawler" not in rules.off and is_known_crawler(user_agent):
        yield "known_crawler"
    elif kind is not InteractionType.OPEN and not user_agent.startswith(BROWSERS):
        # Links are followed in browsers, and all of them call themselves one of these.
        yield "unfamiliar_user_agent"


def _of_time(
    client: ClientRule | None, network: NetworkRule | None, evidence: Evidence, rules: RuleSet
) -> Iterator[str]:
    """Yield that it came faster than a person reads, unless it is likely to be a mail program.

    Scanners pass for browsers, hardly ever for mail programs.
    """
    if not is_within(evidence, rules.windows.delivery_window_seconds):
        return
    kind = client.kind if client else None
    proxied = network is not None and network.certainty is Certainty.PROXY
    if proxied or kind not in (ClientKind.MAIL, ClientKind.PRIVACY_RELAY):
        yield "delivery_window"


def _of_neighbours(
    client: ClientRule | None, network: NetworkRule | None, context: Context
) -> Iterator[str]:
    if context.burst:
        yield "burst"
    shared = (client and client.kind in PROXIES) or (
        network and network.certainty is Certainty.PROXY
    )
    # A proxy's address is everybody's.
    if context.many_messages and not shared:
        yield "many_messages"


def _doubts(client: ClientRule | None, evidence: Evidence, rules: RuleSet) -> Iterator[str]:
    if client is None:
        # There are more mail programs than anybody knows.
        if not (evidence.user_agent or "").startswith(BROWSERS):
            yield "unfamiliar_user_agent"
    elif client.kind is ClientKind.PRIVACY_RELAY:
        yield client.name
    elif client.kind is ClientKind.MAIL and is_within(
        evidence, rules.windows.delivery_window_seconds
    ):
        yield "delivery_window"


def _witnesses(client: ClientRule | None, network: NetworkRule | None) -> tuple[str, ...]:
    """Return the rules that say how a person came, if not by the direct way."""
    proxies = (
        client.name if client and client.kind in PROXIES else None,
        network.name if network and network.certainty is Certainty.PROXY else None,
    )
    return tuple(name for name in proxies if name)


def _via(client: ClientRule | None, network: NetworkRule | None, verdict: Verdict) -> Via:
    if client and client.kind is ClientKind.IMAGE_PROXY:
        return Via.IMAGE_PROXY
    if client and client.kind is ClientKind.PRIVACY_RELAY:
        return Via.PRIVACY_RELAY
    if network and network.certainty is Certainty.PROXY:
        return Via.IMAGE_PROXY
    return Via.DIRECT if verdict is Verdict.PERSON else Via.UNKNOWN


def _is_absurd(user_agent: str) -> bool:
    return (
        not SHORTEST_USER_AGENT <= len(user_agent) < LONGEST_USER_AGENT
        or not any(char.isalpha() for char in user_agent)
        or not ABSURD.isdisjoint(user_agent)
    )


@lru_cache(maxsize=10_000)
def is_known_crawler(user_agent: str) -> bool:
    """Whether the list of crawler-user-agents (MIT) knows *user_agent*."""
    # Its 1,500 patterns take a while to compile, and mail programs and browsers never need them.
    from crawleruseragents import is_crawler

    return bool(is_crawler(user_agent))
