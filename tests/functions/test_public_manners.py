"""Manners of the public surface: methods, headers, and one neutral answer (S1, S12, S13)."""

from __future__ import annotations

import base64

import pytest
from deployment import Deployment
from strangers import (
    BROWSER,
    IMAGE,
    SIGNER,
    facts,
    flipped,
    forget,
    interactions,
    path,
    raw,
    said,
    signed,
    token,
    verdicts,
)

from engagement.domain.tracking.tracking_token import Kind, TokenSigner
from engagement.functions.public import NOT_FOUND

ROUTES = ["pixel", "link", "file"]
KINDS = {"pixel": Kind.OPEN, "link": Kind.CLICK, "file": Kind.ATTACHMENT}


@pytest.fixture(scope="module")
def shared(deployment):
    """A message with a pixel, a link and a followed file."""
    return deployment.new_crm().sent_with_attachment()


@pytest.fixture
def message(shared):
    """That message, as if it had just been sent."""
    return forget(shared)


@pytest.fixture(scope="module")
def untouched(deployment):
    """A message that stays without interactions."""
    return deployment.new_crm().sent_with_attachment()


def with_token(url, text):
    """Return the path of a tracked URL with another token in it."""
    return path(url).replace(token(url), text)


def with_bit_flipped(text, bit):
    """Return a token with one of its bits changed."""
    changed = bytearray(base64.urlsafe_b64decode(text))
    changed[bit // 8] ^= 1 << bit % 8
    return base64.urlsafe_b64encode(changed).decode()


# S12


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("text", ["valid", "wrong"])
def test_S12_every_answer_is_private_silent_and_sets_nothing(
    route, method, text, deployment, message
):
    url = getattr(message, route)
    target = path(url) if text == "valid" else with_token(url, flipped(token(url)))
    answer = raw(deployment, method, target, BROWSER, "Cookie: a=b", "Origin: https://x.example")

    assert answer.header("cache-control") == "no-store, private"
    assert answer.header("referrer-policy") == "no-referrer"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-robots-tag") == "noindex, nofollow"
    told = {name for name, _ in answer.headers}
    assert not told & {"set-cookie", "server", "x-powered-by", "etag", "last-modified", "vary"}
    assert not [name for name in told if name.startswith("access-control")]


def test_S12_the_neutral_page_says_nothing_of_the_inside(deployment):
    answer = deployment.get("/c/x")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for word in ("Traceback", "engagement", "azure", "token", "<script", "http://", "https://"):
        assert word.lower() not in answer.text.lower()


def test_S12_robots_are_asked_to_stay_away(deployment):
    answer = deployment.get("/robots.txt")
    head = deployment.request("HEAD", "/robots.txt")

    assert (answer.status_code, answer.text) == (200, "User-agent: *\nDisallow: /\n")
    assert answer.headers["content-type"].startswith("text/plain")
    assert facts(head)[:2] == facts(answer)[:2]


# S13


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_S13_other_methods_are_told_which_ones_there_are(route, method, deployment, untouched):
    url = getattr(untouched, route)
    answer = deployment.request(method, url)
    wrong = deployment.request(method, with_token(url, flipped(token(url))))

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.content == b""
    # Nor does the method tell whether a token is good.
    assert facts(answer) == facts(wrong)
    assert untouched.timeline == []


STRANGE = ["TRACE", "CONNECT", "PROPFIND", "BREW", "get", "Get", "head", "GETX", "X" * 1_000]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", STRANGE)
def test_S13_strange_methods_get_no_answer_of_ours_and_count_nothing(
    route, method, deployment, untouched
):
    answer = raw(deployment, method, path(getattr(untouched, route)), "X-Secret: mirrored")

    assert answer.status in (400, 404, 405, 501)
    assert b"mirrored" not in answer.body
    assert answer.header("location") is None
    assert untouched.timeline == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_S13_robots_txt_can_only_be_read(method, deployment):
    answer = deployment.request(method, "/robots.txt")

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method"])
def test_S13_no_header_makes_another_method_of_one(override, deployment, message):
    post = raw(deployment, "POST", path(message.link), f"{override}: GET", "Content-Length: 0")
    got = raw(deployment, "GET", path(message.link), f"{override}: DELETE", BROWSER)

    assert (post.status, got.status) == (405, 302)
    assert verdicts(message) == [("click", "person", "")]


@pytest.mark.parametrize("route", ROUTES)
def test_S13_HEAD_is_answered_like_GET_and_is_never_a_person(route, deployment, message):
    url = getattr(message, route)
    head, got = deployment.request("HEAD", url), deployment.get(url)

    assert head.content == b""
    assert facts(head)[:2] == facts(got)[:2]
    assert [(x["verdict"], x["reasons"]) for x in interactions(message)] == [
        ("person", ""),
        ("automated", "method"),
    ]


@pytest.mark.parametrize("route", ROUTES)
def test_S13_a_GET_with_a_body_is_a_GET(route, deployment, message):
    answer = deployment.request("GET", getattr(message, route), content=b"x" * 100_000)

    assert answer.status_code in (200, 302)
    assert len(interactions(message)) == 1


@pytest.mark.parametrize("route", ROUTES)
def test_S13_repeated_headers_are_borne(route, deployment, message):
    twice = [BROWSER, "User-Agent: Other", "Accept: */*", "Accept: image/*", "Purpose: x"] * 2
    answer = raw(deployment, "GET", path(getattr(message, route)), *twice)

    assert answer.status in (200, 302)
    assert [row["verdict"] for row in interactions(message)] == ["person"]


# One neutral answer


def wrong_tokens(text, kind):
    """Name the ways in which a token may be no good."""
    raw_token = base64.urlsafe_b64decode(text)
    other = next(x for x in Kind if x is not kind)
    known = SIGNER.verify(text, kind)
    return {
        "malformed": "x",
        "too long": text * 2,
        "flipped": flipped(text),
        "padded": text + "%3D",
        "other kind": signed(other, f"/{'oca'[list(Kind).index(kind)]}/{text}"),
        "removed key": TokenSigner({9: b"x" * 32}).sign(known),
        "other key": TokenSigner({1: b"x" * 32}).sign(known),
        "other version": base64.urlsafe_b64encode(b"\1" + raw_token[1:]).decode(),
        "unknown organization": changed(text, kind, organization="00" * 8),
        "unknown message": changed(text, kind, message_id="00" * 12),
        "unknown target": changed(text, kind, target=99),
        "no target": changed(text, kind, target=0),
    }


def changed(text, kind, **changes):
    """Sign what a token says, with changes."""
    return signed(kind, f"/{'oca'[list(Kind).index(kind)]}/{text}", **changes)


def test_S1_S12_whatever_is_wrong_clicks_and_downloads_get_one_answer(deployment, untouched):
    answers = {}
    for route in ("link", "file"):
        url = getattr(untouched, route)
        for name, text in wrong_tokens(token(url), KINDS[route]).items():
            answers[route, name] = facts(raw(deployment, "GET", with_token(url, text), BROWSER))

    expected = answers["link", "malformed"]
    assert (expected[0], expected[2]) == (404, NOT_FOUND)
    assert {case for case, answer in answers.items() if answer != expected} == set()
    assert untouched.timeline == []


@pytest.mark.parametrize("route", ["link", "file"])
def test_S1_a_deleted_organization_and_a_removed_key_get_that_answer_too(
    route, environment, deployment, crm
):
    message = crm.sent_with_attachment()
    expected = facts(deployment.get("/c/x"))
    key = base64.urlsafe_b64encode(b"z" * 32).decode()
    with Deployment({**environment, "ENGAGEMENT_SIGNING_KEYS": f"2:{key}"}) as rotated:
        assert facts(rotated.get(getattr(message, route))) == expected
    deployment.admin("DELETE", f"/organizations/{crm.organization_id}")

    assert facts(deployment.get(getattr(message, route))) == expected


@pytest.mark.parametrize("route", ROUTES)
def test_S1_no_token_with_a_bit_flipped_gets_anything(route, deployment, untouched):
    url = getattr(untouched, route)
    expected = facts(deployment.get(with_token(url, "x")))
    bits = range(0, 336, 7)  # each byte, and each place within a byte
    answers = [
        facts(deployment.get(with_token(url, with_bit_flipped(token(url), bit)))) for bit in bits
    ]

    assert answers == [expected] * len(bits)
    assert untouched.timeline == []


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("used", ROUTES)
def test_S1_a_token_is_good_on_its_own_route_only(route, used, deployment, message):
    text = signed(KINDS[route], getattr(message, route))
    answer = deployment.get(with_token(getattr(message, used), text))

    good = used == route
    expected = 200 if used == "pixel" or (good and used == "file") else 302 if good else 404
    assert answer.status_code == expected
    assert len(interactions(message)) == good


@pytest.mark.parametrize("route", ROUTES)
def test_S1_after_a_rotation_old_tokens_work_and_new_ones_are_signed_anew(
    route, environment, deployment, message
):
    keys = environment["ENGAGEMENT_SIGNING_KEYS"]
    key = base64.urlsafe_b64encode(b"n" * 32).decode()
    with Deployment({**environment, "ENGAGEMENT_SIGNING_KEYS": f"{keys},2:{key}"}) as rotated:
        assert rotated.get(getattr(message, route)).status_code in (200, 302)
        newer = rotated.new_crm().sent_with_attachment()
        url = getattr(newer, route)
        assert rotated.get(url).status_code in (200, 302)
        assert base64.urlsafe_b64decode(token(url))[1] == 2
        # An instance that does not have the new key yet answers, and says nothing.
        answer = deployment.get(url)
        assert answer.content == (IMAGE if route == "pixel" else NOT_FOUND)
        assert len(newer.acts()) == 1
    assert len(interactions(message)) == 1


def test_S1_two_organizations_with_all_the_same_ids_share_nothing(deployment, message, untouched):
    mine, others = said(message.link), said(untouched.link)
    assert (mine.recipient, mine.target) == (others.recipient, others.target)
    crossed = signed(Kind.CLICK, message.link, organization=others.organization)

    assert deployment.get(f"/c/{crossed}").content == NOT_FOUND
    assert message.timeline == untouched.timeline == []


def test_S12_outside_its_routes_there_is_nothing(deployment):
    for target in ("/", "/index.html", "/o", "/c", "/a", "/c/x/y", "/.env", "/.git/config", "/p/x"):
        answer = raw(deployment, "GET", target)
        assert (answer.status, answer.body) == (404, b""), target
        assert answer.header("server") is None
