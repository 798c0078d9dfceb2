"""Rate limits (S14): of organizations, and of strangers whose tokens and keys are wrong."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from deployment import ADMIN_KEY, Deployment, ok
from entra_fake import KIM
from problem import assert_problem
from strangers import IMAGE, flipped, path, token
from told import metrics

from engagement.functions.public import NOT_FOUND, TOO_MANY
from engagement.services.limiting import KINDS
from engagement.services.tallying import Tally

CALLS, MISTAKES = 12, 3
PUBLIC_ROUTES = ["pixel", "link", "file"]


class Clock:
    """A clock that stands still until it is set; each test begins in a minute of its own."""

    def __init__(self):
        # As for what is sent: links must not be of a time to come.
        self.now = datetime.now(UTC).replace(second=10, microsecond=0) - timedelta(days=1)

    def __call__(self):
        return self.now

    def next_minute(self):
        self.now += timedelta(minutes=1)


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def limited(environment, clock):
    """A deployment with limits."""
    limits = {"ENGAGEMENT_API_LIMIT": str(CALLS), "ENGAGEMENT_BAD_TOKEN_LIMIT": str(MISTAKES)}
    with Deployment({**environment, **limits}, clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def message(limited):
    """A message with a pixel, a link and a followed file."""
    return limited.new_crm().sent_with_attachment()


@pytest.fixture(autouse=True)
def _fresh_minute(clock, message):
    clock.next_minute()


def bad(url):
    """Path of a tracked URL whose token is wrong."""
    return path(url).replace(token(url), flipped(token(url)))


def ask(deployment, url, source="203.0.113.7", method="GET"):
    """Fetch *url* from an address, by what the proxy in front says of it."""
    return deployment.request(
        method, url, headers={"X-Forwarded-For": source}, follow_redirects=False
    )


def spend(deployment, url, source="203.0.113.7"):
    """Show bad tokens until the limit is reached."""
    answers = [ask(deployment, bad(url), source) for _ in range(MISTAKES)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, NOT_FOUND)}


@pytest.mark.parametrize("route", ["link", "file"])
def test_S14_bad_tokens_of_a_source_are_limited(limited, message, route):
    spend(limited, getattr(message, route))

    refused = ask(limited, bad(getattr(message, route)))

    assert (refused.status_code, refused.content) == (429, TOO_MANY)
    assert refused.headers["retry-after"] == "50"
    assert refused.headers["cache-control"] == "no-store, private"
    assert "default-src 'none'" in refused.headers["content-security-policy"]
    # Another source, and the same one in the next minute, are served as ever.
    assert ask(limited, bad(message.link), "203.0.113.8").status_code == 404


def test_S14_operators_are_told_that_a_limit_was_met_once_a_minute(limited, message, caplog):
    caplog.set_level(logging.INFO)
    limited.services.limiting.tally = Tally()
    spend(limited, message.link)
    for _ in range(5):
        ask(limited, bad(message.link))

    (line,) = metrics(caplog, "limited")
    assert {kind: line[kind] for kind in KINDS} == {"calls": 0, "bad_tokens": 1, "refusals": 0}


def test_S14_the_next_minute_begins_anew(limited, message, clock):
    spend(limited, message.link)
    assert ask(limited, bad(message.link)).status_code == 429
    clock.next_minute()
    spend(limited, message.link)


def test_S14_every_bad_token_is_refused_alike(limited, message):
    spend(limited, message.link)
    answers = [
        ask(limited, url)
        for url in (bad(message.link), bad(message.file), "/c/x", f"/c/{token(message.pixel)}")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(429, TOO_MANY)}


def test_S14_good_tokens_of_a_limited_source_are_always_served(limited, message):
    spend(limited, message.link)

    for _ in range(MISTAKES + 1):
        assert ask(limited, message.link).status_code == 302
        assert ask(limited, message.file).status_code == 200
        assert ask(limited, message.pixel).content == IMAGE
    assert ask(limited, bad(message.link)).status_code == 429


def test_S14_the_pixel_is_answered_with_its_image_whatever_the_limit(limited, message):
    for _ in range(MISTAKES + 2):
        answer = ask(limited, bad(message.pixel))
        assert (answer.status_code, answer.content) == (200, IMAGE)
    # Its bad tokens count too.
    assert ask(limited, bad(message.link)).status_code == 429


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_S14_rotating_the_clients_part_of_x_forwarded_for_does_not_evade(limited, message, method):
    def attempt(number):
        made_up = f"198.51.100.{number}, 10.0.0.{number}, 203.0.113.7"
        return ask(limited, bad(message.link), made_up, method).status_code

    answers = [attempt(number) for number in range(MISTAKES + 3)]

    assert answers == [404] * MISTAKES + [429] * 3


@pytest.mark.parametrize("shape", ["2001:db8:0:1::{:x}", "[2001:db8:0:1:{:x}::1]:443"])
def test_S14_the_addresses_of_one_line_are_one_source(limited, message, shape):
    answers = [
        ask(limited, bad(message.link), shape.format(number)).status_code
        for number in range(1, MISTAKES + 2)
    ]
    assert answers == [404] * MISTAKES + [429]
    assert ask(limited, bad(message.link), "2001:db8:0:2::1").status_code == 404


def test_S14_where_nobody_tells_an_address_all_are_one_source(limited, message):
    answers = [
        ask(limited, bad(message.link), source).status_code
        for source in ("unknown", "", "not-an-address", "203.0.113.7.8")
    ]
    assert answers == [404] * MISTAKES + [429]


def test_S14_calls_of_an_organization_are_limited(limited, clock):
    crm, other = limited.new_crm(), limited.new_crm()
    clock.next_minute()
    for _ in range(CALLS):
        ok(crm.call("GET", "/messages"))

    refused = crm.call("POST", "/messages", json={})

    assert_problem(refused, 429)
    assert refused.headers["retry-after"] == "50"
    ok(other.call("GET", "/messages"))
    # Nor does its own limit keep an organization's readers from their links, or its administrator.
    ok(limited.admin("GET", f"/organizations/{crm.organization_id}/settings"))
    clock.next_minute()
    ok(crm.call("GET", "/messages"))


def test_S14_the_limit_of_an_organization_is_one_for_all_its_keys_and_addresses(limited, clock):
    crm = limited.new_crm()
    key = ok(crm.call("POST", "/api-keys"))["api_key"]
    clock.next_minute()
    answers = [
        crm.call(
            "GET",
            "/messages",
            headers={
                "X-Api-Key": (key, crm.api_key)[number % 2],
                "X-Forwarded-For": f"203.0.113.{number}",
            },
        ).status_code
        for number in range(CALLS + 1)
    ]
    assert answers == [200] * CALLS + [429]


def test_S14_strangers_do_not_spend_what_an_organization_may_call(limited, clock):
    crm = limited.new_crm()
    clock.next_minute()
    for number in range(CALLS + 1):
        headers = {"X-Api-Key": crm.api_key[:-4] + "AAAA", "X-Forwarded-For": f"10.1.1.{number}"}
        assert_problem(crm.call("GET", "/messages", headers=headers), 401)
    ok(crm.call("GET", "/messages"))


WRONG_KEYS = {
    "none": "",
    "an organization's": "eng_00000000_" + "A" * 43,
    "the administrator's": ADMIN_KEY + "x",
}


@pytest.mark.parametrize("wrong", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_S14_calls_that_show_no_valid_key_are_limited_by_their_source(limited, message, wrong):
    def call(key, source="203.0.113.9"):
        return message.crm.call(
            "GET", "/settings", headers={"X-Api-Key": key, "X-Forwarded-For": f"1.2.3.4, {source}"}
        )

    for _ in range(MISTAKES):
        assert_problem(call(wrong), 401)
    refused = call(wrong)

    assert_problem(refused, 429)
    assert refused.headers["retry-after"] == "50"
    assert_problem(call(wrong, "203.0.113.10"), 401)
    # Whoever shares the address and has a key is served.
    ok(call(message.crm.api_key))
    # Nobody learns there whether it was the administrator's: people may have chosen it.
    assert_problem(call(ADMIN_KEY), 429)
    ok(call(ADMIN_KEY, "203.0.113.10"))


def test_S14_wrong_keys_and_bad_tokens_are_counted_apart(limited, message):
    spend(limited, message.link, "203.0.113.11")
    headers = {"X-Api-Key": "x", "X-Forwarded-For": "203.0.113.11"}
    assert_problem(message.crm.call("GET", "/settings", headers=headers), 401)


def test_S14_the_public_surface_by_itself_limits_too(environment, message, clock):
    more = {"ENGAGEMENT_SURFACE": "public", "ENGAGEMENT_BAD_TOKEN_LIMIT": "1"}
    with Deployment({**environment, **more}, clock=clock) as public:
        assert ask(public, bad(message.link)).status_code == 404
        assert ask(public, bad(message.link)).status_code == 429
        assert ask(public, message.link).status_code == 302


def test_S14_what_is_not_a_sellers_own_counts_as_a_call_too(environment, tenant, clock, as_kim):
    settings = tenant.settings(ENGAGEMENT_API_LIMIT=str(CALLS))
    with Deployment({**environment, **settings}, clock=clock) as running:
        crm = running.new_crm()
        crm.set({"sign_in": {"users": [KIM]}})
        clock.next_minute()

        def call(path):
            url = f"{running.url}/api/v1/organizations/{crm.organization_id}{path}"
            return running.http.get(url, headers=as_kim).status_code

        unknown = [call(f"/messages/{'0' * 24}") for _ in range(CALLS // 2)]
        others = [call("/messages?sender=u-17") for _ in range(CALLS // 2)]

        assert set(unknown) == {404}
        assert set(others) == {403}
        assert call(f"/messages/{'0' * 24}") == 429
        assert call(f"/messages?sender={KIM}") == 429
