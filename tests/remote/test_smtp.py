import asyncio
import contextlib
import re
import traceback

import pytest
from aiosmtpd import smtp as aiosmtpd
from certificates import make_certificate, server_context

from engagement.config import SmtpServer
from engagement.errors import InvalidRequestError, RemoteError
from engagement.remote.smtp import Smtp

MIME = b"From: seller@contoso.example\r\nSubject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"
SENDER = "seller@contoso.example"
ANN, BEN = "ann@fabrikam.example", "ben@fabrikam.example"
PASSWORD = "correct horse"


class Inbox:
    """Takes every message, except what its answers say."""

    def __init__(self, **answers):
        self.answers = answers
        self.envelopes = []

    async def handle_MAIL(self, _server, _session, envelope, address, options):
        if "mail" in self.answers:
            return self.answers["mail"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        answer = self.answers.get(address, self.answers.get("rcpt", "250 OK"))
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server, _session, envelope):
        self.envelopes.append(envelope)
        return self.answers.get("data", "250 OK")


@contextlib.asynccontextmanager
async def daemon(inbox, *, tls=None, **options):
    daemons = []

    def accept():
        daemons.append(aiosmtpd.SMTP(inbox, hostname="mail.contoso.example", **options))
        return daemons[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        handlers = [one._handler_coroutine for one in daemons if one._handler_coroutine]
        await asyncio.gather(*handlers, return_exceptions=True)


EHLO = b"250-mail.contoso.example\r\n250 8BITMIME\r\n"
POLITE = {b"EHLO": EHLO, b"MAIL": b"250 OK\r\n", b"RCPT": b"250 OK\r\n", b"DATA": b"354 go\r\n"}
CLOSE = None


@contextlib.asynccontextmanager
async def scripted(greeting=b"220 hello\r\n", **changes):
    """Serve a mail server that gives one answer per command and closes on CLOSE."""
    answers = {b"content": b"250 OK\r\n", b"QUIT": b"221 bye\r\n"} | POLITE
    answers |= {verb.encode(): answer for verb, answer in changes.items()}
    heard, done = [], []

    async def serve(reader, writer):
        done.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await converse(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def converse(reader, writer):
        answer = greeting
        while answer is not CLOSE:
            writer.write(answer)
            end = b"\r\n.\r\n" if answer.startswith(b"354") else b"\r\n"
            heard.append(await reader.readuntil(end))
            verb = b"content" if answer.startswith(b"354") else heard[-1].strip()[:4].upper()
            answer = answers.get(verb, b"502 unknown\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*done)


def smtp(port, *, security="none", timeout=5.0, **credentials):
    settings = SmtpServer("127.0.0.1", port, security, **credentials)
    return Smtp(settings, timeout=timeout)


async def send(port, mime=MIME, to=(ANN,), **options):
    return await smtp(port, **options).send(mime, sender=SENDER, recipients=to)


async def fail(sending):
    """Return the error of *sending*, which must not tell whom or with what it was sent."""
    with pytest.raises(RemoteError) as caught:
        await sending
    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in (ANN, BEN, SENDER, PASSWORD))
    return caught.value


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def server_tls(certificate):
    return server_context(certificate)


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def check_login(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"kim", PASSWORD.encode())
    return aiosmtpd.AuthResult(success=right, handled=False)


async def test_F15_a_message_arrives_byte_for_byte():
    inbox = Inbox()
    async with daemon(inbox) as port:
        assert await smtp(port).send(MIME, sender=SENDER, recipients=[ANN, BEN, ANN]) == {}
    (envelope,) = inbox.envelopes
    assert envelope.content == MIME
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [ANN, BEN])
    assert f"SIZE={len(MIME)}" in envelope.mail_options


async def test_S4_bare_line_ends_and_dots_cannot_end_a_message_early():
    inbox = Inbox()
    smuggled = b"Subject: x\n\na\n.\nMAIL FROM:<eve@evil.example>\r.\r\n.\r\nb"
    async with daemon(inbox) as port:
        assert await smtp(port).send(smuggled, sender=SENDER, recipients=[ANN]) == {}
    (envelope,) = inbox.envelopes
    assert envelope.content == (
        b"Subject: x\r\n\r\na\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n.\r\n.\r\nb\r\n"
    )


async def test_F15_some_recipients_refused_are_returned_with_the_answer():
    inbox = Inbox(**{BEN: "550-5.1.1 <ben@fabrikam.example>:\r\n550 5.1.1 unknown"})
    async with daemon(inbox) as port:
        refused = await smtp(port).send(MIME, sender=SENDER, recipients=[BEN, ANN])
    assert refused == {BEN: "550 5.1.1 <ben@fabrikam.example>: 5.1.1 unknown"}
    assert inbox.envelopes[0].rcpt_tos == [ANN]


@pytest.mark.parametrize(
    ("command", "answer", "what"),
    [
        ("rcpt", "450 4.2.0 greylisted", "every recipient"),
        ("rcpt", "550 5.1.1 <ann@fabrikam.example> unknown", "every recipient"),
        ("mail", "553 5.7.1 seller@contoso.example may not", "the sender"),
        ("data", "554 5.7.1 spam", "the message"),
        ("data", "451 4.3.0 later", "the message"),
        ("data", "421 4.3.2 going down", "the message"),
    ],
)
async def test_F15_a_refusal_is_a_failure_without_doubt(command, answer, what):
    async with daemon(Inbox(**{command: answer})) as port:
        error = await fail(send(port, to=[ANN, BEN]))
    assert error.detail == f"The mail server refused {what} ({answer[:9]})."
    assert not error.ambiguous
    assert error.retry_after == (60 if answer.startswith("4") else None)


async def test_F15_one_recipient_who_is_put_off_is_worth_another_try():
    answers = {ANN: "550 5.1.1 unknown", BEN: "450 4.2.0 greylisted"}
    async with daemon(Inbox(**answers)) as port:
        error = await fail(send(port, to=[ANN, BEN]))
    assert error.detail == "The mail server refused every recipient (450 4.2.0)."
    assert error.retry_after == 60


SILENT = "The mail server did not answer in time."
CLOSED = "The mail server closed the connection."


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ({"greeting": b""}, SILENT),
        ({"greeting": CLOSE}, "The mail server could not be reached."),
        ({"greeting": b"554 5.7.1 no\r\n"}, "The mail server refused to go on (554 5.7.1)."),
        (
            {"greeting": b"SSH-2.0-x\r\n"},
            "The mail server refused to go on (an answer that is not SMTP).",
        ),
        *[({verb: b""}, SILENT) for verb in ("EHLO", "MAIL", "RCPT", "DATA")],
        *[({verb: CLOSE}, CLOSED) for verb in ("EHLO", "MAIL", "RCPT", "DATA")],
        ({"RCPT": b"421 bye\r\n"}, "The mail server refused every recipient (421)."),
        ({"DATA": b"451 later\r\n"}, "The mail server refused the message (451)."),
        ({"DATA": b"554 no\r\n"}, "The mail server refused the message (554)."),
        ({"DATA": b"250 what\r\n"}, "The mail server refused the message (250)."),
        ({"DATA": b"421 bye\r\n"}, "The mail server refused the message (421)."),
    ],
)
async def test_F15_what_happens_before_the_content_leaves_no_doubt(script, detail):
    async with scripted(**script) as (port, heard):
        error = await fail(send(port, timeout=0.2))
    assert error.detail == detail
    assert not error.ambiguous
    assert not any(b"dot" in line for line in heard)
    final = re.search(r"\((5\d\d.*|250|an answer that is not SMTP)\)", detail)
    assert error.retry_after == (None if final else 60)


async def test_F15_a_connection_lost_after_the_content_leaves_doubt():
    async with scripted(content=CLOSE) as (port, heard):
        error = await fail(send(port))
    assert error.detail == "The mail server did not say whether it took the message."
    assert (error.ambiguous, error.retry_after) == (True, None)
    assert heard[-1].endswith(b"..dot\r\n...two\r\nend\r\n.\r\n")


@pytest.mark.parametrize("answer", [b"", b"250-and", b"what?\r\n", b"354 more\r\n", b"25\xff\r\n"])
async def test_F15_no_answer_or_a_senseless_one_to_the_content_leaves_doubt(answer):
    async with scripted(content=answer) as (port, _):
        error = await fail(send(port, timeout=0.2))
    assert error.detail == "The mail server did not say whether it took the message."
    assert (error.ambiguous, error.retry_after) == (True, None)


@pytest.mark.parametrize("answer", [CLOSE, b"", b"500 what\r\n"])
async def test_F15_a_message_is_sent_whatever_becomes_of_the_goodbye(answer):
    async with scripted(QUIT=answer) as (port, _):
        assert await send(port, timeout=0.2) == {}


async def test_F15_a_refused_connection_leaves_no_doubt():
    async with scripted() as (port, _):
        pass
    error = await fail(send(port))
    assert error.detail == "The mail server could not be reached."
    assert (error.ambiguous, error.retry_after) == (False, 60)


@pytest.mark.parametrize("host", ["", "no..name", "mail.invalid", "x" * 300])
async def test_F15_a_host_that_is_none_leaves_no_doubt(host):
    error = await fail(
        Smtp(SmtpServer(host, 1, "none")).send(MIME, sender=SENDER, recipients=[ANN])
    )
    assert not error.ambiguous
    if host == "mail.invalid":
        assert error.retry_after == 60  # the DNS may know it later


async def test_F15_a_server_that_only_knows_helo_is_greeted_so():
    async with scripted(EHLO=b"502 unknown\r\n", HELO=b"250 hi\r\n") as (port, heard):
        assert await send(port) == {}
    assert heard[2] == b"MAIL FROM:<seller@contoso.example>\r\n"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_F15_a_message_arrives_over_tls_with_credentials(security, server_tls, trusted):
    inbox = Inbox()
    options = {"authenticator": check_login}
    options |= {"tls_context": server_tls} if security == "starttls" else {}
    options |= {"tls": server_tls, "auth_require_tls": False} if security == "tls" else {}
    async with daemon(inbox, **options) as port:
        credentials = {"username": "kim", "password": PASSWORD}
        assert await send(port, security=security, **credentials) == {}
    assert inbox.envelopes[0].content == MIME


async def test_F15_wrong_credentials_are_a_failure_without_doubt(server_tls, trusted):
    async with daemon(Inbox(), tls_context=server_tls, authenticator=check_login) as port:
        credentials = {"username": "kim", "password": PASSWORD + "!"}
        error = await fail(send(port, security="starttls", **credentials))
    assert error.detail == "The mail server did not accept the credentials (535 5.7.8)."
    assert (error.ambiguous, error.retry_after) == (False, None)


async def test_F15_a_sign_in_that_is_put_off_may_be_tried_again(server_tls, trusted):
    def put_off(server, session, envelope, mechanism, data):
        answer = "454 4.7.0 Temporary authentication failure"
        return aiosmtpd.AuthResult(success=False, handled=False, message=answer)

    async with daemon(Inbox(), tls_context=server_tls, authenticator=put_off) as port:
        credentials = {"username": "kim", "password": PASSWORD}
        error = await fail(send(port, security="starttls", **credentials))
    assert error.detail == "The mail server did not accept the credentials (454 4.7.0)."
    assert (error.ambiguous, error.retry_after) == (False, 60)


async def test_F15_a_server_without_sign_in_is_a_failure_without_doubt(server_tls, trusted):
    options = {"tls_context": server_tls, "auth_exclude_mechanism": ["LOGIN", "PLAIN"]}
    async with daemon(Inbox(), **options) as port:
        credentials = {"username": "kim", "password": PASSWORD}
        error = await fail(send(port, security="starttls", **credentials))
    assert error.detail == "The mail server does not offer STARTTLS or a known way to sign in."
    assert not error.ambiguous


async def test_F15_nothing_is_sent_to_a_server_that_lacks_starttls():
    async with scripted() as (port, heard):
        error = await fail(send(port, security="starttls"))
    assert error.detail == "The mail server does not offer STARTTLS or a known way to sign in."
    assert (error.ambiguous, error.retry_after) == (False, None)
    assert [line[:4] for line in heard] == [b"EHLO"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_F15_nothing_is_sent_to_a_server_whose_certificate_nobody_vouches_for(
    security, server_tls
):
    inbox = Inbox()
    options = {"tls_context" if security == "starttls" else "tls": server_tls}
    async with daemon(inbox, **options) as port:
        error = await fail(send(port, security=security))
    assert error.detail == "The TLS connection to the mail server failed."
    assert (error.ambiguous, error.retry_after) == (False, 60)
    assert inbox.envelopes == []


async def test_F15_tls_to_a_server_that_speaks_none_is_a_failure_without_doubt():
    async with scripted() as (port, _):
        error = await fail(send(port, security="tls"))
    assert error.detail == "The TLS connection to the mail server failed."
    assert not error.ambiguous


@pytest.mark.parametrize(
    ("mime", "recipient", "extension"),
    [
        (MIME, "jürgen@fabrikam.example", "SMTPUTF8"),
        ("Subject: für\r\n\r\nx\r\n".encode(), ANN, "SMTPUTF8"),
        ("Subject: x\r\n\r\nfür\r\n".encode(), ANN, "8BITMIME"),
    ],
)
async def test_F15_a_message_is_not_mangled_for_a_server_that_lacks_an_extension(
    mime, recipient, extension
):
    async with scripted(EHLO=b"250 mail.contoso.example\r\n") as (port, heard):
        error = await fail(smtp(port).send(mime, sender=SENDER, recipients=[recipient]))
    assert error.detail == f"The mail server lacks what the message needs ({extension})."
    assert (error.ambiguous, error.retry_after) == (False, None)
    assert [line[:4] for line in heard] == [b"EHLO"]


async def test_F15_a_server_that_has_the_extensions_is_told_to_use_them():
    inbox = Inbox()
    mime = "To: jürgen@fabrikam.example\r\n\r\nfür\r\n".encode()
    async with daemon(inbox, enable_SMTPUTF8=True) as port:
        to = "jürgen@bücher.example"
        assert await smtp(port).send(mime, sender=SENDER, recipients=[to]) == {}
    (envelope,) = inbox.envelopes
    assert envelope.content == mime
    assert envelope.rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(envelope.mail_options)


async def test_F15_a_message_needs_no_extension_for_a_domain_in_another_script():
    async with scripted(EHLO=b"250 mail.contoso.example\r\n") as (port, heard):
        to = ["ann@bücher.example"]
        assert await smtp(port).send(MIME, sender=SENDER, recipients=to) == {}
    assert b"RCPT TO:<ann@xn--bcher-kva.example>\r\n" in heard


async def test_F15_a_message_too_long_for_the_server_does_not_travel():
    async with daemon(Inbox(), data_size_limit=10) as port:
        error = await fail(send(port))
    assert error.detail == "The mail server refused the sender (552)."
    assert not error.ambiguous


@pytest.mark.parametrize(
    "bad",
    ["ann@x.example>\r\nRCPT TO:<eve@evil.example", "a@b.example, c@d.example", "<>", "x y@z"],
)
async def test_S4_B53_no_address_becomes_a_command(bad):
    async with scripted() as (port, heard):
        with pytest.raises(InvalidRequestError):
            await smtp(port).send(MIME, sender=SENDER, recipients=[ANN, bad])
        with pytest.raises(InvalidRequestError):
            await smtp(port).send(MIME, sender=bad, recipients=[ANN])
    assert heard == []


async def test_a_message_to_nobody_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="recipient"):
        await smtp(1).send(MIME, sender=SENDER, recipients=[])


def test_S15_settings_do_not_show_the_password():
    settings = SmtpServer("mail.contoso.example", 587, "starttls", "kim", PASSWORD)
    assert PASSWORD not in repr(settings)
