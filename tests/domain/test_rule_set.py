"""The rules that are shipped: readable, sourced, and of one mind with the list of crawlers."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st
from sightings import RULES, SENT

from engagement.domain.verdicts.classifier import ALWAYS, BY_WINDOW, SWITCHES, classify
from engagement.domain.verdicts.client_address import KEPT_BITS, kept_address
from engagement.domain.verdicts.evidence import Evidence, InteractionType, printable_user_agent
from engagement.domain.verdicts.network_index import NetworkIndex
from engagement.domain.verdicts.rule import Certainty, ClientKind, NetworkRule, Scope
from engagement.domain.verdicts.verdict import Verdict
from engagement.wiring.foundation import RULES as FILE

SHIPPED = tomllib.loads(FILE.read_text(encoding="utf-8"))
EVERY_RULE = [*SHIPPED["networks"], *SHIPPED["user_agents"]]


def test_every_rule_has_a_name_of_its_own():
    names = [rule["name"] for rule in EVERY_RULE]

    assert len(set(names)) == len(names)
    assert not set(names) & (SWITCHES | ALWAYS | BY_WINDOW)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule["name"])
def test_every_rule_tells_where_it_is_from(rule):
    assert rule["source"].strip()


@pytest.mark.parametrize("rule", SHIPPED["user_agents"], ids=lambda rule: rule["name"])
def test_a_rule_for_user_agents_looks_in_exactly_one_way(rule):
    ways = {"equals", "contains", "starts", "pattern"} & rule.keys()

    assert len(ways) == 1
    assert rule.keys() <= {"name", "source", "kind", "scope", "client", *ways}


def test_a_rule_that_is_not_enabled_does_not_hold():
    off = {rule["name"] for rule in SHIPPED["networks"] if rule.get("enabled") is False}

    assert off
    assert not off & RULES.names


def test_no_crawler_of_the_list_is_taken_for_a_person():
    people = [
        agent
        for crawler in CRAWLER_USER_AGENTS_DATA
        for agent in crawler["instances"]
        if classify(hit(agent), RULES).verdict is Verdict.PERSON
        and RULES.client(agent, InteractionType.OPEN).kind is not ClientKind.IMAGE_PROXY
    ]

    # The list knows one phone's build by which somebody crawls; whoever has that phone is a person.
    assert [agent for agent in people if "AP3A.240617.008" not in agent] == []


def hit(user_agent):
    """An open an hour after the hand-over."""
    return Evidence(
        type=InteractionType.OPEN,
        at=SENT,
        user_agent=printable_user_agent(user_agent),
        after_seconds=3600,
    )


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        ("40.93.1.2", InteractionType.OPEN, "microsoft_365_protection"),
        ("2a01:111:f400::25", InteractionType.CLICK, "microsoft_365_protection"),
        ("52.96.10.20", InteractionType.OPEN, "exchange_online"),
        ("52.96.10.20", InteractionType.CLICK, "microsoft_cloud"),
        ("52.100.1.1", InteractionType.OPEN, "microsoft_365_protection"),
        ("209.222.82.17", InteractionType.OPEN, "barracuda_email_gateway"),
        ("203.0.113.7", InteractionType.CLICK, None),
        ("2001:db8::1", InteractionType.CLICK, None),
    ],
)
def test_an_address_falls_under_the_first_rule_that_speaks_of_such_hits(address, kind, name):
    assert RULES.network_index(kind).find(ip_address(address)) == name


NETWORKS = st.builds(
    lambda address, bits: ip_network((address, min(bits, address.max_prefixlen)), strict=False),
    st.ip_addresses(),
    st.integers(1, 128),
)


@given(st.lists(NETWORKS, max_size=20), st.ip_addresses())
def test_the_index_finds_what_looking_at_every_network_finds(networks, address):
    rules = [
        NetworkRule(str(number), (network,), Scope.ALL, Certainty.CERTAIN)
        for number, network in enumerate(networks)
    ]
    addresses = [address, *(network.network_address for network in networks)]

    for one in addresses:
        expected = next((rule.name for rule in rules if one in rule.ranges[0]), None)
        assert NetworkIndex(rules).find(one) == expected


@given(NETWORKS, st.ip_addresses())
def test_of_a_truncated_address_only_wide_networks_are_told(network, address):
    index = NetworkIndex([NetworkRule("one", (network,), Scope.ALL, Certainty.CERTAIN)])
    kept = ip_address(kept_address(address, "truncated"))

    found = index.find_kept(kept)
    if network.version == address.version and network.prefixlen <= KEPT_BITS[network.version]:
        assert found == index.find(address)
    else:
        assert found is None


def test_the_networks_that_hold_are_known_by_their_order():
    first, second, *_ = RULES.networks

    assert RULES.first_network(second.name, first.name) == first.name
    assert RULES.first_network(None, second.name) == second.name
    assert RULES.first_network(None, "was_removed") is None
    assert replace(RULES, networks=()).first_network(first.name) is None
