"""Verdicts: which rules hold, and what today's rules say of everything that was kept."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from deployment import FIREFOX, ok, wait_until
from problem import assert_problem
from strangers import said, stored, verdicts

from engagement.domain.alerts.alert import user_key
from engagement.errors import ConflictError
from engagement.services import scoring
from engagement.wiring.foundation import shipped_rules

SHIPPED = shipped_rules()
SELLER = "u-17"
GATEWAY = {"ranges": ["198.51.100.0/24"]}
LINKS = "".join(f'<a href="https://contoso.example/{number}">a link</a>' for number in range(4))
PERSON, MACHINE = ("open", "person", ""), ("open", "automated", "gateway")

ADDRESSES, GATEWAYS = itertools.count(1), itertools.count(1)


def somewhere():
    """An address of its own: all tests together would be a crowd behind one."""
    number = next(ADDRESSES)
    return f"198.19.{128 + number // 256}.{number % 256}"


def at_the_gateway():
    """An address of the gateway's, one of its own as well."""
    return f"198.51.100.{next(GATEWAYS) % 256}"


def visit(message, url, address=None, user_agent=FIREFOX):
    """Fetch a tracked URL from an address."""
    headers = {"X-Forwarded-For": address or somewhere(), "User-Agent": user_agent}
    return message.crm.deployment.get(url, headers=headers)


def opened(crm, address=None):
    """A message that somebody opened, at the gateway if nothing else is said."""
    message = crm.sent()
    visit(message, message.pixel, address or at_the_gateway())
    return message


def judge(message):
    """Judge a message now, as the function of the queue does, and may do at the same time."""
    deployment = message.crm.deployment
    judging = deployment.services.judging
    organization = said(message.pixel).organization

    async def work():
        rules = await judging.rules(organization)
        return await judging.judge(organization, message.id, rules, datetime.now(UTC))

    for _ in range(4):
        try:
            return deployment.run(work())
        except ConflictError:
            continue
    return deployment.run(work())


def new_rules(crm, **rules):
    """Give an organization rules, and let the instance know them at once."""
    crm.set({"verdicts": {"rules": rules}})
    crm.deployment.services.tracking.observing.wishes.values.clear()


def score(crm, **parameters):
    """Score an organization's history again."""
    return crm.call("POST", "/verdicts/score", params=parameters)


def rules_of(crm):
    """The rules that hold for an organization."""
    return ok(crm.call("GET", "/verdicts/rules"))


def alerts(crm):
    """The seller's alerts."""
    return ok(crm.call("GET", "/alerts", params={"user_id": SELLER}))["items"]


def rows(message):
    """What is stored of a message's interactions, and since when."""
    return [(dict(row), row.metadata["etag"]) for row in stored(message)]


# The rules


def test_the_rules_that_were_shipped_hold_where_nothing_was_changed(deployment):
    rules = rules_of(deployment.new_crm(delivery_window=10))

    assert set(rules) == {"version", "windows", "off", "networks", "user_agents"}
    assert (rules["version"], rules["off"]) == (SHIPPED.version, [])
    assert rules["windows"]["delivery_window_seconds"] == 10
    assert [rule["name"] for rule in rules["networks"]] == [x.name for x in SHIPPED.networks]
    assert [rule["name"] for rule in rules["user_agents"]] == [x.name for x in SHIPPED.clients]
    assert all(set(x) == {"name", "scope", "certainty", "ranges"} for x in rules["networks"])
    assert all(set(x) == {"name", "kind", "scope", "client"} for x in rules["user_agents"])


def test_own_rules_stand_first_and_those_switched_off_are_missing(crm):
    archive = {"contains": ["ContosoArchive"], "kind": "browser", "client": "Archive"}
    off = {"enabled": False}
    new_rules(crm, gateway=GATEWAY, archive=archive, firefox=off, no_user_agent=off)
    rules = rules_of(crm)

    assert rules["networks"][0] == {
        "name": "gateway",
        "scope": "all",
        "certainty": "certain",
        "ranges": ["198.51.100.0/24"],
    }
    assert rules["user_agents"][0] == {
        "name": "archive",
        "kind": "browser",
        "scope": "all",
        "client": "Archive",
    }
    assert "firefox" not in {rule["name"] for rule in rules["user_agents"]}
    assert rules["off"] == ["no_user_agent"]
    assert rules["windows"]["delivery_window_seconds"] == 0


def test_the_version_is_that_of_the_verdicts_and_changes_with_the_rules(crm):
    before = rules_of(crm)["version"]
    message = opened(crm)
    assert message.timeline[0]["rules"] == before
    new_rules(crm, gateway=GATEWAY)
    after = rules_of(crm)["version"]

    assert after != before
    assert opened(crm).timeline[0]["rules"] == after
    # What was judged before is told as it was judged.
    assert message.timeline[0]["rules"] == before
    new_rules(crm, gateway=None)
    assert rules_of(crm)["version"] == before


def test_the_administrator_reads_rules_and_scores_and_nobody_else(crm, fresh, deployment):
    path = f"/organizations/{crm.organization_id}/verdicts"
    assert ok(deployment.admin("GET", f"{path}/rules")) == rules_of(crm)
    assert ok(deployment.admin("POST", f"{path}/score"))["message_count"] == 0
    for method, route in (("GET", "rules"), ("POST", "score")):
        strange = {"X-Api-Key": fresh.api_key}
        answer = crm.call(method, f"/verdicts/{route}", headers=strange)
        assert_problem(answer, 401)


# Scoring again


def test_scoring_an_organization_without_messages_reports_nothing(crm):
    crm.draft()
    crm.sent()
    assert ok(score(crm)) == {
        "rules": rules_of(crm)["version"],
        "message_count": 0,
        "changed_count": 0,
        "changes": [],
        "restated_count": 0,
        "continuation": None,
    }


def test_scoring_again_after_a_new_rule_changes_what_was_kept_and_reports_it(crm):
    machines, people = [opened(crm), opened(crm)], [opened(crm, somewhere())]
    visit(machines[0], machines[0].link, at_the_gateway())
    new_rules(crm, gateway=GATEWAY)
    report = ok(score(crm))

    version = rules_of(crm)["version"]
    # The person's open is judged by other rules and otherwise as it was.
    assert report == {
        "rules": version,
        "message_count": 3,
        "changed_count": 3,
        "changes": [{"from": "person", "to": "automated", "count": 3}],
        "restated_count": 1,
        "continuation": None,
    }
    assert verdicts(machines[0]) == [("click", "automated", "gateway"), MACHINE]
    assert verdicts(machines[1]) == [MACHINE]
    assert verdicts(people[0]) == [PERSON]
    for message in (*machines, *people):
        assert {item["rules"] for item in message.timeline} == {version}


def test_the_counts_follow_and_come_back_with_the_old_rules(crm):
    message = opened(crm)
    visit(message, message.link, at_the_gateway())
    before = message.kpis
    assert (before["open_count"], before["click_count"]) == (1, 1)
    new_rules(crm, gateway=GATEWAY)
    ok(score(crm))

    after = message.kpis
    assert (after["open_count"], after["click_count"]) == (0, 0)
    assert after["automated"] == {"open_count": 1, "click_count": 1, "attachment_view_count": 0}
    assert (after["first_opened_at"], after["inferred_open_count"]) == (None, 0)
    new_rules(crm, gateway=None)
    report = ok(score(crm))
    assert report["changes"] == [{"from": "automated", "to": "person", "count": 2}]
    assert message.kpis == before


def test_scoring_a_second_time_changes_nothing(crm):
    message = opened(crm)
    visit(message, message.link, somewhere())
    new_rules(crm, gateway=GATEWAY)
    first = ok(score(crm))
    before = rows(message)
    second = ok(score(crm))

    assert first["changed_count"] == 1
    assert second == {**first, "changed_count": 0, "changes": [], "restated_count": 0}
    assert rows(message) == before


def test_scoring_by_the_same_rules_changes_nothing(crm):
    message = opened(crm)
    visit(message, message.link, user_agent="python-requests/2.32")
    judge(message)
    before = rows(message)
    report = ok(score(crm))

    assert (report["message_count"], report["changed_count"], report["restated_count"]) == (1, 0, 0)
    assert rows(message) == before


def test_an_interaction_stays_as_older_rules_judged_it_until_it_is_scored(crm):
    message = opened(crm)
    judge(message)
    (before,) = rows(message)
    new_rules(crm, gateway=GATEWAY)
    visit(message, message.pixel, at_the_gateway())
    judge(message)

    assert verdicts(message) == [MACHINE, PERSON]
    assert rows(message)[1] == before
    report = ok(score(crm))
    assert report["changes"] == [{"from": "person", "to": "automated", "count": 1}]
    assert verdicts(message) == [MACHINE, MACHINE]


def test_a_network_too_narrow_for_what_was_kept_is_known_of_those_it_was_known_of(crm):
    address = at_the_gateway()
    narrow = {"ranges": [f"{address}/32"]}
    new_rules(crm, gateway=narrow)
    message = opened(crm, address)
    visit(message, message.pixel, at_the_gateway())
    assert verdicts(message) == [PERSON, MACHINE]

    # Of the addresses only their network was kept, and what was known of them at the time.
    new_rules(crm, gateway=narrow, archive={"contains": ["ContosoArchive"]})
    assert ok(score(crm))["changed_count"] == 0
    assert verdicts(message) == [PERSON, MACHINE]


def test_scoring_finds_bursts_in_what_was_kept(crm):
    crm.set({"verdicts": {"burst_links": 0}})
    message = crm.sent(html_body=LINKS)
    address = somewhere()
    for url in message.urls("c"):
        visit(message, url, address)
    judge(message)
    assert message.kpis["click_count"] == 4
    assert message.kpis["inferred_open_count"] == 1
    crm.set({"verdicts": {"burst_links": 3, "burst_seconds": 60}})
    report = ok(score(crm))

    assert report["changes"] == [{"from": "person", "to": "automated", "count": 4}]
    assert [row["reasons"] for row in stored(message)] == ["burst"] * 4
    assert message.kpis["open_count"] == message.kpis["inferred_open_count"] == 0


def test_scoring_leaves_replies_alone(crm):
    message = crm.sent()
    path = f"/messages/{message.id}/replies"
    ok(crm.call("POST", path, json={"replied_by": "ann@fabrikam.example"}))
    ok(crm.call("POST", path, json={"replied_by": "ann@fabrikam.example", "automatic": True}))
    before = rows(message)
    new_rules(crm, gateway=GATEWAY)

    assert ok(score(crm))["changed_count"] == 0
    assert rows(message) == before


def test_scoring_an_alerts_open_into_a_machines_takes_the_alert_back(crm):
    opened(crm)
    other = opened(crm, somewhere())
    wait_until(lambda: len(alerts(crm)) == 2)
    new_rules(crm, gateway=GATEWAY)
    ok(score(crm))

    assert [alert["message"]["id"] for alert in alerts(crm)] == [other.id]


def test_scoring_a_machines_open_into_a_persons_makes_its_alert(crm):
    new_rules(crm, gateway=GATEWAY)
    message = opened(crm)
    judge(message)
    assert alerts(crm) == []
    new_rules(crm, gateway=None)
    ok(score(crm))

    wait_until(lambda: alerts(crm))
    assert [alert["message"]["id"] for alert in alerts(crm)] == [message.id]


def test_scoring_one_organization_leaves_the_others_alone(crm, fresh):
    theirs = opened(fresh)
    judge(theirs)
    before = rows(theirs)
    opened(crm)
    new_rules(crm, gateway=GATEWAY)
    new_rules(fresh, gateway=GATEWAY)

    assert ok(score(crm))["message_count"] == 1
    assert rows(theirs) == before


# Large histories


@pytest.fixture
def long_history(crm):
    """An organization with more messages than are judged in one go, in the order of their ids."""
    return crm, sorted((opened(crm) for _ in range(2 * scoring.AT_ONCE + 1)), key=lambda x: x.id)


def test_a_long_history_is_scored_whole_in_one_call(long_history):
    crm, messages = long_history
    new_rules(crm, gateway=GATEWAY)
    report = ok(score(crm))

    assert (report["message_count"], report["continuation"]) == (len(messages), None)
    assert report["changed_count"] == len(messages)
    assert all(verdicts(message) == [MACHINE] for message in messages)


def test_a_call_that_takes_too_long_says_where_to_go_on(long_history, monkeypatch):
    crm, messages = long_history
    new_rules(crm, gateway=GATEWAY)
    monkeypatch.setattr(scoring, "LONGEST_CALL", 0.0)
    first = ok(score(crm))

    assert first["message_count"] == first["changed_count"] == scoring.AT_ONCE
    assert first["continuation"] == messages[scoring.AT_ONCE - 1].id
    assert verdicts(messages[scoring.AT_ONCE - 1]) == [MACHINE]
    assert verdicts(messages[scoring.AT_ONCE]) == [PERSON]
    second = ok(score(crm, continuation=first["continuation"]))
    third = ok(score(crm, continuation=second["continuation"]))
    assert second["continuation"] == messages[2 * scoring.AT_ONCE - 1].id
    assert (second["changed_count"], third["changed_count"]) == (scoring.AT_ONCE, 1)
    assert third["continuation"] is None
    assert all(verdicts(message) == [MACHINE] for message in messages)


def test_only_messages_are_scored(crm, deployment):
    """The notes on changed messages and on users lie beside them, under keys like theirs."""
    message = opened(crm)
    organization = said(message.pixel).organization
    deployment.run(deployment.services.projecting.markers.mark(organization, "5" + "0" * 23))
    users = (f"u-{number}" for number in itertools.count())
    user = next(x for x in users if user_key(x).startswith("5"))
    ok(crm.call("PATCH", "/alert-settings", params={"user_id": user}, json={"reply": False}))

    assert ok(score(crm))["message_count"] == 1


@pytest.mark.parametrize(
    "continuation",
    ["x", "0" * 23, "0" * 25, "G" * 24, "A" * 24, "../..", "'", " ", "0" * 24 + "\n"],
)
def test_a_continuation_that_cannot_be_one_is_named(crm, continuation):
    assert_problem(score(crm, continuation=continuation), 400, "continuation")


def test_a_continuation_behind_the_last_message_ends_at_once(crm):
    opened(crm)
    report = ok(score(crm, continuation="f" * 24))
    assert (report["message_count"], report["continuation"]) == (0, None)


def test_a_parameter_that_is_not_known_is_named(crm):
    assert_problem(score(crm, message_id="0" * 24), 400, "message_id")
