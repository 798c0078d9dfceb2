"""The load client: what became of each request, and that none is sent twice."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from traffic import BROWSERS, Request, exchange_async, number_of, visit

from devserver.backing import free_port

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def server(answers):
    """A server that plays its answers, one to each request, and keeps the requests.

    None drops the connection instead; a text that is not whole is dropped after it.
    """
    seen = []

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            seen.append(head + await reader.readexactly(int(length or 0)))
            answer = answers(len(seen))
            writer.write(answer)
            if answer != FINE:
                break
        writer.close()

    async def quietly(reader, writer):
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    listener = await asyncio.start_server(quietly, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield f"http://127.0.0.1:{port}", seen


async def test_every_request_is_sent_once_over_few_connections():
    async with server(lambda _: FINE) as (url, seen):
        requests = [Request(f"/o/{number}") for number in range(200)]
        outcomes = await exchange_async(url, requests, 7)

    assert [outcome.request for outcome in outcomes] == requests
    assert {(each.status, each.body, each.failure) for each in outcomes} == {(200, b"ok", None)}
    targets = [head.split()[1].decode() for head in seen]
    assert sorted(targets) == sorted(request.target for request in requests)


async def test_a_dropped_connection_is_told_and_not_made_up_for():
    async with server(lambda count: b"" if count % 3 == 0 else FINE) as (url, seen):
        outcomes = await exchange_async(url, [Request("/o/x")] * 30, 1)

    assert len(seen) == 30
    assert [outcome.answered for outcome in outcomes] == [True, True, False] * 10
    assert all(outcome.sent and outcome.seconds > 0 for outcome in outcomes)


async def test_half_an_answer_is_none():
    async with server(lambda _: FINE[:-1]) as (url, seen):
        (outcome,) = await exchange_async(url, [Request("/o/x")], 1)

    assert (outcome.status, outcome.sent, len(seen)) == (None, True, 1)


async def test_what_finds_no_server_was_not_sent():
    (outcome,) = await exchange_async(f"http://127.0.0.1:{free_port()}", [Request("/o/x")], 1)
    assert (outcome.answered, outcome.sent) == (False, False)
    assert outcome.failure == "ConnectionRefusedError"


async def test_a_body_and_headers_arrive():
    async with server(lambda _: FINE) as (url, seen):
        request = Request("/api", "POST", {"X-Api-Key": "k"}, b"{}")
        await exchange_async(url, [request], 1)

    assert seen[0].startswith(b"POST /api HTTP/1.1\r\n")
    assert b"x-api-key: k" in seen[0].lower()
    assert seen[0].endswith(b"\r\n\r\n{}")


def test_visits_are_of_many_people_and_known_again():
    visits = [visit("/o/x", number) for number in range(1_000)]
    assert len({each.headers["X-Forwarded-For"] for each in visits}) == 1_000
    agents = [each.headers["User-Agent"] for each in visits]
    assert [number_of(agent) for agent in agents] == list(range(1_000))
    assert {agent.rpartition(" ")[0] for agent in agents} == set(BROWSERS)
