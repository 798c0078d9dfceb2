"""Whole stories of messages: scanners, prefetchers, proxies and people, in the end told apart."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sightings import (
    APPLE,
    BARE_WEBKIT,
    CHROME,
    GMAIL,
    GMAIL_SCAN,
    HOME,
    HOUR,
    MINUTE,
    OFFICE,
    OUTLOOK,
    RULES,
    SAFARI,
    Story,
)

from engagement.domain.tracking.tracking_token import Kind
from engagement.domain.verdicts.interaction import INFERRED
from engagement.domain.verdicts.rule_set import PROVISIONAL
from engagement.domain.verdicts.timeline import inferred_opens, judge_again
from engagement.domain.verdicts.verdict import Verdict, Via

DEFENDER = "40.94.29.84"
PROTECTION = "52.100.20.30"
BARRACUDA = "209.222.82.17"
PROOFPOINT = "148.163.150.9"
OUTLOOK_WEB = "52.96.10.20"
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"


@pytest.fixture
def story():
    """A message that was sent, and to which nothing has happened yet."""
    return Story()


def test_apples_prefetch_then_a_click_three_hours_later(story):
    prefetch = story.open(40, user_agent=APPLE, address="172.225.10.1")
    story.click(3 * HOUR, user_agent=SAFARI)

    assert (prefetch.verdict, prefetch.via) == (Verdict.UNSURE, Via.PRIVACY_RELAY)
    assert story.verdicts() == ["unsure", "person"]
    kpi = story.kpi()
    assert (kpi.people.open_count, kpi.inferred_open_count) == (1, 1)
    assert (kpi.people.click_count, kpi.unsure.open_count) == (1, 1)


@pytest.mark.parametrize("address", [DEFENDER, PROTECTION, "203.0.113.99"])
def test_safe_links_over_eight_links_in_four_seconds_then_a_person(story, address):
    story.open(95, address=address)
    for number in range(8):
        story.click(96 + number / 2, number + 1, address=address)
    story.open(20 * MINUTE, address=HOME, user_agent=OUTLOOK)
    story.click(20 * MINUTE + 30, 3)

    assert story.verdicts() == ["automated"] * 9 + ["person"] * 2
    kpi = story.kpi()
    assert (kpi.people.open_count, kpi.people.click_count) == (1, 1)
    assert (kpi.automated.open_count, kpi.automated.click_count) == (1, 8)


def test_a_burst_makes_its_earlier_hits_automated_too(story):
    at_once = [story.click(HOUR + second, second + 1).verdict for second in range(3)]

    assert at_once == [Verdict.PERSON, Verdict.PERSON, Verdict.AUTOMATED]
    assert story.verdicts() == ["automated"] * 3
    assert all(x.judgement.reasons == ("burst",) for x in story.judged())


def test_a_burst_from_many_addresses_under_one_name_is_a_burst(story):
    for number in range(4):
        story.click(2 * HOUR + number, number + 1, address=f"20.0.0.{number}")

    assert story.verdicts() == ["automated"] * 4


def test_somebody_elses_click_in_the_middle_of_a_burst_is_a_persons(story):
    for number in range(6):
        story.click(2 * HOUR + number / 2, number + 1, address=DEFENDER)
    story.click(2 * HOUR + 2, 2, user_agent=SAFARI, address=HOME)

    assert story.verdicts() == ["automated"] * 6 + ["person"]


def test_selecting_one_link_again_and_again_is_no_burst(story):
    for second in range(5):
        story.click(HOUR + second / 2, 1)

    assert story.verdicts() == ["person"] * 5
    assert story.kpi().people.click_count == 1


def test_barracuda_forty_seconds_after_the_hand_over(story):
    story.open(40, address=BARRACUDA)
    judgement = story.click(41, address=BARRACUDA)

    assert judgement.reasons == ("barracuda_email_gateway",)
    assert story.verdicts() == ["automated", "automated"]


def test_a_click_through_proofpoints_isolation_two_hours_later_is_a_persons(story):
    scan = story.click(50, address=PROOFPOINT)
    isolated = story.click(2 * HOUR, address=PROOFPOINT)

    assert (scan.verdict, scan.reasons) == (Verdict.AUTOMATED, ("proofpoint",))
    assert isolated.verdict is Verdict.PERSON
    assert story.verdicts() == ["automated", "person"]


def test_gmails_proxy_at_one_second_and_at_thirty_minutes(story):
    scan = story.open(1, user_agent=GMAIL, address="66.249.84.1")
    read = story.open(30 * MINUTE, user_agent=GMAIL, address="66.249.84.2")

    assert (scan.verdict, scan.reasons) == (Verdict.AUTOMATED, ("delivery_window",))
    assert (read.verdict, read.via, read.client) == (Verdict.PERSON, Via.IMAGE_PROXY, "Gmail")
    assert story.kpi().people.open_count == 1


def test_gmails_delivery_scan_is_a_machine_at_any_time(story):
    assert story.open(3, user_agent=GMAIL_SCAN).verdict is Verdict.AUTOMATED
    assert story.open(HOUR, user_agent=GMAIL_SCAN).reasons == ("gmail_delivery_scan",)


def test_bare_webkit_is_a_person_outside_the_delivery_window_only(story):
    assert story.open(3, user_agent=BARE_WEBKIT).verdict is Verdict.AUTOMATED
    assert story.open(24 * MINUTE, user_agent=BARE_WEBKIT).verdict is Verdict.PERSON


def test_outlook_on_the_web_opens_for_a_person_from_microsofts_addresses(story):
    judgement = story.open(7 * MINUTE, address=OUTLOOK_WEB)

    assert (judgement.verdict, judgement.via) == (Verdict.PERSON, Via.IMAGE_PROXY)
    assert judgement.reasons == ("exchange_online",)


def test_a_mail_program_within_the_delivery_window_cannot_be_known(story):
    assert story.open(4, user_agent=OUTLOOK).verdict is Verdict.UNSURE
    assert story.open(12, user_agent=OUTLOOK).verdict is Verdict.PERSON


def test_twelve_recipients_behind_one_address_over_a_morning_are_people(story):
    for number in range(12):
        after = 10 * MINUTE + number * 15 * MINUTE
        story.open(after, address=OFFICE, user_agent=OUTLOOK, message=number + 1)
        story.click(after + 20, address=OFFICE, message=number + 1)

    for number in range(12):
        assert story.verdicts(number + 1) == ["person", "person"]


def test_one_address_over_many_messages_within_a_minute_is_a_machine(story):
    for number in range(40):
        story.open(HOUR + number, message=number + 1, address="203.0.113.50")
        story.click(HOUR + number + 0.5, message=number + 1, address="203.0.113.50")

    people = sum(story.verdicts(number + 1).count("person") for number in range(40))
    assert people == 0
    assert story.judged(1)[0].judgement.reasons == ("many_messages",)


def test_a_proxys_address_is_everybodys(story):
    for number in range(40):
        story.open(HOUR + number, user_agent=GMAIL, message=number + 1, address="66.249.84.1")

    assert all(story.verdicts(number + 1) == ["person"] for number in range(40))


def test_a_forward_is_read_by_a_second_client_at_a_second_address(story):
    story.open(HOUR, user_agent=OUTLOOK, address=OFFICE)
    story.open(HOUR + 30, user_agent=SAFARI, address=HOME)

    assert story.verdicts() == ["person", "person"]
    assert story.kpi().people.open_count == 2


def test_a_link_that_is_pasted_into_a_chat_is_previewed_by_a_machine(story):
    story.click(HOUR, address=HOME)
    preview = story.click(HOUR + 30, user_agent=SLACK, address="54.80.1.2")

    assert (preview.verdict, preview.reasons) == (Verdict.AUTOMATED, ("link_previews",))
    assert story.kpi().people.click_count == 1


def test_B38_HEAD_then_GET_is_one_click(story):
    story.click(HOUR, method="HEAD")
    story.click(HOUR + 0.2)

    assert story.verdicts() == ["automated", "person"]
    assert story.kpi().people.click_count == 1


def test_F7_F8_an_open_before_the_sending_is_a_person_and_no_duration_is_negative(story):
    judgement = story.open(-15 * MINUTE, user_agent=CHROME)

    assert judgement.verdict is Verdict.PERSON
    assert story.judged()[0].evidence.after_seconds is None


@pytest.mark.parametrize("skew", [-86_400, -900, -4, 0, 900, 86_400])
def test_F8_no_clock_makes_a_duration_negative(skew):
    story = Story()
    story.open(skew)

    after = story.judged()[0].evidence.after_seconds
    assert after is None or after >= 0


def test_an_open_and_a_click_in_the_same_second_are_a_persons(story):
    story.open(HOUR, user_agent=OUTLOOK)
    story.click(HOUR + 0.4)

    assert story.verdicts() == ["person", "person"]


def test_a_prefetch_says_nothing_against_the_person_in_front_of_the_browser(story):
    for number in range(5):
        story.click(HOUR + number / 10, number + 1, headers={"sec-purpose": "prefetch"})
    story.click(HOUR + 1, 2)

    assert story.verdicts() == ["automated"] * 5 + ["person"]


def test_an_unhurried_person_may_select_every_link(story):
    for number in range(6):
        story.click(HOUR + number * 20, number + 1)

    assert story.verdicts() == ["person"] * 6


ACTS = st.tuples(
    st.sampled_from(Kind),
    st.integers(0, 7200),
    st.integers(1, 4),
    st.sampled_from([CHROME, SAFARI, OUTLOOK]),
)
MACHINES = st.lists(
    st.tuples(
        st.integers(0, 7200),
        st.integers(1, 4),
        st.sampled_from(["HEAD", "GET"]),
        st.sampled_from(["python-requests/2.32", None, "curl/8.5.0"]),
        st.sampled_from([PROTECTION, BARRACUDA, "203.0.113.200"]),
    ),
    max_size=12,
)


@given(st.lists(ACTS, max_size=8), MACHINES)
def test_P5_a_machine_lowers_nobody_else(people, machines):
    alone, together = Story(), Story()
    for kind, after, target, user_agent in people:
        number = 0 if kind is Kind.OPEN else target
        for story in (alone, together):
            story.hit(kind, 1000 + after, target=number, user_agent=user_agent)
    for after, target, method, user_agent, address in machines:
        together.click(1000 + after, target, method=method, user_agent=user_agent, address=address)

    assert together.verdicts()[: len(people)] == alone.verdicts()
    assert together.kpi().people == alone.kpi().people


@given(st.lists(ACTS, max_size=10), st.randoms())
def test_P4_P5_verdicts_in_the_end_do_not_depend_on_the_order(acts, random):
    story = Story()
    for kind, after, target, user_agent in acts:
        story.hit(kind, after, target=0 if kind is Kind.OPEN else target, user_agent=user_agent)
    in_order = {x.id: x.judgement for x in story.judged()}
    story.messages[1] = random.sample(story.messages[1], len(acts))

    assert {x.id: x.judgement for x in story.judged()} == in_order


def test_judging_again_leaves_what_other_rules_have_judged_until_somebody_asks(story):
    story.click(HOUR, address=HOME)
    (kept,) = story.messages[1]
    network = replace(RULES.networks[0], name="ours", ranges=(ip_network("203.0.113.0/24"),))
    stricter = replace(RULES, version="2+ours", networks=(network, *RULES.networks))

    assert judge_again([kept], stricter, history=False) == []
    (changed,) = judge_again([kept], stricter, history=True)
    assert changed.judgement.verdict is Verdict.AUTOMATED
    assert (changed.judgement.reasons, changed.judgement.rules) == (("ours",), "2+ours")
    assert judge_again([changed], stricter, history=True) == []


def test_a_range_that_was_wrong_is_undone_when_history_is_scored(story):
    network = replace(RULES.networks[0], name="ours", ranges=(ip_network("203.0.113.0/24"),))
    wrong = Story(replace(RULES, version="2+wrong", networks=(network, *RULES.networks)))
    wrong.click(HOUR, address=HOME)
    (kept,) = wrong.judged()
    right = replace(network, ranges=(ip_network("192.0.2.0/24"),))
    rules = replace(RULES, version="2+right", networks=(right, *RULES.networks))

    assert kept.judgement.reasons == ("ours",)
    (changed,) = judge_again([kept], rules, history=True)
    assert changed.judgement.verdict is Verdict.PERSON


def test_a_network_that_is_narrower_than_what_is_kept_is_believed_again(story):
    story.click(HOUR, address="18.184.203.230")
    (kept,) = story.judged()

    assert kept.evidence.network == "barracuda_email_gateway"
    assert judge_again([kept], replace(RULES, version="3"), history=True)[0].judgement.reasons == (
        "barracuda_email_gateway",
    )


def test_what_was_judged_by_no_version_for_want_of_settings_is_judged_again(story):
    blind = Story(replace(RULES, version=PROVISIONAL, networks=()))
    blind.click(HOUR, address=BARRACUDA)
    (kept,) = blind.messages[1]
    located = replace(kept, evidence=replace(kept.evidence, network="barracuda_email_gateway"))

    assert kept.judgement.verdict is Verdict.PERSON
    (changed,) = judge_again([located], RULES, history=False)
    assert (changed.judgement.verdict, changed.judgement.rules) == (Verdict.AUTOMATED, "2")


def test_a_person_who_opens_right_beside_a_burst_of_others_stays_a_person(story):
    for number in range(8):
        story.click(60 + number / 2, number + 1, address=DEFENDER)
    story.open(67, user_agent=OUTLOOK, address=HOME)

    assert story.verdicts() == ["automated"] * 8 + ["person"]


def test_hours_later_the_same_browser_elsewhere_is_no_part_of_a_burst(story):
    for number in range(4):
        story.click(3 * HOUR + number / 2, number + 1, address=f"20.0.0.{number}")
    story.open(3 * HOUR + 1, address=HOME)

    assert story.verdicts() == ["automated"] * 4 + ["person"]


def test_links_that_are_only_checked_make_no_burst_with_a_click(story):
    for number in range(4):
        story.click(HOUR + number / 10, number + 1, method="HEAD")
    story.click(HOUR + 1, 5)

    assert story.verdicts() == ["automated"] * 4 + ["person"]


def test_a_person_right_after_a_burst_is_news(story):
    seen = [
        story.sight(Kind.CLICK, HOUR + number / 2, target=number + 1, address=DEFENDER).telling
        for number in range(4)
    ]
    person = story.sight(Kind.OPEN, HOUR + 13, user_agent=OUTLOOK)

    assert seen[2]
    assert person.telling


def test_an_address_that_stays_busy_is_told_of_once_a_minute(story):
    crowds = [
        story.sight(Kind.CLICK, HOUR + number, message=number + 1, address="203.0.113.50").crowd
        for number in range(59)
    ]

    assert sum(bool(crowd) for crowd in crowds) == 1
    assert len(crowds[RULES.windows.address_messages - 1]) == RULES.windows.address_messages - 1


def test_addresses_of_a_local_network_are_everybodys(story):
    for number in range(40):
        story.click(HOUR + number, message=number + 1, address="10.0.0.4")

    assert all(story.verdicts(number + 1) == ["person"] for number in range(40))


def test_of_IPv6_a_whole_line_is_one_address(story):
    for number in range(40):
        story.click(HOUR + number / 2, message=number + 1, address=f"2001:db8::{number + 1:x}")

    assert story.verdicts(40) == ["automated"]


def test_a_click_tells_of_an_open_that_is_always_the_same_one(story):
    story.click(HOUR)
    story.view(HOUR + 5)
    (inferred,) = inferred_opens(story.judged())
    (again,) = inferred_opens(list(reversed(story.judged())))

    assert inferred == again
    assert inferred.judgement.reasons == (INFERRED,)
    assert inferred.judgement.verdict is Verdict.PERSON
    assert inferred.evidence.at == story.judged()[0].evidence.at


def test_a_person_a_moment_after_a_scanner_is_told_of_at_once(story):
    tokens = Story()
    seen = [
        tokens.sight(kind, after, user_agent=user_agent).telling
        for kind, after, user_agent in (
            (Kind.OPEN, 20, "python-requests/2.32"),
            (Kind.OPEN, 25, CHROME),
            (Kind.OPEN, 30, CHROME),
            (Kind.CLICK, 31, CHROME),
            (Kind.OPEN, 90, CHROME),
        )
    ]

    # Once a minute: what comes meanwhile is seen with it.
    assert seen == [False, True, False, False, True]


def test_a_machines_click_tells_of_no_open(story):
    story.click(2, address=PROTECTION)

    assert inferred_opens(story.judged()) == []
