"""The classifier: pure, total, and of the opinion that its rules are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sightings import (
    APPLE,
    BARE_WEBKIT,
    CHROME,
    GMAIL,
    GMAIL_SCAN,
    OUTLOOK,
    RULES,
    SAFARI,
    SENT,
    SIGNER,
)

from engagement.domain.tracking.tracking_token import Kind, TrackingToken
from engagement.domain.verdicts.classifier import classify
from engagement.domain.verdicts.client_address import TrustedProxies
from engagement.domain.verdicts.context import Context
from engagement.domain.verdicts.evidence import (
    Evidence,
    InteractionType,
    announced,
    printable_user_agent,
    seconds_since,
)
from engagement.domain.verdicts.observer import Hit, Observer
from engagement.domain.verdicts.verdict import Verdict, Via

OPEN, CLICK, VIEW = (
    InteractionType.OPEN,
    InteractionType.CLICK,
    InteractionType.ATTACHMENT_VIEW,
)
HOUR = 3600


def judged(user_agent, kind=OPEN, **more):
    """Judge a hit an hour after the hand-over."""
    fields = {"after_seconds": HOUR, **more}
    return classify(Evidence(type=kind, at=SENT, user_agent=user_agent, **fields), RULES)


FAMILIAR = {
    "Outlook": OUTLOOK,
    "Outlook, old": (
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; "
        ".NET4.0E; Microsoft Outlook 16.0.17928; ms-office; MSOffice 16)"
    ),
    "Outlook for iOS": "Outlook-iOS/711.2620504.prod.iphone (4.28.0)",
    "Outlook for Android": "Outlook-Android/2.0",
    "Outlook for Mac": "MacOutlook/16.78.23100802 (Intelx64 Mac OS X Version 14.1 (Build 23B74))",
    "Thunderbird": ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0"),
    "Apple Mail": BARE_WEBKIT,
    "Chrome": CHROME,
    "Safari": SAFARI,
    "Firefox": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Edge": f"{CHROME} Edg/141.0.0.0",
    "Samsung": (
        "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 "
        "(KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"
    ),
    "a phone by CUBOT": (
        "Mozilla/5.0 (Linux; Android 12; CUBOT KINGKONG 7) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36"
    ),
    "a browser nobody knows": (
        "Mozilla/5.0 (Haiku; x86_64) AppleWebKit/620.1 (KHTML, like Gecko) WebPositive/1.3"
    ),
}


@pytest.mark.parametrize("kind", [OPEN, CLICK, VIEW])
@pytest.mark.parametrize("user_agent", FAMILIAR.values(), ids=FAMILIAR)
def test_what_people_use_is_a_person_that_came_directly(user_agent, kind):
    judgement = judged(user_agent, kind)

    assert (judgement.verdict, judgement.via) == (Verdict.PERSON, Via.DIRECT)
    assert judgement.reasons == ()


PROXIES = {
    "Gmail": (GMAIL, "Gmail"),
    "Yahoo": (
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Yahoo Mail",
    ),
    "Seznam": ("Mozilla/5.0 (compatible; SeznamEmailProxy/2.0)", "Seznam Email"),
    "Fastmail": ("FastmailUA/1.0", "Fastmail"),
}


@pytest.mark.parametrize(("user_agent", "client"), PROXIES.values(), ids=PROXIES)
def test_an_image_proxy_opens_for_people_and_selects_no_links(user_agent, client):
    opened, clicked = judged(user_agent), judged(user_agent, CLICK)
    early = judged(user_agent, after_seconds=2)

    assert (opened.verdict, opened.via, opened.client) == (
        Verdict.PERSON,
        Via.IMAGE_PROXY,
        client,
    )
    assert clicked.verdict is Verdict.AUTOMATED
    assert (early.verdict, early.reasons) == (Verdict.AUTOMATED, ("delivery_window",))


@pytest.mark.parametrize("after", [0, 30, HOUR, 30 * 86_400, None])
def test_apples_privacy_protection_cannot_be_known_whenever_it_comes(after):
    opened = judged(APPLE, after_seconds=after)

    assert (opened.verdict, opened.via) == (Verdict.UNSURE, Via.PRIVACY_RELAY)
    assert judged(APPLE, CLICK, after_seconds=after).verdict is Verdict.AUTOMATED


MACHINES = {
    "Gmail's scan": GMAIL_SCAN,
    "requests": "python-requests/2.32.3",
    "httpx": "python-httpx/0.28.1",
    "Go": "Go-http-client/2.0",
    "curl": "curl/8.5.0",
    "Java": "Java/17.0.9",
    "okhttp, as a link checker": "Apache-HttpClient/5.3 (Java/17.0.9)",
    "node": "axios/1.7.2",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Teams": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "WhatsApp": "WhatsApp/2.23.20.0",
    "Facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitter": "Twitterbot/1.0",
    "Telegram": "TelegramBot (like TwitterBot)",
    "LinkedIn": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Discord": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Bing": f"{CHROME} BingPreview/1.0b",
    "a crawler": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "a crawler of the list only": "Mediatoolkitbot (complaints@mediatoolkit.com)",
    "UptimeRobot": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "headless": CHROME.replace("Chrome/", "HeadlessChrome/"),
    "Barracuda": "BarracudaCentral/1.0",
    "a browser that is extinct": "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "a browser that breaks off": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
}


@pytest.mark.parametrize("kind", [OPEN, CLICK, VIEW])
@pytest.mark.parametrize("user_agent", MACHINES.values(), ids=MACHINES)
def test_what_names_itself_a_machine_is_one(user_agent, kind):
    judgement = judged(user_agent, kind)

    assert judgement.verdict is Verdict.AUTOMATED
    assert judgement.reasons


@pytest.mark.parametrize(
    "user_agent",
    [
        "-",
        "x",
        "1234567",
        "<script>alert(1)</script>",
        "() { :; }; /bin/true",
        "🦊" * 20,
        "x" * 9000,
    ],
)
@pytest.mark.parametrize("kind", [OPEN, CLICK])
def test_B21_an_absurd_user_agent_is_a_machines(user_agent, kind):
    judgement = judged(printable_user_agent(user_agent), kind)

    assert (judgement.verdict, judgement.reasons) == (Verdict.AUTOMATED, ("absurd_user_agent",))


def test_B21_without_a_user_agent_it_is_a_machine():
    assert judged(None).reasons == ("no_user_agent",)


def test_a_stranger_cannot_be_known_when_it_opens_and_is_a_machine_when_it_selects():
    assert judged("AcmeMail/3.1").verdict is Verdict.UNSURE
    assert judged("AcmeMail/3.1", CLICK).reasons == ("unfamiliar_user_agent",)


def test_a_rule_that_is_off_gives_way_to_the_next():
    crawler = Evidence(type=CLICK, at=SENT, user_agent="Mediatoolkitx 1.0", after_seconds=HOUR)
    absurd = Evidence(type=CLICK, at=SENT, user_agent="<b>", after_seconds=HOUR)
    off = replace(RULES, off=frozenset({"absurd_user_agent", "known_crawler"}))

    assert classify(absurd, RULES).reasons == ("absurd_user_agent",)
    assert classify(absurd, off).reasons == ("unfamiliar_user_agent",)
    assert classify(crawler, off).reasons == ("unfamiliar_user_agent",)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PROPFIND"])
def test_what_is_no_GET_is_a_machines(method):
    assert judged(CHROME, method=method).reasons == ("method",)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"sec-purpose": "prefetch"}, True),
        ({"sec-purpose": "prefetch;prerender"}, True),
        ({"sec-purpose": "prefetch;anonymous-client-ip"}, True),
        ({"purpose": "Prefetch"}, True),
        ({"x-purpose": "preview"}, True),
        ({"x-moz": "prefetch"}, True),
        ({"sec-purpose": "navigate"}, False),
        ({}, False),
    ],
)
def test_B23_a_prefetch_that_says_so_is_a_machines(headers, found):
    assert announced(headers) is found
    assert (judged(CHROME, announced=announced(headers)).reasons == ("prefetch",)) is found


def test_a_network_that_is_certain_holds_at_any_time_and_a_probable_one_soon_only():
    late = {"after_seconds": 30 * 86_400}
    assert judged(CHROME, network="microsoft_365_protection", **late).verdict is Verdict.AUTOMATED
    assert judged(CHROME, network="proofpoint", **late).verdict is Verdict.PERSON
    assert judged(CHROME, network="proofpoint", after_seconds=60).reasons == ("proofpoint",)
    assert judged(CHROME, network="proofpoint", after_seconds=None).verdict is Verdict.PERSON


def test_opens_and_clicks_are_judged_differently():
    web = judged(CHROME, network="exchange_online")
    cloud = {"network": "microsoft_cloud", "after_seconds": 60}

    assert (web.verdict, web.via) == (Verdict.PERSON, Via.IMAGE_PROXY)
    assert judged(CHROME, **cloud).verdict is Verdict.PERSON
    assert judged(CHROME, CLICK, **cloud).reasons == ("microsoft_cloud",)


def test_a_network_that_no_rule_knows_any_more_says_nothing():
    assert judged(CHROME, network="was_removed").verdict is Verdict.PERSON


def test_every_reason_is_given():
    evidence = Evidence(
        type=CLICK, at=SENT, method="HEAD", user_agent="curl/8.5.0", after_seconds=1, announced=True
    )

    assert classify(evidence, RULES, Context(burst=True, many_messages=True)).reasons == (
        "method",
        "prefetch",
        "http_libraries",
        "delivery_window",
        "burst",
        "many_messages",
    )


def test_a_verdict_says_by_which_rules_it_was_reached():
    assert judged(CHROME).rules == RULES.version


@given(
    st.builds(
        Evidence,
        type=st.sampled_from([OPEN, CLICK, VIEW]),
        at=st.just(SENT),
        method=st.text(),
        announced=st.booleans(),
        user_agent=st.none() | st.text(),
        network=st.none() | st.text() | st.sampled_from([x.name for x in RULES.networks]),
        actor=st.text(),
        after_seconds=st.none() | st.integers(0),
        messages=st.integers(1),
    ),
    st.builds(Context, st.booleans(), st.booleans()),
)
def test_P5_whatever_the_evidence_is_it_is_judged(evidence, context):
    judgement = classify(evidence, RULES, context)

    assert isinstance(judgement.verdict, Verdict)
    assert isinstance(judgement.via, Via)
    assert judgement.reasons or judgement.verdict is Verdict.PERSON


@given(
    st.dictionaries(
        st.sampled_from(["user-agent", "x-forwarded-for", "sec-purpose", "purpose", "x-azure-fdid"])
        | st.text(),
        st.text() | st.binary().map(lambda data: data.decode("latin-1")),
    ),
    st.text(max_size=20),
    st.sampled_from(Kind),
)
def test_P5_whatever_the_request_holds_it_is_judged(headers, method, kind):
    token = TrackingToken(kind, "0" * 16, "0" * 24, SENT)
    address = TrustedProxies(1).client_address(headers)
    sight = Observer(SIGNER).observe(token, Hit(method, headers, SENT, "00"), address, RULES)

    assert isinstance(sight.judgement.verdict, Verdict)


@given(st.integers(-(10**7), 10**9))
def test_F8_durations_are_never_negative(seconds):
    at = SENT.fromtimestamp(SENT.timestamp() + seconds, SENT.tzinfo)

    after = seconds_since(SENT, at)
    assert after is None if seconds < -5 else after == max(0, seconds)
