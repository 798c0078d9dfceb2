"""The fault proxy itself: a fault that does nothing would let every test of faults pass."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from aiohttp import web
from fake import Fake
from fault_proxy import (
    FaultProxy,
    answer_lost,
    cut,
    dated,
    duplicated,
    first,
    hanging,
    healthy,
    once,
    only,
    refusing,
    slow,
)

BODY = bytes(range(256)) * 40


class Upstream(Fake):
    """A server that keeps what reached it."""

    async def start(self):
        self.reached = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self.port = int((await self.serve(app)).rpartition(":")[2])

    async def _answer(self, request):
        body = await request.read()
        self.reached.append((request.method, request.raw_path, request.headers.get("X-A"), body))
        if request.path == "/empty":
            return web.Response(status=204)
        return web.Response(status=201, headers={"X-B": "b"}, body=BODY)


@pytest.fixture
def upstream():
    """Whom the proxy forwards to."""
    with Upstream() as server:
        yield server


@pytest.fixture
def proxy(upstream):
    """The proxy in front of it."""
    with FaultProxy(upstream.port) as made:
        yield made


@pytest.fixture
def client(proxy):
    """Somebody who calls the proxy, and never repeats a request."""
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy.port}", trust_env=False) as made:
        yield made


def ask(client, **options):
    """Send a request of the tests."""
    return client.post("/a%2Fb?c=%20", headers={"X-A": "a"}, content=b"body", **options)


ASKED = ("POST", "/a%2Fb?c=%20", "a", b"body")


def test_healthy_passes_the_request_and_the_answer(proxy, client, upstream):
    proxy.fault = healthy
    answer = ask(client)

    assert (answer.status_code, answer.headers["X-B"], answer.content) == (201, "b", BODY)
    assert upstream.reached == [ASKED]
    assert proxy.seen == [("POST", "/a%2Fb?c=%20", b"body")]


def test_healthy_tells_HEAD_how_long_the_answer_to_GET_is(client):
    assert client.head("/").headers["Content-Length"] == str(len(BODY))


def test_refuse_takes_no_connection_and_accept_takes_them_on_the_same_port(proxy, client, upstream):
    assert ask(client).status_code == 201
    proxy.refuse()
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            ask(client)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{proxy.port}/", trust_env=False)
    assert upstream.reached == [ASKED]

    proxy.accept()
    assert ask(client).status_code == 201


def test_hanging_takes_the_request_and_answers_nothing(proxy, client, upstream):
    proxy.fault = hanging
    with pytest.raises(httpx.ReadTimeout):
        ask(client, timeout=0.2)

    assert len(proxy.seen) == 1
    assert upstream.reached == []


def test_slow_answers_as_ever_and_later(proxy, client, upstream):
    proxy.fault = slow(0.2)
    begun = time.monotonic()
    answer = ask(client)

    assert time.monotonic() - begun >= 0.2
    assert (answer.status_code, answer.content) == (201, BODY)
    assert upstream.reached == [ASKED]


def test_dated_answers_as_ever_and_says_another_time(proxy, client, upstream):
    proxy.fault = dated(timedelta(minutes=20))
    answer = ask(client)

    there = parsedate_to_datetime(answer.headers["Date"])
    assert timedelta(minutes=19) < there - datetime.now(UTC) <= timedelta(minutes=20)
    assert (answer.status_code, answer.content) == (201, BODY)


def test_cut_gives_half_of_the_body_and_resets(proxy, client, upstream):
    proxy.fault = cut
    with client.stream("POST", "/a%2Fb?c=%20", headers={"X-A": "a"}, content=b"body") as answer:
        assert (answer.status_code, answer.headers["Content-Length"]) == (201, str(len(BODY)))
        parts = answer.iter_raw()
        got = next(parts)
        with pytest.raises(httpx.TransportError):
            next(parts)

    assert got == BODY[: len(BODY) // 2]
    assert upstream.reached == [ASKED]


def test_cut_ends_an_answer_without_a_body_in_its_first_line(proxy, client, upstream):
    proxy.fault = cut
    with pytest.raises(httpx.TransportError):
        client.post("/empty")

    assert len(upstream.reached) == 1


@pytest.mark.parametrize("retry_after", [None, "60"])
@pytest.mark.parametrize("status", [503, 429, 500])
def test_refusing_answers_its_status_and_when_to_come_back(
    proxy, client, upstream, status, retry_after
):
    proxy.fault = refusing(status, retry_after)
    answer = ask(client)

    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert upstream.reached == []


def test_answer_lost_does_what_was_asked_and_says_nothing(proxy, client, upstream):
    proxy.fault = answer_lost
    with pytest.raises(httpx.TransportError):
        ask(client)

    assert upstream.reached == [ASKED]


def test_duplicated_delivers_the_request_twice_and_answers_once(proxy, client, upstream):
    proxy.fault = duplicated
    assert ask(client).status_code == 201

    assert upstream.reached == [ASKED, ASKED]
    assert len(proxy.seen) == 1


def test_faults_can_be_for_the_first_times_and_for_some_requests_only(proxy, client, upstream):
    proxy.fault = first(2, refusing(503), refusing(500))
    assert [ask(client).status_code for _ in range(4)] == [503, 503, 500, 500]
    proxy.fault = once(refusing(503))
    assert [ask(client).status_code for _ in range(3)] == [503, 201, 201]
    proxy.fault = only(lambda request: request.method == "GET", refusing(503))
    assert [client.get("/").status_code, ask(client).status_code] == [503, 201]
    assert len(upstream.reached) == 3
