"""L7: bodies that are huge, and uploads that never end, cost bounded memory and nobody else.

The local host takes bodies of at most 100 MiB, as the Functions host does, and hands them over
whole; how long Azure's front end lets an upload take is not seen here.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from balance import settle, statuses
from deployment import PUBLIC_URL, wait_until
from traffic import exchange_async, visit
from two_sizes import sizes, tell
from vitals import MIB, forget_peak, peak, vitals

PIECE = bytes(65_536)
#: MiB that come and go with anything.
SLACK = 32
CONNECTIONS = 4


async def pour(url, head, size):
    """Send a request with a body of *size* bytes, as fast as it is taken; return the status."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = asyncio.create_task(reader.readline())
    try:
        writer.write(opening(head, size))
        # Who refuses a body need not have read it.
        with suppress(ConnectionError):
            for _ in range(size // len(PIECE)):
                writer.write(PIECE)
                await writer.drain()
                if answer.done():
                    break
        return int((await answer).split()[1])
    finally:
        writer.close()


def opening(head, size):
    """The head of a request for a body of *size* bytes."""
    lines = [head[0] + " HTTP/1.1", "Host: localhost", f"Content-Length: {size}", *head[1:]]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def heads(crm, message_id, sent):
    """Requests that no body belongs to, or not such a one, and how they are answered."""
    api = f"/api/v1/organizations/{crm.organization_id}/messages"
    upload = f"POST {api}/{message_id}/attachments?name=a.bin"
    key = f"X-Api-Key: {crm.api_key}"
    pixel, link = (url.removeprefix(PUBLIC_URL) for url in (sent.pixel, sent.link))
    return {
        "upload": ((upload, key), 413),
        "open": ((f"GET {pixel}", "User-Agent: Mozilla/5.0 Visit/0"), 200),
        "upload by a stranger": ((upload,), 401),
        "draft": ((f"POST {api}", key, "Content-Type: application/json"), 413),
        "post to a pixel": ((f"POST {pixel}",), 405),
        "put to a link": ((f"PUT {link}",), 405),
        "nowhere": (("POST /nowhere",), 404),
    }


def allowed(crm):
    """An upload to an organization that takes large files."""
    crm.set({"attachments": {"upload_limit_bytes": 100_000_000}})
    path = f"/api/v1/organizations/{crm.organization_id}/messages/{crm.draft()['id']}/attachments"
    key = f"X-Api-Key: {crm.api_key}"
    return (f"POST {path}?name=a.bin", key, "Idempotency-Key: k-1"), 201


async def beside(work, url, sent):
    """Visit a message all the while that *work* takes, and once more; return both results."""
    done, visits = asyncio.ensure_future(work), []

    def requests():
        while not done.done() or not visits:
            visits.append(None)
            yield visit(sent.pixel, len(visits))

    outcomes = await exchange_async(url, requests(), CONNECTIONS)
    return await done, outcomes


@sizes("size,at_once,kinds", short=(36 * MIB, 1, 2), full=(90 * MIB, 4, 8))
def test_L7_huge_bodies_are_refused_in_bounded_memory(host, size, at_once, kinds):
    crm, pid = host.new_crm(), host.process.pid
    sent, message_id = crm.sent(), crm.draft()["id"]
    other = host.new_crm().sent()
    before, most = vitals(pid).memory, []

    async def flood():
        requests = [*heads(crm, message_id, other).values(), allowed(host.new_crm())]
        for head, expected in requests[:kinds]:
            forget_peak(pid)
            answers = await asyncio.gather(*(pour(host.url, head, size) for _ in range(at_once)))
            assert answers == [expected] * at_once, head
            most.append(peak(pid) - before)

    _, visits = asyncio.run(beside(flood(), host.url, sent))

    assert statuses(visits) == {200: len(visits)}
    # Each body once, and one of them a second time, when the local host hands it over.
    assert max(most) < (at_once + 1) * size / MIB + SLACK
    # All of it is given back, as glibc's malloc does with what is above 32 MiB.
    wait_until(lambda: vitals(pid).memory < before + SLACK)
    assert crm.message(message_id)["attachments"] == []
    # An open that comes with a body is one all the same.
    wait_until(lambda: len(other.acts()) == at_once)
    figures = {"bodies": f"{at_once} x {size // MIB} MiB", "peak": f"{max(most):+.0f} MiB"}
    tell("L7 huge bodies meanwhile", visits, **settle([sent], visits), **figures)


@sizes("count,rounds", short=(20, 3), full=(200, 100))
def test_L7_uploads_that_never_end_are_felt_by_nobody(host, count, rounds):
    crm, pid = host.new_crm(), host.process.pid
    sent, message_id = crm.sent(), crm.draft()["id"]
    upload, _ = heads(crm, message_id, sent)["upload"]
    before = vitals(pid)
    forget_peak(pid)

    async def drip():
        """Send a piece of each upload, and then byte after byte."""
        host_name, _, port = host.url.removeprefix("http://").partition(":")
        opened = [await asyncio.open_connection(host_name, int(port)) for _ in range(count)]
        writers = [writer for _, writer in opened]
        for writer in writers:
            writer.write(opening(upload, 90 * MIB) + PIECE)
        for _ in range(rounds):
            for writer in writers:
                writer.write(b"x")
                await writer.drain()
            await asyncio.to_thread(crm.message, message_id)
        held = vitals(pid)
        crm.attach(message_id, "beside.pdf")
        for writer in writers:
            writer.close()
        return held

    held, visits = asyncio.run(beside(drip(), host.url, sent))

    assert statuses(visits) == {200: len(visits)}
    assert held.descriptors >= before.descriptors + count
    assert held.threads <= before.threads + CONNECTIONS
    assert peak(pid) - before.memory < SLACK + 3 * count * len(PIECE) / MIB
    wait_until(lambda: vitals(pid).descriptors < before.descriptors + 3 * CONNECTIONS)
    assert [file["name"] for file in crm.message(message_id)["attachments"]] == ["beside.pdf"]
    figures = {"uploads": count, "peak": f"{peak(pid) - before.memory:+.0f} MiB"}
    tell("L7 endless uploads meanwhile", visits, **settle([sent], visits), **figures)
