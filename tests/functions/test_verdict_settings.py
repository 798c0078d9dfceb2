"""Settings of verdicts: an organization's windows, rules and privacy, and what they do to hits."""

from __future__ import annotations

import itertools

import pytest
from deployment import FIREFOX, ok
from problem import assert_problem
from strangers import interactions, path, raw, verdicts

from engagement.domain.verdicts.verdict_settings_patch import HIGHEST

SHIPPED = {
    "delivery_window_seconds": 10,
    "probable_window_seconds": 600,
    "burst_seconds": 5,
    "burst_links": 3,
    "address_seconds": 60,
    "address_messages": 20,
}
LINKS = "".join(f'<a href="https://contoso.example/{number}">a link</a>' for number in range(4))
GATEWAY = {"ranges": ["198.51.100.0/24"], "scope": "all", "certainty": "certain"}
ARCHIVE = {"contains": ["ContosoArchive"], "kind": "machine", "scope": "all", "client": None}
OWN = "198.51.100.7"
#: Of Exchange Online Protection, which opens nothing for anybody.
EXCHANGE = "40.92.0.1"

ADDRESSES = itertools.count(1)


def somewhere():
    """An address of its own: all tests together would be a crowd behind one."""
    number = next(ADDRESSES)
    return f"198.19.{number // 256}.{number % 256}"


def visit(message, url, address=None, user_agent=FIREFOX):
    """Fetch a tracked URL from an address, with or without a port as proxies tell it."""
    headers = {"X-Forwarded-For": address or somewhere(), "User-Agent": user_agent}
    return message.crm.deployment.get(url, headers=headers)


def opened(message, **how):
    """Verdict and reasons of an open of *message*."""
    visit(message, message.pixel, **how)
    _, verdict, reasons = verdicts(message)[0]
    return verdict, reasons


def forget_settings(deployment):
    """Let the instance ask for the settings again, as it does after a minute."""
    deployment.services.tracking.observing.wishes.values.clear()


def told(crm):
    """What the settings of verdicts are."""
    return ok(crm.call("GET", "/settings"))["verdicts"]


def change(crm, changes):
    """Change settings of verdicts."""
    return crm.call("PATCH", "/settings", json={"verdicts": changes})


# As shipped


@pytest.fixture
def usual(deployment):
    """An organization that changed nothing."""
    return deployment.new_crm(delivery_window=10)


def test_the_settings_tell_what_holds_where_nothing_was_changed(usual):
    assert told(usual) == {**SHIPPED, "client_address": "truncated", "rules": {}}


@pytest.mark.parametrize(("name", "highest"), HIGHEST.items())
def test_a_window_is_kept_from_nothing_to_its_highest_and_taken_back_by_null(usual, name, highest):
    for value in (0, highest):
        assert usual.set({"verdicts": {name: value}})["verdicts"][name] == value
        assert told(usual) == {**SHIPPED, name: value, "client_address": "truncated", "rules": {}}
    assert usual.set({"verdicts": {name: None}})["verdicts"][name] == SHIPPED[name]
    assert told(usual)[name] == SHIPPED[name]


@pytest.mark.parametrize(("name", "highest"), HIGHEST.items())
def test_a_window_beyond_its_limits_is_named_and_nothing_changes(usual, name, highest):
    usual.set({"verdicts": {name: highest}})
    before = ok(usual.call("GET", "/settings"))
    for wrong in (-1, highest + 1, 1.5, "1", True, [], 10**30):
        assert_problem(change(usual, {name: wrong}), 400, f"verdicts.{name}")
    assert ok(usual.call("GET", "/settings")) == before


# What windows do


def test_right_after_sending_a_browsers_open_is_a_machines(usual):
    assert opened(usual.sent()) == ("automated", "delivery_window")


def test_without_a_delivery_window_it_is_a_persons(deployment):
    assert opened(deployment.new_crm(delivery_window=0).sent()) == ("person", "")


def test_three_links_at_once_are_a_burst(fresh):
    message = fresh.sent(html_body=LINKS)
    address = somewhere()
    fresh.set({"verdicts": {"burst_seconds": 60}})
    for url in message.urls("c")[:3]:
        visit(message, url, address)

    assert verdicts(message)[0] == ("click", "automated", "burst")


@pytest.mark.parametrize("switched_off", ["burst_links", "burst_seconds"])
def test_without_bursts_three_links_at_once_are_a_persons(fresh, switched_off):
    fresh.set({"verdicts": {"burst_seconds": 60, switched_off: 0}})
    message = fresh.sent(html_body=LINKS)
    address = somewhere()
    for url in message.urls("c"):
        visit(message, url, address)

    assert verdicts(message) == [("click", "person", "")] * 4


def test_more_links_make_a_burst_where_the_organization_wants_more(fresh):
    fresh.set({"verdicts": {"burst_seconds": 60, "burst_links": 4}})
    message = fresh.sent(html_body=LINKS)
    address = somewhere()
    for url in message.urls("c")[:3]:
        visit(message, url, address)
    assert {verdict for _, verdict, _ in verdicts(message)} == {"person"}
    visit(message, message.urls("c")[3], address)

    assert verdicts(message)[0] == ("click", "automated", "burst")


@pytest.mark.parametrize(("messages", "last"), [(2, "automated"), (3, "person"), (0, "person")])
def test_an_address_may_open_as_many_messages_as_the_organization_says(fresh, messages, last):
    fresh.set({"verdicts": {"address_seconds": 300, "address_messages": messages}})
    address = somewhere()
    opened(fresh.sent(), address=address)

    assert opened(fresh.sent(), address=address)[0] == last


@pytest.mark.parametrize(("seconds", "verdict"), [(3600 * 24, "automated"), (0, "person")])
def test_a_probable_network_is_believed_as_long_as_the_organization_says(fresh, seconds, verdict):
    rule = {"ranges": ["198.51.100.0/24"], "certainty": "probable"}
    fresh.set({"verdicts": {"probable_window_seconds": seconds, "rules": {"own": rule}}})

    assert opened(fresh.sent(), address=OWN)[0] == verdict


# What is kept of addresses


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("198.51.100.7", "198.51.100.0"),
        ("198.51.100.7:50123", "198.51.100.0"),
        ("[2001:db8:1:2::7]:443", "2001:db8:1::"),
    ],
)
def test_of_an_address_its_network_is_kept(fresh, address, kept):
    message = fresh.sent()
    visit(message, message.pixel, address)
    (row,) = interactions(message)

    assert row["address"] == kept
    assert not [value for value in row.values() if "198.51.100.7" in str(value)]


def test_of_an_address_nothing_is_kept_where_the_organization_wants_that(fresh):
    assert fresh.set({"verdicts": {"client_address": "none"}})["verdicts"]["client_address"] == (
        "none"
    )
    fresh.set({"verdicts": {"rules": {"gateway": GATEWAY}}})
    message = fresh.sent()
    visit(message, message.pixel, OWN)
    (row,) = interactions(message)

    assert "address" not in row
    assert not [value for value in row.values() if "198.51.100" in str(value)]
    # It is judged all the same.
    assert (row["verdict"], row["reasons"]) == ("automated", "gateway")
    back = fresh.set({"verdicts": {"client_address": "truncated"}})["verdicts"]
    assert back["client_address"] == "truncated"
    assert back["rules"] == {"gateway": GATEWAY}


@pytest.mark.parametrize("wrong", ["full", "", "TRUNCATED", None, True, 0])
def test_what_cannot_be_kept_of_an_address_is_named(fresh, wrong):
    assert_problem(change(fresh, {"client_address": wrong}), 400, "verdicts.client_address")


# Rules of its own


def test_an_own_network_is_a_machines_by_the_name_of_its_rule(fresh):
    fresh.set({"verdicts": {"rules": {"gateway": GATEWAY}}})
    message = fresh.sent()

    assert opened(message, address=OWN) == ("automated", "gateway")
    assert opened(message, address=f"{OWN}:50123") == ("automated", "gateway")
    assert opened(message, address="198.51.101.7") == ("person", "")
    # What stands further left in the header is what the client says of itself.
    assert opened(message, address=f"{OWN}, 198.51.101.8") == ("person", "")


def test_an_own_name_is_a_machines_by_the_name_of_its_rule(fresh):
    fresh.set({"verdicts": {"rules": {"archive": ARCHIVE}}})
    message = fresh.sent()

    name = "Mozilla/5.0 (Windows NT 10.0) contosoarchive/7"
    assert opened(message, user_agent=name) == ("automated", "archive")
    assert opened(message) == ("person", "")


def test_an_own_program_is_a_persons_and_is_called_by_its_name(fresh):
    rule = {"contains": ["ContosoMail/"], "kind": "mail", "client": "Contoso Mail"}
    fresh.set({"verdicts": {"rules": {"contoso_mail": rule}}})
    message = fresh.sent()

    assert opened(message, user_agent="ContosoMail/1.0") == ("person", "")
    assert message.timeline[0]["client"] == "Contoso Mail"


def test_a_rule_is_kept_as_it_holds_merged_with_the_others_and_removed_by_null(fresh):
    fresh.set({"verdicts": {"rules": {"gateway": {"ranges": ["198.51.100.0/24"]}}}})
    assert told(fresh)["rules"] == {"gateway": GATEWAY}
    fresh.set({"verdicts": {"rules": {"archive": {"contains": ["ContosoArchive"]}}}})
    assert told(fresh)["rules"] == {"archive": ARCHIVE, "gateway": GATEWAY}
    other = {**GATEWAY, "ranges": ["198.51.101.0/24"]}
    fresh.set({"verdicts": {"rules": {"gateway": other}}})
    assert told(fresh)["rules"] == {"archive": ARCHIVE, "gateway": other}

    fresh.set({"verdicts": {"rules": {"gateway": None, "never_there": None}}})
    assert told(fresh)["rules"] == {"archive": ARCHIVE}
    message = fresh.sent()
    assert opened(message, address=OWN) == ("person", "")
    fresh.set({"verdicts": {"rules": {}}})
    assert told(fresh)["rules"] == {"archive": ARCHIVE}


def test_a_shipped_rule_is_switched_off_and_on_again(fresh, deployment):
    name = "microsoft_365_protection"
    fresh.set({"verdicts": {"rules": {name: {"enabled": False}}}})
    assert told(fresh)["rules"] == {name: {"enabled": False}}
    message = fresh.sent()
    assert name not in opened(message, address=EXCHANGE)[1]

    fresh.set({"verdicts": {"rules": {name: {"enabled": True}}}})
    assert told(fresh)["rules"] == {}
    forget_settings(deployment)
    assert opened(message, address=EXCHANGE) == ("automated", name)

    fresh.set({"verdicts": {"rules": {name: {"enabled": False}}}})
    fresh.set({"verdicts": {"rules": {name: None}}})
    assert told(fresh)["rules"] == {}


def test_whoever_gives_no_name_is_a_person_where_that_rule_is_off(fresh, deployment):
    message = fresh.sent()
    lines = [path(message.pixel), f"X-Forwarded-For: {somewhere()}"]
    raw(deployment, "GET", *lines)
    assert verdicts(message)[0] == ("open", "automated", "no_user_agent")

    rules = {name: {"enabled": False} for name in ("no_user_agent", "unfamiliar_user_agent")}
    fresh.set({"verdicts": {"rules": rules}})
    forget_settings(deployment)
    raw(deployment, "GET", *lines)
    assert verdicts(message)[0] == ("open", "person", "")


def test_rules_of_one_organization_judge_no_other(fresh, deployment):
    fresh.set({"verdicts": {"rules": {"gateway": GATEWAY}}})
    other = deployment.new_crm().sent()

    assert opened(fresh.sent(), address=OWN) == ("automated", "gateway")
    assert opened(other, address=OWN) == ("person", "")


def test_as_many_rules_as_may_be_are_stored_and_hold(fresh):
    rules = {f"rule_{number}": {"contains": [f"name-{number}"]} for number in range(100)}
    fresh.set({"verdicts": {"rules": rules}})
    assert set(told(fresh)["rules"]) == set(rules)
    assert opened(fresh.sent(), user_agent="Mozilla/5.0 (name-99)")[1].startswith("rule_")

    assert_problem(change(fresh, {"rules": {"one_more": ARCHIVE}}), 400, "verdicts.rules")
    assert set(told(fresh)["rules"]) == set(rules)
    ok(change(fresh, {"rules": {"one_more": ARCHIVE, "rule_0": None}}))


def test_as_long_as_rules_may_be_they_are_stored(fresh):
    # Nearly 30,000 characters, and each of them the widest that an entity holds.
    words = [f"{number:02d}-" + "ü" * 90 for number in range(50)]
    fresh.set({"verdicts": {"rules": {"own": {"contains": words}}}})
    assert told(fresh)["rules"]["own"]["contains"] == words

    assert_problem(change(fresh, {"rules": {"two": {"contains": words}}}), 400, "verdicts.rules")
    assert set(told(fresh)["rules"]) == {"own"}


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        (None, ""),
        ([], ""),
        ({"own": True}, ".own"),
        ({"own": {}}, ".own"),
        ({"own": {"enabled": False}}, ".own.enabled"),
        ({"own": {"kind": "machine"}}, ".own"),
        ({"own": {"contains": []}}, ".own"),
        ({"own": {"contains": "ContosoArchive"}}, ".own.contains"),
        ({"own": {"contains": ["ContosoArchive", "ab"]}}, ".own.contains[1]"),
        ({"own": {"contains": ["  a  "]}}, ".own.contains[0]"),
        ({"own": {"equals": [7]}}, ".own.equals[0]"),
        ({"own": {"equals": ["x" * 201]}}, ".own.equals[0]"),
        ({"own": {"equals": ["abc"] * 51}}, ".own.equals"),
        ({"own": {**ARCHIVE, "kind": "robot"}}, ".own.kind"),
        ({"own": {**ARCHIVE, "scope": "replies"}}, ".own.scope"),
        ({"own": {**ARCHIVE, "client": "x" * 61}}, ".own.client"),
        ({"own": {**ARCHIVE, "client": "a\nb"}}, ".own.client"),
        ({"own": {**ARCHIVE, "pattern": ".*"}}, ".own.pattern"),
        ({"own": {**GATEWAY, **ARCHIVE}}, ".own.contains"),
        ({"own": {"ranges": []}}, ".own.ranges"),
        ({"own": {"ranges": "198.51.100.0/24"}}, ".own.ranges"),
        ({"own": {"ranges": ["198.51.100.0/24", "198.51.100.1/24"]}}, ".own.ranges[1]"),
        ({"own": {"ranges": ["198.51.100.0/33"]}}, ".own.ranges[0]"),
        ({"own": {"ranges": ["contoso.example"]}}, ".own.ranges[0]"),
        ({"own": {"ranges": [3_325_256_704]}}, ".own.ranges[0]"),
        ({"own": {"ranges": ["198.51.100.0/24"] * 201}}, ".own.ranges"),
        ({"own": {**GATEWAY, "certainty": "sure"}}, ".own.certainty"),
        ({"Own": ARCHIVE}, ".Own"),
        ({"": ARCHIVE}, "."),
        ({"burst": {"enabled": False}}, ".burst"),
        ({"delivery_window": {"enabled": False}}, ".delivery_window"),
        ({"method": {"enabled": False}}, ".method"),
        ({"prefetch": ARCHIVE}, ".prefetch"),
        ({"firefox": {"contains": ["Firefox"]}}, ".firefox.contains"),
        ({"microsoft_365_protection": GATEWAY}, ".microsoft_365_protection.ranges"),
        ({"no_user_agent": {"enabled": "no"}}, ".no_user_agent.enabled"),
        ({f"rule_{number}": ARCHIVE for number in range(101)}, ""),
    ],
)
def test_a_wrong_rule_is_named_and_nothing_of_the_change_is_kept(fresh, rules, field):
    fresh.set({"verdicts": {"rules": {"kept": ARCHIVE}}})
    before = ok(fresh.call("GET", "/settings"))
    # What is right stands before what is wrong, and beside it.
    if isinstance(rules, dict):
        rules = {"kept": None, "right": GATEWAY, **rules}
    wrong = {"follow": {"enabled": False}, "verdicts": {"burst_links": 9, "rules": rules}}
    problem = fresh.call("PATCH", "/settings", json=wrong)

    # The order of the object's fields is the order in which they are read.
    assert_problem(problem, 400, f"verdicts.rules{field}")
    assert ok(fresh.call("GET", "/settings")) == before


@pytest.mark.parametrize(
    ("verdicts_", "field"),
    [(None, "verdicts"), ([], "verdicts"), ({"burst_width": 5}, "verdicts.burst_width")],
)
def test_what_is_no_setting_of_verdicts_is_named(fresh, verdicts_, field):
    assert_problem(change(fresh, verdicts_), 400, field)
