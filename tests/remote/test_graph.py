"""Microsoft Graph: what it takes, and what each of its failures says of the message.

It is a strict fake of the documented contract; nothing here has met the real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import traceback
from datetime import UTC, datetime

import pytest
from certificates import make_certificate
from graph_fake import (
    IDENTITY,
    LIMIT,
    SECRET,
    TENANT,
    GraphFake,
    answer_lost,
    answering,
    hanging,
    refusing,
)
from hypothesis import given
from hypothesis import strategies as st

from devserver.backing import free_port
from engagement.config import GraphTenant
from engagement.errors import InvalidRequestError, RemoteError, UnprocessableError
from engagement.remote.entra import Entra
from engagement.remote.graph import Graph, retry_after
from engagement.remote.mime import build_mime

KIM, LEE = "kim@contoso.example", "o'neil/#1?+x@contoso.example"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANN = "ann@fabrikam.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with GraphFake(make_certificate(tmp_path_factory.mktemp("tls") / "c.pem"), KIM, LEE) as fake:
        yield fake


@pytest.fixture
def fake(server, monkeypatch):
    server.reset()
    server.barred = set()
    for name, value in server.host_environment().items():
        monkeypatch.setenv(name, value)
    return server


def tenant(fake, **changes):
    values = {
        "tenant_id": TENANT,
        "client_id": fake.settings()["ENGAGEMENT_GRAPH_CLIENT_ID"],
        "client_secret": SECRET,
        "identity_client_id": None,
        "url": fake.url,
        "authority": fake.authority,
    }
    return GraphTenant(**values | changes)


def graph(fake, *, timeout=5.0, **changes):
    there = tenant(fake, **changes)
    return Graph(there, Entra(there), timeout=timeout)


def mime(sender=KIM, **changes):
    values = {
        "sender": (None, sender),
        "to": [("Ann", ANN)],
        "cc": [],
        "subject": "Contract",
        "html_body": "<p>Für Ann</p>",
        "text_body": None,
        "headers": {"Message-ID": "<m-1@links.contoso.example>"},
        "attachments": [],
        "date": NOW,
    }
    return build_mime(**values | changes)


async def fail(sending):
    """Return the error of *sending*, which must not tell whom or with what it was sent."""
    with pytest.raises(RemoteError) as caught:
        await sending
    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in (ANN, KIM, SECRET))
    assert not (caught.value.ambiguous and caught.value.retry_after is not None)
    return caught.value


async def test_F14_a_message_arrives_with_our_headers_and_all_its_recipients(fake):
    people = {"to": [], "cc": [("Cyd", "cyd@fabrikam.example")], "bcc": [(None, ANN)]}
    await graph(fake).send(mime(**people), mailbox=KIM)

    (taken,) = fake.taken
    assert taken.mailbox == KIM
    assert taken.recipients == ["cyd@fabrikam.example", ANN]
    assert taken.mime["Message-ID"] == "<m-1@links.contoso.example>"
    assert taken.mime.get_content() == "<p>Für Ann</p>"


async def test_F14_a_message_for_blind_copies_only_needs_no_other_recipient(fake):
    await graph(fake).send(mime(to=[], bcc=[("Ann", ANN)]), mailbox=KIM)
    assert fake.taken[0].recipients == [ANN]
    assert fake.taken[0].mime["To"] is None


async def test_F14_S4_a_mailbox_stays_one_segment_of_the_path(fake):
    await graph(fake).send(mime(LEE), mailbox=LEE)
    assert fake.taken[0].mailbox == LEE
    assert fake.asked == ["/v1.0/users/o%27neil%2F%231%3F%2Bx@contoso.example/sendMail"]


@pytest.mark.parametrize("bad", ["kim", "kim@contoso.example/../x", "a@b.example?x", ""])
async def test_F14_S4_a_mailbox_that_is_no_address_is_refused(fake, bad):
    with pytest.raises(InvalidRequestError):
        await graph(fake).send(mime(), mailbox=bad)
    assert fake.asked == []


async def test_F14_one_token_serves_many_messages_also_at_once(fake):
    there = graph(fake)
    await asyncio.gather(*[there.send(mime(), mailbox=KIM) for _ in range(5)])
    await there.send(mime(), mailbox=KIM)
    assert (len(fake.taken), len(fake.tokens)) == (6, 1)


# What Graph answers


async def test_F14_401_once_gets_a_fresh_token_and_the_message_goes_out_once(fake):
    there = graph(fake)
    await there.send(mime(), mailbox=KIM)
    fake.revoke_tokens()
    await there.send(mime(), mailbox=KIM)
    assert len(fake.taken) == 2
    assert len(fake.asked) == 3


async def test_F14_401_twice_is_a_refusal(fake):
    fake.faults = [refusing(401, "InvalidAuthenticationToken")] * 2
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == (
        "Microsoft Graph did not accept the app's token (401 InvalidAuthenticationToken)."
    )
    assert (error.ambiguous, error.retry_after) == (False, None)
    assert len(fake.asked) == 2
    assert len(fake.tokens) == 2


async def test_F14_403_names_the_permission(fake):
    fake.barred = {KIM}
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert "Mail.Send" in error.detail
    assert error.detail.endswith("(403 ErrorAccessDenied).")
    assert (error.ambiguous, error.retry_after) == (False, None)


async def test_F14_404_is_a_mailbox_that_is_not_there(fake):
    error = await fail(graph(fake).send(mime("x@contoso.example"), mailbox="x@contoso.example"))
    assert error.detail == "Microsoft Graph knows no such mailbox (404 ErrorInvalidUser)."
    assert (error.ambiguous, error.retry_after) == (False, None)


@pytest.mark.parametrize("status", [400, 405, 409, 415, 422])
async def test_F14_a_refusal_carries_the_code_and_leaves_no_doubt(fake, status):
    fake.faults = [refusing(status, "ErrorInvalidRecipients")]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == (
        f"Microsoft Graph refused the message ({status} ErrorInvalidRecipients)."
    )
    assert (error.ambiguous, error.retry_after) == (False, None)
    assert fake.taken == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "999999999999"}, 3_600),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3_600),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0),
        ({"Retry-After": "soon"}, 30),
        ({}, 30),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_F14_429_and_503_say_when_to_come_back(fake, status, header, seconds):
    fake.faults = [refusing(status, "ApplicationThrottled", **header)]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == f"Microsoft Graph is too busy ({status} ApplicationThrottled)."
    assert (error.ambiguous, error.retry_after) == (False, seconds)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", [500, 501, 502, 504, 507])
async def test_F14_other_5xx_leave_doubt_and_are_not_repeated(fake, status):
    fake.faults = [refusing(status)]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == (
        f"Microsoft Graph did not say whether it took the message ({status} UnknownError)."
    )
    assert error.ambiguous
    assert len(fake.asked) == 1


@pytest.mark.parametrize("fault", [answer_lost, hanging])
async def test_F14_no_answer_leaves_doubt_and_is_not_repeated(fake, fault):
    fake.faults = [fault]
    error = await fail(graph(fake, timeout=1.0).send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Graph did not say whether it took the message."
    assert error.ambiguous
    assert len(fake.taken) == 1
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_F14_nothing_but_202_is_success(fake, status):
    fake.faults = [answering(status)]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert str(status) in error.detail
    assert error.ambiguous


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_F14_a_redirect_is_not_followed(fake, status):
    fake.faults = [answering(status, Location=f"{fake.url}/v1.0/users/{KIM}/sendMail")]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == f"Microsoft Graph refused the message ({status})."
    assert (error.ambiguous, error.retry_after) == (False, None)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>ann@fabrikam.example</body></html>",
        b"{",
        b"[" * 20_000,
        b"x" * 1_000_000,
        b"\xff\xfe",
        b"null",
        b'{"error": "ann@fabrikam.example"}',
        b'{"error": {"code": "ann@fabrikam.example"}}',
        b'{"error": {"code": 7}}',
        b'{"error": {"code": "' + b"a" * 200 + b'"}}',
    ],
)
@pytest.mark.parametrize("status", [400, 503, 500])
async def test_F14_an_answer_that_is_no_error_of_graphs_counts_by_its_status(fake, status, body):
    fake.faults = [answering(status, body)]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail.endswith(f"({status}).")
    assert error.ambiguous == (status == 500)
    assert (error.retry_after is not None) == (status == 503)


async def test_F14_a_message_above_the_limit_does_not_travel(fake):
    # Three bytes become four characters.
    room = LIMIT // 4 * 3
    fits = mime() + b"x" * (room - len(mime()))
    await graph(fake).send(fits, mailbox=KIM)
    with pytest.raises(UnprocessableError, match=str(LIMIT)) as caught:
        await graph(fake).send(fits + b"x", mailbox=KIM)
    assert caught.value.field == "attachments"
    assert len(fake.asked) == 1


async def test_F14_a_message_that_graph_finds_too_large_is_the_messages_fault(fake):
    fake.faults = [answering(413, b"<html>Request Entity Too Large</html>")]
    with pytest.raises(UnprocessableError) as caught:
        await graph(fake).send(mime(), mailbox=KIM)
    assert caught.value.field == "attachments"


@contextlib.asynccontextmanager
async def scripted(answer, *, early=False):
    """Serve these bytes and close, having read the request, or *early* only its head."""
    done = []

    async def serve(reader, writer):
        done.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        await reader.readexactly(0 if early else length)
        writer.write(answer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*done)


async def send_to(fake, url, content):
    issuer = tenant(fake)
    await Graph(dataclasses.replace(issuer, url=url), Entra(issuer)).send(content, mailbox=KIM)


@pytest.mark.parametrize(
    "answer",
    [b"", b"what?\r\n\r\n", b"HTTP/1.1 202 Acc", b"HTTP/1.1 202 Accepted\r\nContent-", b"\0" * 99],
)
async def test_F14_half_an_answer_leaves_doubt(fake, answer):
    async with scripted(answer) as url:
        error = await fail(send_to(fake, url, mime()))
    assert error.detail == "Microsoft Graph did not say whether it took the message."
    assert error.ambiguous


async def test_F14_whatever_follows_202_the_message_was_taken(fake):
    async with scripted(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nx") as url:
        await send_to(fake, url, mime())


async def test_F14_a_refusal_whose_reason_breaks_off_is_a_refusal(fake):
    async with scripted(b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n{") as url:
        error = await fail(send_to(fake, url, mime()))
    assert error.detail.endswith("(403).")
    assert not error.ambiguous


async def test_F14_an_answer_before_the_end_of_a_large_message_is_no_success(fake):
    large = mime() + b"x" * 3_000_000
    async with scripted(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", early=True) as url:
        error = await fail(send_to(fake, url, large))
    # The rest of the message may meet a closed connection before the answer is read.
    assert "(403)" in error.detail or error.ambiguous


# Before anything is sent


async def test_F14_graph_that_cannot_be_reached_has_not_got_the_message(fake):
    nowhere = f"http://127.0.0.1:{free_port()}"
    there = Graph(tenant(fake, url=nowhere), Entra(tenant(fake)))
    error = await fail(there.send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Graph could not be reached."
    assert (error.ambiguous, error.retry_after) == (False, 30)


async def test_F14_a_host_that_does_not_exist_has_not_got_the_message(fake):
    there = Graph(tenant(fake, url="https://graph.invalid"), Entra(tenant(fake)))
    error = await fail(there.send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Graph could not be reached."


async def test_F14_a_graph_whose_certificate_nobody_vouches_for_gets_nothing(fake):
    # Entra's port speaks TLS; only requests has been told to trust it.
    there = Graph(tenant(fake, url=fake.authority), Entra(tenant(fake)))
    error = await fail(there.send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Graph could not be reached."
    assert (error.ambiguous, error.retry_after) == (False, 30)


# Tokens


async def test_F14_the_managed_identity_vouches_for_the_app(fake):
    there = graph(fake, client_secret=None, identity_client_id=IDENTITY)
    await there.send(mime(), mailbox=KIM)
    fake.revoke_tokens()
    await there.send(mime(), mailbox=KIM)
    assert len(fake.taken) == 2
    assert len(fake.assertions) == 1  # msal keeps it, as it holds for a day


async def test_F14_an_identity_that_the_host_does_not_have_is_no_proof(fake):
    there = graph(fake, client_secret=None, identity_client_id="another")
    error = await fail(there.send(mime(), mailbox=KIM))
    assert error.detail == "The managed identity gave no token."
    assert (error.ambiguous, error.retry_after) == (False, 60)
    assert fake.asked == []


async def test_F14_a_host_that_does_not_answer_for_its_identity_may_do_so_later(fake, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{free_port()}/msi/token")
    there = graph(fake, client_secret=None, identity_client_id=IDENTITY)
    error = await fail(there.send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Entra did not answer."
    assert (error.ambiguous, error.retry_after) == (False, 60)


async def test_F14_an_identity_that_entra_does_not_trust_is_no_proof(fake):
    fake.trusting = False
    there = graph(fake, client_secret=None, identity_client_id=IDENTITY)
    error = await fail(there.send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Entra gave no token (invalid_client, AADSTS700211)."
    assert fake.asked == []


async def test_F14_a_wrong_secret_wants_somebody_to_change_it(fake):
    error = await fail(graph(fake, client_secret="wrong").send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Entra gave no token (invalid_client, AADSTS7000215)."
    assert (error.ambiguous, error.retry_after) == (False, None)


@pytest.mark.parametrize(
    "fault",
    [
        answering(500, b"<html>"),
        answering(503, b""),
        answering(200, b"<html>sign in</html>", **{"Content-Type": "text/html"}),
        answering(200, b"null"),
        answering(200, b"[]"),
        answering(400, b"7"),
        answering(400, b'{"error": "temporarily_unavailable", "error_codes": [90033]}'),
    ],
)
async def test_F14_entra_that_fails_may_be_asked_again_later(fake, fault):
    fake.token_faults = [fault]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert "Microsoft Entra" in error.detail
    assert (error.ambiguous, error.retry_after) == (False, 60)
    assert fake.asked == []


@pytest.mark.parametrize(
    "body", [b"{}", b'{"error": 7}', b'{"error": ["x"], "error_description": {}}', b'{"error": ""}']
)
async def test_F14_an_answer_without_a_token_is_a_failure_without_doubt(fake, body):
    fake.token_faults = [answering(400, body)]
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Entra gave no token (without a reason)."
    assert not error.ambiguous
    assert fake.asked == []


@pytest.mark.parametrize(
    "changes",
    [{"authority": "https://127.0.0.1:1"}, {"tenant_id": "nobody"}],
)
async def test_F14_an_entra_that_is_not_there_may_be_asked_again_later(fake, changes):
    error = await fail(graph(fake, **changes).send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Entra did not answer."
    assert (error.ambiguous, error.retry_after) == (False, 60)


async def test_F14_an_entra_that_nobody_vouches_for_gets_no_secret(fake, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    error = await fail(graph(fake).send(mime(), mailbox=KIM))
    assert error.detail == "Microsoft Entra did not answer."
    assert fake.tokens == {}


def test_S15_settings_do_not_show_the_secret(server):
    assert SECRET not in repr(tenant(server))


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9]{1,30}|[A-Z][a-z]{2}, .{0,40} GMT")))
def test_F14_a_wait_is_never_below_zero_or_above_an_hour(value):
    assert 0 <= retry_after(value, NOW) <= 3_600


def test_F14_a_date_is_counted_from_now():
    assert retry_after("Sun, 22 Nov 2026 09:02:05 GMT", NOW) == 125
