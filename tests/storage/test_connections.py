"""Kept connections, against servers on this machine that misbehave in each way there is."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
from certificates import make_certificate, server_context

from engagement.storage import connections as subject
from engagement.storage.connections import AnswerError, Connections, DroppedError, Origin, Request

GET = Request("GET", "/", {})
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Sends to each connection what its script says for each request, then closes it.

    A part of an answer is bytes, something to wait for, or ... for what never comes. The last
    script serves whoever comes later as well.
    """

    def __init__(self, *scripts, tls=None):
        self.scripts = list(scripts)
        self.tls = tls
        #: requests of each connection, oldest first
        self.asked = []
        self.writers = []
        self.connections = Connections()
        self.over = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        port = self.server.sockets[0].getsockname()[1]
        self.origin = Origin("https" if self.tls else "http", "127.0.0.1", port)
        return self

    async def __aexit__(self, *_):
        await self.connections.close()
        self.server.close()
        self.over.set()
        for writer in self.writers:
            writer.transport.abort()
        await turns()

    async def ask(self, request=GET, **options):
        async with asyncio.timeout(10):
            data = request.encode(self.origin)
            return await self.connections.request(self.origin, data, **options)

    @property
    def idle(self):
        return list(self.connections.idle.get(self.origin, ()))

    async def _serve(self, reader, writer):
        asked = []
        self.asked.append(asked)
        self.writers.append(writer)
        try:
            for parts in self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
                asked.append(head + await reader.readexactly(int(length or b"0")))
                for part in parts:
                    if isinstance(part, bytes):
                        writer.write(part)
                        await writer.drain()
                    else:
                        await (self.over.wait if part is ... else part)()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


def answers(*parts):
    """A script of a thousand answers of these parts."""
    return [parts] * 1000


async def turns():
    """Let everything happen that is ready to."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


async def test_requests_one_after_the_other_share_a_connection():
    async with Server(answers(OK)) as server:
        for number in range(3):
            answer = await server.ask(Request("POST", f"/{number}", {"X": "y"}, b"body"))
            assert (answer.status, answer.body) == (200, b"ok")
        (asked,) = server.asked
        assert [request.split(b" ")[1] for request in asked] == [b"/0", b"/1", b"/2"]
        assert asked[0].endswith(b"X: y\r\nContent-Length: 4\r\n\r\nbody")
        (connection,) = server.idle
        taken = connection.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_requests_at_the_same_time_get_their_own_answers_over_so_many_connections():
    async def echo(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                name = head.split(b" ")[1]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(name))
                await asyncio.sleep(0)
                writer.write(name)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    connections = Connections()
    origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
    names = [f"/{number:05d}" for number in range(500)]
    requests = (Request("GET", name, {}).encode(origin) for name in names)
    found = await asyncio.gather(*(connections.request(origin, one) for one in requests))

    assert [answer.body.decode() for answer in found] == names
    assert len(connections.idle[origin]) == subject.MOST_OPEN
    await connections.close()
    assert not connections.idle[origin]
    server.close()


async def test_nobody_waits_for_a_server_behind_another_one_that_hangs():
    async with Server([[...]]) as hanging, Server(answers(OK)) as server:
        hanging.connections = server.connections
        waiting = [asyncio.create_task(hanging.ask()) for _ in range(subject.MOST_OPEN)]
        await until(lambda: len(hanging.asked) == subject.MOST_OPEN)
        assert (await server.ask()).body == b"ok"
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


ANSWERS = {
    "in one piece": ([OK], 200, b"ok"),
    "byte by byte": ([bytes([byte]) for byte in OK], 200, b"ok"),
    "chunked": (
        [
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
        ],
        404,
        b"abcde",
    ),
    "no content": ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b""),
    "not modified": ([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], 304, b""),
    "after interim ones": (
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK],
        200,
        b"ok",
    ),
    "of nothing": ([b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"], 503, b""),
}


@pytest.mark.parametrize(("parts", "status", "body"), ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_read_to_its_end_and_its_connection_used_again(parts, status, body):
    async with Server(answers(*parts)) as server:
        for _ in range(3):
            answer = await server.ask()
            assert (answer.status, answer.body) == (status, body)
        assert len(server.asked) == 1


async def test_headers_are_known_by_names_in_lower_case():
    async with Server(answers(b"HTTP/1.1 204 -\r\nX-Ms-COUNT:  7 \r\nDate: now\r\n\r\n")) as server:
        assert (await server.ask()).headers == {"x-ms-count": "7", "date": "now"}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + OK,
        OK + b"rubbish",
    ],
    ids=["close", "of an old server", "another answer behind it", "rubbish behind it"],
)
async def test_after_the_last_answer_of_a_connection_another_one_is_made(answer):
    async with Server(answers(answer)) as server:
        for _ in range(3):
            assert (await server.ask()).body == b"ok"
            assert server.idle == []
        assert len(server.asked) == 3


async def test_what_comes_though_nothing_was_asked_closes_the_connection():
    async with Server(answers(OK)) as server:
        await server.ask()
        server.writers[0].write(OK)
        await until(lambda: not server.idle)

        assert (await server.ask()).body == b"ok"
        assert len(server.asked) == 2


async def test_a_connection_that_the_other_side_closes_leaves_at_once():
    async with Server([[OK]]) as server:
        await server.ask()
        await until(lambda: not server.idle)

        assert (await server.ask()).body == b"ok"
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (subject.LARGEST_HEAD + 10),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
    ],
    ids=[
        "without an end",
        "of two lengths",
        "of a length and chunked",
        "of a negative length",
        "of wrong chunks",
        "switching",
        "bare line feeds",
        "no HTTP",
        "a large head",
        "interim ones only",
    ],
)
async def test_what_is_no_answer_is_refused_and_its_connection_closed(answer):
    async with Server([[answer, ...]], answers(OK)) as server:
        with pytest.raises(AnswerError):
            await server.ask()
        assert server.idle == []
        assert (await server.ask()).body == b"ok"


async def test_an_answer_that_is_too_large_is_refused_before_all_of_it_is_there(monkeypatch):
    monkeypatch.setattr(subject, "LARGEST_ANSWER", 1_000_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 1_000_000
    async with Server([[answer, ...]], answers(OK)) as server:
        with pytest.raises(AnswerError):
            await server.ask()
        assert server.idle == []


async def test_a_page_of_a_thousand_large_rows_is_read():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    # A list of messages to and about people with long names in Japanese.
    page = b"x" * 1_000 * 10_000
    async with Server(answers(head % len(page), page)) as server:
        assert (await server.ask()).body == page


@pytest.mark.parametrize(
    "begun",
    [b"", b"HTTP/1.1 20", OK[:-1], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx"],
    ids=["not begun", "in its first line", "in its body", "between chunks"],
)
async def test_a_connection_that_ends_before_its_answer_is_dropped(begun):
    async with Server([[begun]], answers(OK)) as server:
        with pytest.raises(DroppedError):
            await server.ask()
        assert (await server.ask()).body == b"ok"


async def test_a_reset_is_a_drop_too():
    async with Server([[]], answers(OK)) as server:

        async def reset():
            server.writers[0].transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            server.writers[0].transport.abort()

        server.scripts[0] = [[reset]]
        with pytest.raises(DroppedError):
            await server.ask()


async def test_a_server_that_is_not_there_is_no_drop():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        origin = Origin("http", "127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ConnectionRefusedError):
        await Connections().request(origin, GET.encode(origin))


@pytest.mark.parametrize("begun", [b"", OK[:20], OK[:-1]])
async def test_the_connection_of_whoever_stops_waiting_is_never_used_again(begun):
    late = asyncio.Event()
    async with Server([[begun, late.wait, OK[len(begun) :]]], answers(OK)) as server:
        waiting = asyncio.create_task(server.ask())
        await until(lambda: server.asked and server.asked[0])
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        late.set()
        assert server.idle == []
        assert (await server.ask()).body == b"ok"
        assert len(server.asked) == 2


async def test_of_whoever_is_cancelled_just_when_the_answer_is_there_too():
    async with Server(answers(OK)) as server:
        await server.ask()
        (connection,) = server.idle
        waiting = asyncio.create_task(server.ask())
        await until(lambda: connection.waiting is not None)
        await until(lambda: connection.waiting is None)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert server.idle == []


async def test_whoever_is_cancelled_while_connecting_leaves_nothing_open():
    async with Server(answers(OK)) as server:
        for pauses in range(6):
            waiting = asyncio.create_task(server.ask())
            for _ in range(pauses):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await until(lambda: all(writer.is_closing() for writer in server.writers))
        assert server.idle == []
        assert server.connections.turns[server.origin]._value == subject.MOST_OPEN


async def test_an_answer_before_the_request_was_sent_ends_the_connection():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await over.wait()
        writer.transport.abort()

    over = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connections = Connections()
    origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
    request = Request("POST", "/", {}, b"x" * 16 * 1024**2)

    assert (await connections.request(origin, request.encode(origin))).status == 413
    assert not connections.idle[origin]
    server.close()
    over.set()
    await turns()


async def test_connections_that_were_idle_for_long_are_closed_and_not_used():
    async with Server(answers(OK)) as server:
        await asyncio.gather(*(server.ask() for _ in range(3)))
        for connection in server.idle:
            connection.idle_since -= subject.LONGEST_IDLE
        await server.ask()

        assert len(server.idle) == 1
        assert len(server.asked) == 4


async def test_a_fresh_connection_is_made_where_one_is_asked_for():
    async with Server(answers(OK)) as server:
        await server.ask()
        await server.ask(fresh=True)
        assert [len(asked) for asked in server.asked] == [1, 1]
        assert len(server.idle) == 2


async def test_over_tls_the_certificate_is_verified(tmp_path, monkeypatch):
    file = make_certificate(tmp_path / "server.pem")
    async with Server(answers(OK), tls=server_context(file)) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.ask()
        server.connections = Connections()
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        found = await asyncio.gather(*(server.ask() for _ in range(3)))
        assert [answer.body for answer in found] == [b"ok"] * 3
        before = len(server.asked)
        assert (await server.ask()).body == b"ok"
        assert len(server.asked) == before
        assert not server.connections.contexts.under_way


async def test_over_tls_a_certificate_of_another_name_is_refused(tmp_path, monkeypatch):
    file = make_certificate(tmp_path / "other.pem", "store.contoso.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with Server(answers(OK), tls=server_context(file)) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await server.ask()


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/\r\nX: y", {}),
        Request("GET", "/ HTTP/1.1", {}),
        Request("GET", "/ü", {}),
        Request("GET\n", "/", {}),
        Request("GET", "/", {"A": "b\r\nX: y"}),
        Request("GET", "/", {"A": "b\n"}),
        Request("GET", "/", {"A\r\nX": "b"}),
        Request("GET", "/", {"A": "\0"}),
    ],
    ids=str,
)
def test_nothing_can_add_a_line_to_a_request(request_):
    with pytest.raises(ValueError, match="cannot stand in the head"):
        request_.encode(Origin("http", "127.0.0.1", 80))


def test_the_host_is_named_as_its_url_names_it():
    assert Origin.of("https://a.example/b") == ("https", "a.example", 443)
    assert Origin.of("http://127.0.0.1:10002/x") == ("http", "127.0.0.1", 10002)
    assert b"\r\nHost: [::1]:8\r\n" in GET.encode(Origin.of("http://[::1]:8"))
    assert b"\r\nHost: a.example\r\n" in GET.encode(Origin.of("https://a.example/b"))
    assert b"\r\nHost: a.example:80\r\n" in GET.encode(Origin.of("https://a.example:80"))
    for url in ("", "None", "ftp://a.example", "https://", "http://a.example:x"):
        with pytest.raises(ValueError):  # noqa: PT011 - any
            Origin.of(url)
