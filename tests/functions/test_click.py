"""The redirect: to the stored destination, byte for byte, or to one neutral page (B27 to B39)."""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html import escape
from urllib.parse import urlsplit

import pytest
from deployment import FIREFOX, PUBLIC_URL, draft_of, recipient
from strangers import (
    BROWSER,
    SIGNER,
    address,
    facts,
    flipped,
    interactions,
    path,
    raw,
    said,
    signed,
    table,
    token,
    verdicts,
)

from engagement.domain.tracking.tracking_token import Kind
from engagement.functions.public import NOT_FOUND

OFFER = "https://contoso.example/offer?a=1&b=2"


def linking(urls):
    """Make HTML with a link to each of *urls*."""
    return "".join(f'<a href="{escape(url)}">a link</a>' for url in urls)


def store_link(message, number, url):
    """Write a link row by hand, as old or broken data would have it; returns its tracked path."""
    with table(message) as rows:
        rows.upsert_entity(
            {"PartitionKey": message.id, "RowKey": f"3-link-{number:04d}", "url": url}
        )
    return f"/c/{signed(Kind.CLICK, message.pixel, target=number)}"


def assert_leads_nowhere(answer):
    """Assert that an answer is the one neutral page."""
    assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [
        "?url=https://evil.example",
        "?u=//evil.example&redirect=https:evil.example",
        "?redirect=https%3A%2F%2Fevil.example",
        "?next=%0d%0aLocation:%20https://evil.example",
        "?",
        "?" + "utm_source=junk&" * 200,
        "?Location=https://evil.example#https://evil.example",
    ],
)
def test_B27_S2_what_the_request_adds_changes_no_destination(query, deployment, message):
    answer = raw(deployment, "GET", path(message.link) + query, BROWSER)

    assert (answer.status, answer.header("location")) == (302, OFFER)
    assert verdicts(message) == [("click", "person", "")]


@pytest.mark.parametrize("ending", [".", ")", "%20", "=3D", "%22", ">,", "'", ";", "/", ".)%0d%0a"])
def test_B27_what_linkifiers_leave_behind_does_not_break_a_link(ending, deployment, message):
    answer = raw(deployment, "GET", path(message.link) + ending, BROWSER)

    assert (answer.status, answer.header("location")) == (302, OFFER)
    assert message.kpis["click_count"] == 1


def test_B27_a_header_changes_no_destination(deployment, message):
    headers = ["X-Forwarded-Host: evil.example", "X-Original-URL: https://evil.example", "Referer:"]
    answer = raw(deployment, "GET", path(message.link), *headers, host="Host: evil.example")

    assert answer.header("location") == OFFER


BAD = {
    "B28_CRLF": "https://x.example/\r\nSet-Cookie: a=b",
    "B28_CR": "https://x.example/\rx",
    "B28_LF": "https://x.example/\nx",
    "B28_NUL": "https://x.example/\0",
    "B28_tab": "https://x.example/\tx",
    "B28_tab_first": "\thttps://x.example/",
    "B28_space": "https://x.example/a b",
    "B28_next_line": "https://x.example/\x85",
    "B28_line_separator": "https://x.example/\u2028",
    "B29_javascript": "javascript:alert(1)",
    "B29_mixed_case": "JaVaScRiPt:alert(1)",
    "B29_line_feed": "java\nscript:alert(1)",
    "B29_data": "data:text/html,<script>alert(1)</script>",
    "B29_vbscript": "vbscript:msgbox(1)",
    "B29_file": "file:///etc/passwd",
    "B29_blob": "blob:https://x.example/1",
    "B29_mailto": "mailto:ann@fabrikam.example",
    "B29_nothing": "",
    "B29_relative": "/c/x",
    "B30_no_scheme": "//evil.example",
    "B30_three_slashes": "https:///evil.example",
    "B30_no_slashes": "https:evil.example",
    "B30_one_slash": "https:/evil.example",
    "B30_backslashes": "\\\\evil.example",
    "B30_backslash_at": "https://good.example\\@evil.example",
    "B30_https_backslashes": "https:\\\\evil.example",
    "B31_user_and_password": "https://user:pw@h.example/",
    "B31_user": "https://good.example@evil.example/",
    "B31_nobody": "https://@evil.example/",
    "B32_full_width": "https://ｅｖｉｌ.example/",
    "B32_ideographic_stop": "https://evil。example/",
    "B32_fraction_slash": "https://good.example\u2044evil.example/",
    "B32_right_to_left": "https://good\u202eelpmaxe.example/",
    "B32_right_to_left_path": "https://[\u202e]/",
    "B32_zero_width": "https://e\u200bvil.example/",
    "B33_port": "https://h.example:99999/",
    "B33_port_0": "https://h.example:0/",
    "B33_no_port": "https://h.example:/",
    "B33_no_host": "https://",
    "B33_only_port": "https://:80/",
    "B33_dot": "http://.",
    "B33_bracket": "http://[::1",
    "B34_too_long": "https://x.example/" + "a" * 4_000,
}


@pytest.mark.parametrize(("number", "url"), [*enumerate(BAD.values(), 100)], ids=BAD)
def test_B28_B29_B30_B31_B32_B33_S2_a_bad_stored_destination_is_not_followed_but_reported(
    number, url, deployment, untouched, caplog
):
    tracked = store_link(untouched, number, url)
    answer = deployment.get(tracked)

    assert_leads_nowhere(answer)
    assert facts(answer) == facts(deployment.get("/c/x"))
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [json.loads(record.getMessage())["event"] for record in errors] == ["link_forbidden"]
    assert untouched.timeline == []


FINE = [
    "https://contoso.example",
    "http://contoso.example/",
    "HTTPS://Contoso.Example/Path",
    "https://contoso.example?a=1&b=2&amp;c=3",
    "https://contoso.example/?a=1&copy=2&lt=3&#60;",
    "https://contoso.example/a;b=c;d?e;f",
    "https://contoso.example/#fragment?not=a&query",
    "https://contoso.example/#/route/%23",
    "https://contoso.example/%2F%2f%00%ff%zz%",
    "https://contoso.example/%252F?u=https%3A%2F%2Fx.example%2F%3Fy%3D1",
    "https://contoso.example/a+b%20c?d+e",
    "https://contoso.example/./../x//y/",
    "https://contoso.example/?next=https://evil.example",
    "https://contoso.example/@user:pw@x",
    "https://contoso.example/'()*!$,[]|^`\"<>",
    "https://contoso.example:8443/",
    "https://[2001:db8::1]:443/x",
    "https://203.0.113.7/",
    "https://contoso.example./",
    "https://a_b.contoso.example/",
    "https://xn--bcher-kva.example/",
    "https://contoso.example/?" + "a" * 1_974,
]


def test_B34_S2_a_destination_comes_back_byte_for_byte(seller, deployment):
    message = seller.sent(html_body=linking(FINE))

    assert [deployment.get(url).headers["location"] for url in message.urls("c")] == FINE
    assert [link["url"] for link in seller.message(message.id)["links"]] == FINE


def test_B34_a_destination_in_plain_text_comes_back_byte_for_byte(seller, deployment):
    urls = [url for url in FINE if not set(url) & set("'()[]\"<>!")]
    message = seller.sent(html_body=None, text_body="\n".join(f"<{url}>" for url in urls))
    lines = message.value["copies"][0]["text_body"].splitlines()
    tracked = [line.strip("<>") for line in lines if f"{PUBLIC_URL}/c/" in line]

    assert [deployment.get(url).headers["location"] for url in tracked] == urls


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://аpple.example/", "https://xn--pple-43d.example/"),
        ("https://日本.example/日本?q=é#ü", None),
    ],
)
def test_B32_B34_what_is_not_ASCII_is_written_so_that_a_header_can_hold_it(
    url, location, seller, deployment
):
    message = seller.sent(html_body=linking([url]))
    expected = "https://xn--wgv71a.example/%E6%97%A5%E6%9C%AC?q=%C3%A9#%C3%BC"

    assert deployment.get(message.link).headers["location"] == (location or expected)


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/?" + "a" * 4_000,
        "https://user:pw@x.example/",
        "https://h.example:99999/",
        "https://ｅｖｉｌ.example/",
        "https:///evil.example",
        "https://good.example\\@evil.example",
    ],
)
def test_B30_B31_B32_B33_B34_a_bad_link_is_refused_before_anything_is_sent(url, seller):
    draft = draft_of(html_body=linking([OFFER, url]))
    answer = seller.call("POST", "/messages", json=draft)

    assert (answer.status_code, answer.json()["field"]) == (422, "html_body")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "#x"])
def test_B29_B30_what_is_no_web_link_is_left_as_it_is(url, seller):
    message = seller.sent(html_body=linking([url]))

    assert linking([url]) in message.html
    assert message.urls("c") == []


class Destination(http.server.BaseHTTPRequestHandler):
    """A web server that keeps the request lines it gets."""

    def do_GET(self):
        """Keep the target."""
        self.server.seen.append(self.requestline.split(" ")[1])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def destination():
    """A real web server to arrive at."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Destination) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_S2_B34_whoever_follows_the_redirect_asks_for_exactly_what_was_linked(
    seller, deployment, destination
):
    targets = [urlsplit(url)._replace(scheme="", netloc="", fragment="") for url in FINE]
    wanted = [target.geturl() for target in targets if target.path.startswith("/")]
    base = f"http://127.0.0.1:{destination.server_port}"
    message = seller.sent(html_body=linking([base + target for target in wanted]))

    for url in message.urls("c"):
        location = deployment.get(url).headers["location"]
        assert location.startswith(base)
        with socket.create_connection(destination.server_address) as connection:
            target = location.removeprefix(base)
            connection.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())
            assert connection.recv(100)
    # BaseHTTPRequestHandler shows a target as it came.
    assert destination.seen == wanted


def test_B35_a_quoted_tracked_link_is_resolved_when_it_is_sent_again(seller, deployment, message):
    answer = seller.sent(html_body=linking([message.link, OFFER]), text_body=f"<{message.link}>")
    again = seller.sent(html_body=linking([answer.link]))

    assert [link["url"] for link in seller.message(answer.id)["links"]] == [OFFER] * 3
    assert [link["url"] for link in seller.message(again.id)["links"]] == [OFFER]
    assert message.link not in answer.html
    assert deployment.get(answer.link).headers["location"] == OFFER
    assert deployment.get(again.link).headers["location"] == OFFER
    assert [x.kpis["click_count"] for x in (message, answer, again)] == [0, 1, 1]


def test_B35_an_own_url_that_leads_nowhere_is_left_as_it_is(seller, deployment, message):
    stranger = deployment.new_crm().sent_with_attachment()
    with table(message) as rows:
        # Even if an id were the same in both, the other organization's link is not ours.
        row = {"PartitionKey": stranger.id, "RowKey": "3-link-0001", "url": OFFER}
        rows.upsert_entity(row)
    left = [
        stranger.link,
        stranger.file,
        f"{PUBLIC_URL}/c/{flipped(token(message.link))}",
        f"{PUBLIC_URL}/c/x",
        f"{PUBLIC_URL}/c/{signed(Kind.CLICK, message.link, target=9)}",
        f"{PUBLIC_URL}/c/{signed(Kind.CLICK, message.link, message_id='00' * 12)}",
    ]
    answer = seller.sent(html_body=linking(left))

    assert [url for url in left if linking([url]) not in answer.html] == []
    assert seller.message(answer.id)["links"] == []


def test_B35_a_quoted_message_brings_no_opens_and_clicks_to_the_earlier_one(
    seller, deployment, message
):
    answer = seller.sent(html_body=f"<p>I agree.</p><blockquote>{message.html}</blockquote>")
    for url in {*answer.urls("o"), *answer.urls("c")}:
        deployment.get(url)

    assert message.timeline == []
    assert [row["type"] for row in interactions(answer)] in (["click", "open"], ["open", "click"])


def test_B36_a_link_whose_row_is_gone_leads_nowhere(deployment, untouched):
    tracked = store_link(untouched, 90, OFFER)
    with table(untouched) as rows:
        rows.delete_entity(untouched.id, "3-link-0090")

    answer = deployment.get(tracked)
    assert_leads_nowhere(answer)
    assert facts(answer) == facts(deployment.get("/c/x"))
    assert untouched.timeline == []


def test_B36_a_link_of_a_deleted_organization_leads_nowhere(deployment, crm):
    message = crm.sent()
    deployment.admin("DELETE", f"/organizations/{crm.organization_id}")

    assert_leads_nowhere(deployment.get(message.link))


def test_B37_each_of_1000_clicks_at_once_is_answered_and_counted_once(deployment, seller):
    message = seller.sent()
    answers = []

    def click_often(times):
        with closing(http.client.HTTPConnection(*address(deployment), timeout=60)) as connection:
            for _ in range(times):
                connection.request("GET", path(message.link), headers={"User-Agent": FIREFOX})
                with connection.getresponse() as answer:
                    answers.append((answer.status, answer.headers["Location"]))

    with ThreadPoolExecutor(10) as pool:
        assert [*pool.map(click_often, [100] * 10)] == [None] * 10
    assert answers == [(302, OFFER)] * 1_000
    assert verdicts(message) == [("click", "person", "")] * 1_000
    assert len(message.acts("click")) == 1_000
    # One actor's clicks on one link count once a minute; more than one may have passed.
    assert 1 <= message.kpis["click_count"] <= 2


def test_B38_HEAD_then_GET_is_one_click_of_one_person(deployment, message):
    head = deployment.request("HEAD", message.link)
    got = deployment.get(message.link)

    assert facts(head) == facts(got)
    assert verdicts(message) == [("click", "person", ""), ("click", "automated", "method")]
    assert message.kpis["click_count"] == 1
    assert message.kpis["automated"]["click_count"] == 1


@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        ("HEAD", {}, "method"),
        ("GET", {"Sec-Purpose": "prefetch"}, "prefetch"),
        ("GET", {"User-Agent": ""}, "no_user_agent"),
    ],
)
def test_B38_a_machine_gets_the_same_redirect_as_a_person(
    method, headers, reason, deployment, message
):
    answer = deployment.request(method, message.link, headers=headers)

    assert (answer.status_code, answer.headers["location"]) == (302, OFFER)
    assert verdicts(message) == [("click", "automated", reason)]
    assert message.kpis["click_count"] == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://contoso.example/unsubscribe?u=1",
        "https://contoso.example/Un-Sub?x=UNSUBSCRIBE",
        "https://optout.contoso.example/",
        "https://contoso.example/opt-out",
        "https://contoso.example/opt_out/1",
    ],
)
def test_B39_an_unsubscribe_link_is_never_tracked(url, seller):
    message = seller.sent(html_body=linking([url, OFFER]), text_body=f"Leave: {url} .")

    assert f'href="{escape(url)}"' in message.html
    assert url in message.value["copies"][0]["text_body"]
    assert [link["url"] for link in seller.message(message.id)["links"]] == [OFFER]


def test_B38_a_click_belongs_to_the_recipient_whose_copy_it_came_from(seller, deployment):
    people = [recipient("ann@fabrikam.example"), recipient("bob@fabrikam.example")]
    message = seller.sent(recipients=people, copies="per_recipient")
    deployment.get(message.urls("c", 1)[0])

    assert said(message.urls("c", 1)[0]).recipient == 2
    assert [item["recipient"]["email"] for item in message.acts()] == ["bob@fabrikam.example"]


def test_S2_no_token_carries_a_destination(message):
    assert len(token(message.link)) == 60
    assert SIGNER.verify(token(message.link), Kind.CLICK) == said(message.link)
    assert "contoso.example/offer" not in message.html.replace(PUBLIC_URL, "")
    assert draft_of()["html_body"] not in message.html
