"""Hands messages to a mail server over SMTP (RFC 5321), one connection per message.

What matters most is whether a message that was not confirmed may have been sent. So the DATA
command is driven step by step here: aiosmtplib's own reports a connection lost before the content
and one lost after it by the same error.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engagement.config import SmtpServer
from engagement.domain.mailbox_address import check_address, wire_address
from engagement.errors import RemoteError

if TYPE_CHECKING:
    import aiosmtplib

#: float, bytes per second of the slowest line that is waited for while the content travels
SLOWEST_LINE = 64_000.0

#: float, seconds after which a server that could not take a message may be asked again; greylisting
#: servers want a minute or more (RFC 6647 section 5)
LATER = 60.0

_QUIT_TIMEOUT = 2.0  # seconds; the message is safe by then, so nobody waits for the goodbye
_IN_DOUBT = "The mail server did not say whether it took the message."
_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|\Z)")  # RFC 3463


class Smtp:
    """A mail server. *timeout* is the seconds to wait for each of its answers."""

    def __init__(self, server: SmtpServer, *, timeout: float = 30.0) -> None:
        self._server = server
        self._timeout = timeout

    async def send(self, mime: bytes, *, sender: str, recipients: Sequence[str]) -> dict[str, str]:
        """Hand one message over; return the recipients that were refused, with the answer to each.

        At least one recipient was accepted then. Raises RemoteError if none was, or if the server
        did not take the message; the error is ``ambiguous`` if the server had the content and did
        not say what became of it, and has ``retry_after`` if the server could not be talked to or
        put it off (4xx). It names neither addresses nor credentials. A task cancelled in here
        leaves the same doubt. Raises InvalidRequestError for an address that is none, and
        ValueError if there is no recipient.
        """
        import aiosmtplib  # 0.1 s that no other function of the app needs

        if not recipients:
            raise ValueError("A message needs a recipient.")
        check_address(sender, "sender")
        for recipient in recipients:
            check_address(recipient, "recipients")
        transfer = _Transfer(self._client(), self._timeout)
        try:
            refused = await transfer.run(mime, sender, list(dict.fromkeys(recipients)))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # Without its cause: a server's answers quote addresses and user names.
            raise RemoteError(
                _detail(error, transfer),
                ambiguous=transfer.in_doubt,
                retry_after=None if transfer.in_doubt else _retry_after(error),
            ) from None
        else:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await transfer.client.quit(timeout=min(self._timeout, _QUIT_TIMEOUT))
            return refused
        finally:
            transfer.client.close()

    async def check(self) -> None:
        """Connect, with TLS as set, sign in if there is a user, and say goodbye.

        Raises RemoteError, as :meth:`send`.
        """
        import aiosmtplib

        transfer = _Transfer(self._client(), self._timeout)
        try:
            await transfer.client.connect()
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await transfer.client.quit(timeout=min(self._timeout, _QUIT_TIMEOUT))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise RemoteError(_detail(error, transfer)) from None
        finally:
            transfer.client.close()

    def _client(self) -> aiosmtplib.SMTP:
        import aiosmtplib

        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=self._server.password,
            use_tls=self._server.security == "tls",
            start_tls=self._server.security == "starttls",
            local_hostname=_greeting_name(),
            timeout=self._timeout,
        )


class _Transfer:
    """One message on its way through one connection."""

    def __init__(self, client: aiosmtplib.SMTP, timeout: float) -> None:
        self.client = client
        self.timeout = timeout
        #: bool, the server has been sent content and has not said what it did with it
        self.in_doubt = False

    async def run(self, mime: bytes, sender: str, recipients: Sequence[str]) -> dict[str, str]:
        await self.client.connect()
        await self._greet()
        refused = await self._send_envelope(mime, sender, recipients)
        await self._send_content(mime)
        return refused

    async def _greet(self) -> None:
        import aiosmtplib

        if self.client.is_ehlo_or_helo_needed:
            try:
                await self.client.ehlo()
            except aiosmtplib.SMTPHeloError:
                await self.client.helo()

    async def _send_envelope(
        self, mime: bytes, sender: str, recipients: Sequence[str]
    ) -> dict[str, str]:
        import aiosmtplib

        envelope = [wire_address(address) for address in (sender, *recipients)]
        options = _mail_options(self.client, mime, envelope)
        encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
        await self.client.mail(envelope[0], options=options, encoding=encoding)
        errors: dict[str, aiosmtplib.SMTPRecipientRefused] = {}
        for recipient, address in zip(recipients, envelope[1:], strict=True):
            try:
                await self.client.rcpt(address, encoding=encoding)
            except aiosmtplib.SMTPRecipientRefused as error:
                errors[recipient] = error
        if len(errors) == len(recipients):
            # One who is put off may be reached later, whatever was said of the others.
            answer = min(errors.values(), key=lambda error: error.code // 100 != 4)
            raise _refusal("every recipient", answer)
        return {recipient: _one_line(error) for recipient, error in errors.items()}

    async def _send_content(self, mime: bytes) -> None:
        answer = await self.client.execute_command(b"DATA")
        protocol = self.client.protocol
        if answer.code != 354 or protocol is None:
            raise _refusal("the message", answer)
        content = _on_the_wire(mime)
        protocol.write(content)
        self.in_doubt = True
        answer = await protocol.read_response(timeout=self.timeout + len(content) / SLOWEST_LINE)
        kind = answer.code // 100
        self.in_doubt = kind not in {2, 4, 5}  # any other is no answer to the question
        if self.in_doubt:
            raise RemoteError(_IN_DOUBT, ambiguous=True)
        if kind != 2:
            raise _refusal("the message", answer)


def _mail_options(client: aiosmtplib.SMTP, mime: bytes, envelope: Sequence[str]) -> list[str]:
    """Return the parameters of MAIL FROM; raise RemoteError for what the server lacks."""
    head = mime.partition(b"\r\n\r\n")[0]
    needs_utf8 = not (head.isascii() and "".join(envelope).isascii())
    wanted = {"SMTPUTF8": needs_utf8, "8BITMIME": not mime.isascii()}
    for extension, needed in wanted.items():
        if needed and not client.supports_extension(extension):
            raise RemoteError(f"The mail server lacks what the message needs ({extension}).")
    options = ["SMTPUTF8"] if needs_utf8 else []
    options += ["BODY=8BITMIME"] if wanted["8BITMIME"] else []
    # RFC 1870: a message that is too long is refused before it travels.
    return options + ([f"SIZE={len(mime)}"] if client.supports_extension("SIZE") else [])


def _on_the_wire(mime: bytes) -> bytes:
    """Return the content with CRLF, doubled dots and its end (RFC 5321 sections 2.3.8, 4.5.2)."""
    # A bare CR or LF would let servers disagree on where the message ends (CVE-2023-51764).
    # Plain replacing takes a sixth of the time of a regular expression, and it blocks the loop.
    lines = mime.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    content = (lines if lines.endswith(b"\n") else lines + b"\n").replace(b"\n", b"\r\n")
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def _greeting_name() -> str:
    # As smtplib does, but without its look-up in the DNS, which may take longer than the sending.
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"


def _one_line(error: aiosmtplib.SMTPResponseException) -> str:
    printable = "".join(c if c.isprintable() else " " for c in error.message)
    return f"{error.code} {' '.join(printable.split())}"[:500].strip()


def _code(answer: aiosmtplib.SMTPResponse | aiosmtplib.SMTPResponseException) -> str:
    if answer.code < 0:
        return "an answer that is not SMTP"
    enhanced = _ENHANCED_CODE.match(answer.message)
    return f"{answer.code} {enhanced[0]}" if enhanced else f"{answer.code}"


def _refusal(
    what: str, answer: aiosmtplib.SMTPResponse | aiosmtplib.SMTPResponseException
) -> RemoteError:
    retry_after = LATER if answer.code // 100 == 4 else None
    detail = f"The mail server refused {what} ({_code(answer)})."
    return RemoteError(detail, retry_after=retry_after)


def _retry_after(error: Exception) -> float | None:
    import aiosmtplib

    if isinstance(error, aiosmtplib.SMTPResponseException):
        return LATER if error.code // 100 == 4 else None
    # No connection, a lost one, no answer in time; the rest is wrong settings.
    return LATER if isinstance(error, OSError) or _is_tls(error) else None


def _is_tls(error: Exception) -> bool:
    return isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)


def _detail(error: Exception, transfer: _Transfer) -> str:
    import aiosmtplib

    if transfer.in_doubt:
        return _IN_DOUBT
    if _is_tls(error):
        return "The TLS connection to the mail server failed."
    sentences: list[tuple[type[Exception], str]] = [
        (aiosmtplib.SMTPAuthenticationError, "The mail server did not accept the credentials"),
        (aiosmtplib.SMTPSenderRefused, "The mail server refused the sender"),
        (aiosmtplib.SMTPResponseException, "The mail server refused to go on"),
        (TimeoutError, "The mail server did not answer in time"),
        (aiosmtplib.SMTPConnectError, "The mail server could not be reached"),
        (OSError, "The mail server closed the connection"),
        (Exception, "The mail server does not offer STARTTLS or a known way to sign in"),
    ]
    sentence = next(text for kind, text in sentences if isinstance(error, kind))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{sentence} ({_code(error)})."
    return f"{sentence}."
