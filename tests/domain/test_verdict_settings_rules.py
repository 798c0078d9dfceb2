"""An organization's own rules and windows: what becomes of the rules that were shipped."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.verdicts.classifier import ALWAYS, BY_WINDOW, SWITCHES, classify
from engagement.domain.verdicts.client_address import AddressPrivacy
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.verdict import Verdict
from engagement.domain.verdicts.verdict_settings import VerdictSettings
from engagement.domain.verdicts.verdict_settings_patch import (
    HIGHEST,
    patched_verdicts,
    verdicts_json,
)
from engagement.errors import InvalidRequestError
from engagement.wiring.foundation import shipped_rules

SHIPPED = shipped_rules()
NOTHING = VerdictSettings()
OPEN, CLICK = InteractionType.OPEN, InteractionType.CLICK
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
GATEWAY = {"ranges": ["198.51.100.0/24"], "scope": "all", "certainty": "certain"}
ARCHIVE = {"contains": ["ContosoArchive"], "kind": "machine", "scope": "all", "client": None}
WINDOWS = st.fixed_dictionaries(
    {}, optional={name: st.integers(0, highest) for name, highest in HIGHEST.items()}
)


def patched(changes, settings=NOTHING):
    """Settings after a change."""
    return patched_verdicts(settings, changes, SHIPPED)


def of_rules(**rules):
    """The rules that hold with an organization's own ones."""
    return patched({"rules": rules}).applied_to(SHIPPED)


def judged(rules, kind=OPEN, user_agent=FIREFOX, address="192.0.2.9"):
    """Verdict and reasons of a hit, a day after the message went out."""
    found = rules.network_index(kind).find(ip_address(address))
    hit = Evidence(
        type=kind,
        at=datetime(2026, 6, 10, tzinfo=UTC),
        user_agent=user_agent,
        network=found,
        after_seconds=86_400,
    )
    judgement = classify(hit, rules)
    return judgement.verdict, judgement.reasons


def refused(changes):
    """Field that a change is refused for."""
    with pytest.raises(InvalidRequestError) as raised:
        patched(changes)
    return raised.value.field


# What holds


def test_who_changed_nothing_has_the_rules_as_shipped():
    assert NOTHING.applied_to(SHIPPED) is SHIPPED
    # What is kept of addresses is no rule.
    truncated = VerdictSettings(client_address=AddressPrivacy.NONE)
    assert truncated.applied_to(SHIPPED) is SHIPPED


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        (GATEWAY, {"address": "198.51.100.7"}),
        ({"ranges": ["2001:db8::/32"]}, {"address": "2001:db8:1::7"}),
        ({"ranges": ["192.0.2.0/24", "198.51.100.7/32"]}, {"address": "198.51.100.7"}),
        ({"contains": ["contosoARCHIVE"]}, {"user_agent": "Mozilla/5.0 (ContosoArchive 7)"}),
        ({"equals": ["ContosoArchive 7"]}, {"user_agent": "ContosoArchive 7"}),
        ({"contains": ["nothing", "gecko"]}, {}),
    ],
)
def test_own_rules_judge_networks_and_names(rule, hit):
    assert judged(of_rules(own=rule), **hit) == (Verdict.AUTOMATED, ("own",))
    assert judged(SHIPPED, **hit)[1] != ("own",)


def test_what_has_to_be_equal_is_not_found_inside():
    rules = of_rules(own={"equals": ["Firefox/145.0"]})
    assert judged(rules) == (Verdict.PERSON, ())


@pytest.mark.parametrize(
    ("scope", "opens", "clicks"),
    [("opens", True, False), ("clicks", False, True), ("all", True, True)],
)
@pytest.mark.parametrize("rule", [GATEWAY, {"contains": ["Firefox"]}])
def test_an_own_rule_speaks_of_what_its_scope_says(rule, scope, opens, clicks):
    rules = of_rules(own={**rule, "scope": scope})

    for kind, meant in ((OPEN, opens), (CLICK, clicks), (InteractionType.ATTACHMENT_VIEW, clicks)):
        verdict, _ = judged(rules, kind, address="198.51.100.7")
        assert (verdict is Verdict.AUTOMATED) is meant


def test_an_own_rule_stands_before_those_shipped():
    # Exchange Online Protection, which is a machine; and an HTTP library, which is one too.
    office = of_rules(own={"ranges": ["40.92.0.0/16"], "certainty": "proxy"})
    library = of_rules(own={"contains": ["python-requests"], "kind": "mail", "client": "Ours"})

    assert judged(SHIPPED, address="40.92.0.1")[0] is Verdict.AUTOMATED
    assert judged(office, address="40.92.0.1") == (Verdict.PERSON, ("own",))
    assert judged(office, address="40.93.0.1")[0] is Verdict.AUTOMATED
    assert judged(SHIPPED, user_agent="python-requests/2.32")[0] is Verdict.AUTOMATED
    assert judged(library, user_agent="python-requests/2.32") == (Verdict.PERSON, ())
    assert [rule.name for rule in office.networks][:1] == ["own"]
    assert [rule.name for rule in library.clients][:1] == ["own"]


def test_of_several_own_rules_all_others_stay_as_they_were():
    rules = of_rules(gateway=GATEWAY, archive=ARCHIVE)

    assert [rule.name for rule in rules.networks] == [
        "gateway",
        *(rule.name for rule in SHIPPED.networks),
    ]
    assert [rule.name for rule in rules.clients] == [
        "archive",
        *(rule.name for rule in SHIPPED.clients),
    ]
    assert rules.windows == SHIPPED.windows


@given(WINDOWS)
def test_own_windows_stand_in_the_place_of_those_shipped(windows):
    rules = patched(windows).applied_to(SHIPPED)
    assert asdict(rules.windows) == {**asdict(SHIPPED.windows), **windows}
    assert (rules.networks, rules.clients) == (SHIPPED.networks, SHIPPED.clients)


@pytest.mark.parametrize("name", sorted(SHIPPED.names))
def test_every_shipped_rule_can_be_switched_off_and_on_again(name):
    off = patched({"rules": {name: {"enabled": False}}})
    assert off.applied_to(SHIPPED).names == SHIPPED.names - {name}

    for on in ({"enabled": True}, {}, None):
        assert patched({"rules": {name: on}}, off) == NOTHING


@pytest.mark.parametrize("name", sorted(SWITCHES))
def test_every_built_in_switch_can_be_switched_off_and_on_again(name):
    off = patched({"rules": {name: {"enabled": False}}})
    rules = off.applied_to(SHIPPED)
    assert rules.off == {name}
    assert (rules.networks, rules.clients) == (SHIPPED.networks, SHIPPED.clients)

    assert patched({"rules": {name: {"enabled": True}}}, off).applied_to(SHIPPED) is SHIPPED


def test_a_switch_that_is_off_is_no_reason_any_more():
    stranger = {"user_agent": "ContosoMail/1.0"}
    assert judged(SHIPPED, **stranger) == (Verdict.UNSURE, ("unfamiliar_user_agent",))

    rules = of_rules(unfamiliar_user_agent={"enabled": False})
    assert judged(rules, **stranger) == (Verdict.PERSON, ())


# The version


def test_the_version_changes_with_what_holds_and_with_nothing_else():
    burst = patched({"burst_links": 4})
    both = patched({"rules": {"gateway": GATEWAY}}, burst)
    other = patched({"rules": {"gateway": {**GATEWAY, "ranges": ["198.51.101.0/24"]}}}, burst)
    versions = [
        settings.applied_to(SHIPPED).version
        for settings in (NOTHING, burst, patched({"burst_links": 5}), both, other)
    ]

    assert len(set(versions)) == len(versions)
    assert all(version.startswith(SHIPPED.version) for version in versions)
    private = replace(both, client_address=AddressPrivacy.NONE)
    assert private.applied_to(SHIPPED).version == both.applied_to(SHIPPED).version
    # The next shipped rules are others, also with the same changes.
    assert both.applied_to(replace(SHIPPED, version="99")).version not in versions


def test_the_version_does_not_tell_in_what_order_windows_were_changed():
    backwards = patched({"burst_links": 4}, patched({"burst_seconds": 9}))
    forwards = patched({"burst_seconds": 9, "burst_links": 4})

    assert backwards.applied_to(SHIPPED).version == forwards.applied_to(SHIPPED).version


def test_rules_of_one_version_judge_alike_in_whatever_order_they_were_added():
    # Both speak of the same address, so that which stands first decides.
    wide = {"ranges": ["198.51.100.0/22"], "certainty": "proxy"}
    narrow = {"ranges": ["198.51.100.0/24"], "certainty": "certain"}
    one = patched({"rules": {"narrow": narrow}}, patched({"rules": {"wide": wide}}))
    other = patched({"rules": {"wide": wide}}, patched({"rules": {"narrow": narrow}}))
    first, second = one.applied_to(SHIPPED), other.applied_to(SHIPPED)

    same = judged(first, address="198.51.100.7") == judged(second, address="198.51.100.7")
    assert same or first.version != second.version


def test_what_was_taken_back_leaves_the_shipped_version():
    changed = patched({"burst_links": 4, "rules": {"gateway": GATEWAY}})
    back = patched({"burst_links": None, "rules": {"gateway": None}}, changed)
    assert back == NOTHING
    assert back.applied_to(SHIPPED).version == SHIPPED.version
    # Saying what holds anyway changes nothing either.
    assert patched({"burst_links": SHIPPED.windows.burst_links}) == NOTHING


@given(WINDOWS)
def test_what_is_stored_as_json_has_the_same_version_when_it_is_read(windows):
    settings = patched({**windows, "rules": {"gateway": GATEWAY, "archive": ARCHIVE}})
    stored = VerdictSettings(
        json.loads(json.dumps(dict(settings.windows))), json.loads(json.dumps(settings.rules))
    )
    assert stored.applied_to(SHIPPED).version == settings.applied_to(SHIPPED).version


# The JSON


@given(WINDOWS)
def test_what_is_told_can_be_said_again_and_changes_nothing(windows):
    settings = patched({**windows, "rules": {"gateway": GATEWAY, "archive": ARCHIVE}})
    told = verdicts_json(settings, SHIPPED)
    assert patched(told, settings) == settings
    assert patched(told) == settings


@pytest.mark.parametrize(("name", "highest"), HIGHEST.items())
def test_a_window_has_limits(name, highest):
    assert patched({name: 0}).windows == {name: 0}
    assert patched({name: highest}).windows == {name: highest}
    for wrong in (-1, highest + 1, 1.5, "7", True, False, [], {}):
        assert refused({name: wrong}) == f"verdicts.{name}"


@pytest.mark.parametrize("name", sorted(ALWAYS | BY_WINDOW))
def test_what_announces_itself_and_what_has_a_window_is_no_rule_to_switch(name):
    assert refused({"rules": {name: {"enabled": False}}}) == f"verdicts.rules.{name}"
    assert refused({"rules": {name: GATEWAY}}) == f"verdicts.rules.{name}"


@pytest.mark.parametrize(
    "name", ["", "Own", "7own", "_own", "own rule", "own-rule", "o" * 61, "ó", "own\n", "\ud800"]
)
def test_a_name_that_cannot_be_one_is_told_as_it_came(name):
    shown = name.encode("ascii", "backslashreplace").decode()
    assert refused({"rules": {name: GATEWAY}}) == f"verdicts.rules.{shown}"


@pytest.mark.parametrize("network", ["198.51.100.0/24", "198.51.100.0/25", "198.51.100.7"])
def test_a_network_of_any_width_is_taken(network):
    rules = of_rules(own={"ranges": [network]})
    assert judged(rules, address="198.51.100.7") == (Verdict.AUTOMATED, ("own",))


@pytest.mark.parametrize("name", ["inferred", "automatic_reply", "method", "burst"])
def test_a_name_that_means_something_else_is_none_for_a_rule(name):
    with pytest.raises(InvalidRequestError) as raised:
        patched({"rules": {name: ARCHIVE}})

    assert raised.value.field == f"verdicts.rules.{name}"


def test_a_rule_that_is_off_as_shipped_can_be_switched_on_and_off_again():
    on = patched({"rules": {"google": {"enabled": True}}})
    rules = on.applied_to(SHIPPED)

    assert "google" not in SHIPPED.names
    assert "google" in rules.names
    assert rules.network_index(CLICK).find(ip_address("66.249.66.1")) == "google"
    assert patched({"rules": {"google": {"enabled": False}}}, on) == NOTHING
    assert patched({"rules": {"google": None}}, on) == NOTHING


def test_a_window_is_a_whole_number_even_where_it_is_the_usual_one():
    with pytest.raises(InvalidRequestError):
        patched({"delivery_window_seconds": float(SHIPPED.windows.delivery_window_seconds)})
