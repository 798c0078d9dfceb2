"""Calling endpoints: what is called, and that nothing else is, on real sockets."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import pytest
from certificates import make_certificate, server_context
from receiver import Receiver

from engagement.remote.webhooks import NotPublicError, Webhooks, look_up

BODY = b'{"type":"webhook.test"}'
HEADERS = {"webhook-id": "evt_1"}

PRIVATE = [
    "127.0.0.1",
    "::1",
    "0.0.0.0",  # noqa: S104 - it is refused
    "10.0.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "224.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


class Names:
    """A name server whose answers change: the n-th question gets the n-th, the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.questions = []

    async def __call__(self, host, port):
        self.questions.append(host)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


@asynccontextmanager
async def calling(*, allow_private=True, names=None):
    """What is under test, closed in the end."""
    webhooks = Webhooks(allow_private=allow_private, resolve=names)
    try:
        yield webhooks
    finally:
        await webhooks.close()


async def call(url, **options):
    """Call a URL once."""
    async with calling(**options) as webhooks:
        return await webhooks.post(url, HEADERS, BODY)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


async def test_an_endpoint_is_posted_the_body_and_our_headers_and_no_others(receiver):
    answer = await call(receiver.url(path="/in?a=%2f&b=1"))

    (request,) = receiver.requests
    assert (answer.status, answer.accepted, answer.detail) == (204, True, "204 No Content")
    assert (request.path, request.body) == ("/in?a=%2f&b=1", BODY)
    assert request.headers.pop("host") == f"127.0.0.1:{receiver.port}"
    assert request.headers == {
        "webhook-id": "evt_1",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "user-agent": "Engagement-Webhooks/1",
        "accept": "*/*",
        "connection": "close",
    }


@pytest.mark.parametrize("status", [200, 201, 202, 299])
async def test_2xx_is_a_success(receiver, status):
    receiver.answer(status)
    assert (await call(receiver.url())).accepted


@pytest.mark.parametrize(
    ("status", "detail"),
    [(400, "400 Bad Request"), (410, "410 Gone"), (500, "500 Internal Server Error"), (599, "599")],
)
async def test_everything_else_is_a_failure_in_our_words(receiver, status, detail):
    receiver.answer(status, {"Retry-After": "7"}, b"<script>their words</script>")
    answer = await call(receiver.url())

    assert (answer.accepted, answer.detail, answer.retry_after) == (False, detail, "7")
    assert answer.gone == (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_S3_a_redirect_to_the_inside_is_not_followed(receiver, status):
    with Receiver() as inside:
        receiver.answer(status, {"Location": inside.url()})
        answer = await call(receiver.url())

    assert answer.status == status
    assert "redirects are not followed" in answer.detail
    assert inside.requests == []


@pytest.mark.parametrize("address", PRIVATE)
async def test_S3_a_name_that_leads_to_an_address_of_the_inside_is_not_called(receiver, address):
    names = Names([address])
    answer = await call(receiver.url("hooks.contoso.com"), allow_private=False, names=names)

    assert answer.detail == "The host leads to an address that must not be called."
    assert (answer.status, receiver.requests) == (None, [])


async def test_S3_one_address_of_the_inside_among_public_ones_is_enough(receiver):
    names = Names(["8.8.8.8", "2606:4700::1111", "127.0.0.1"])
    answer = await call(receiver.url("hooks.contoso.com"), allow_private=False, names=names)

    assert "must not be called" in answer.detail
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_S3_an_address_in_the_url_itself_is_judged_too(receiver, host):
    answer = await call(receiver.url(host), allow_private=False)

    assert "must not be called" in answer.detail
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_S3_what_a_resolver_takes_for_an_address_is_judged_as_it_resolves(receiver, host):
    # The rules of URLs refuse them before; this is what happens if they did not.
    answer = await call(receiver.url(host), allow_private=False)

    assert (answer.status, receiver.requests) == (None, [])


async def test_S3_dns_rebinding_the_address_that_was_checked_is_called(receiver):
    with Receiver("127.0.0.2") as other:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        assert receiver.port != other.port
        answer = await call(receiver.url("hooks.contoso.com"), names=names)

    assert answer.accepted
    assert names.questions == ["hooks.contoso.com"]
    assert (len(receiver.requests), other.requests) == (1, [])
    assert receiver.requests[0].headers["host"] == f"hooks.contoso.com:{receiver.port}"


async def test_S3_dns_rebinding_every_call_asks_and_judges_anew(receiver):
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    async with calling(names=names) as webhooks:
        first = await webhooks.post(receiver.url("hooks.contoso.com"), HEADERS, BODY)
        webhooks.allow_private = False
        second = await webhooks.post(receiver.url("hooks.contoso.com"), HEADERS, BODY)

    assert first.accepted
    assert "must not be called" in second.detail
    assert len(names.questions) == 2


async def test_S3_the_socket_itself_refuses_an_address_that_nobody_judged(receiver):
    async with calling(allow_private=False) as webhooks:
        with pytest.raises(NotPublicError):
            await webhooks._opened().post(receiver.url())
    assert receiver.requests == []


async def test_S3_no_proxy_of_the_environment_sees_the_call(receiver, monkeypatch):
    with Receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(path=""))
        answer = await call(receiver.url())

    assert answer.accepted
    # Storage SDKs that work behind other tests do ask a proxy.
    host = urlsplit(receiver.url()).netloc
    proxied = [request for request in proxy.requests if request.headers["host"] == host]
    assert (len(receiver.requests), proxied) == (1, [])


async def test_S3_no_cookie_is_kept(receiver):
    receiver.answer(500, {"Set-Cookie": "session=1"})
    async with calling() as webhooks:
        await webhooks.post(receiver.url(), HEADERS, BODY)
        await webhooks.post(receiver.url(), HEADERS, BODY)

    assert "cookie" not in receiver.requests[1].headers


@contextmanager
def saying(reply):
    """A server that answers whatever comes with the same bytes; None leaves it without."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with ExitStack() as stack:
                peer = stack.enter_context(listening.accept()[0])
                peer.recv(65_536)
                peer.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (b"", "The connection was closed without an answer."),
        (b"220 smtp.contoso.com ESMTP\r\n", "The answer was not HTTP."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "The answer was not HTTP."),
        (b"HTTP/1.1 OK\r\n\r\n", "The answer was not HTTP."),
    ],
)
async def test_an_answer_that_is_none_is_a_failure(reply, detail):
    with saying(reply) as url:
        answer = await call(url)
    assert (answer.status, answer.detail) == (None, detail)


async def test_S3_an_endless_answer_is_not_read():
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9999999999\r\n\r\nx"
    with saying(reply) as url:
        answer = await call(url)
    assert answer.accepted


async def test_a_host_that_cannot_be_found_or_reached_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused = await call(f"http://127.0.0.1:{port}/")
    unknown = await call("http://hooks.contoso.com/", names=Names(socket.gaierror("unknown")))
    strange = await call("http://" + "x" * 70 + ".contoso.com/")

    assert refused.detail == "The host could not be reached."
    assert unknown.detail == "The host name was not found."
    assert strange.status is None


async def test_a_silent_endpoint_is_given_up(monkeypatch):
    monkeypatch.setattr("engagement.remote.webhooks.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = await call(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert answer.detail.startswith("There was no answer within")


async def test_the_systems_resolver_knows_this_machine():
    assert set(await look_up("localhost", 80)) <= {"127.0.0.1", "::1"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for hooks.contoso.com, with its key in the same file."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "hooks.pem", "hooks.contoso.com")


@pytest.fixture
def secure(certificate):
    """A receiver with that certificate."""
    with Receiver(tls=server_context(certificate)) as running:
        yield running


@pytest.mark.parametrize(
    ("host", "detail"),
    [
        ("hooks.contoso.com", "204 No Content"),
        ("evil.contoso.com", "The certificate is not trusted."),
    ],
)
async def test_the_certificate_has_to_name_the_host(secure, certificate, monkeypatch, host, detail):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = await call(secure.url(host), names=Names(["127.0.0.1"]))

    assert answer.detail == detail


async def test_a_certificate_of_nobodys_is_not_trusted(secure):
    answer = await call(secure.url("hooks.contoso.com"), names=Names(["127.0.0.1"]))

    assert (answer.status, answer.detail) == (None, "The certificate is not trusted.")
    assert secure.requests == []
