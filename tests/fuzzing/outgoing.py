"""Targets among what leaves the product: messages, file names, addresses, URLs."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from urllib.parse import unquote, urlsplit

from fuzzing.target import Target, as_body, as_field, joined, parts

from engagement.domain.file_name import (
    NAME_LIMIT,
    clean_file_name,
    content_disposition,
    extension,
    media_type,
    served_content_type,
    url_name,
)
from engagement.domain.mailbox_address import address_key, check_address, wire_address
from engagement.domain.tracking.destination import check_destination, location
from engagement.domain.webhooks.public_address import is_public
from engagement.domain.webhooks.webhook_url import check_webhook_url
from engagement.errors import InvalidRequestError, UnprocessableError
from engagement.remote.mime import MimeAttachment, build_mime

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
#: Longest line that a mail server has to take, without its end (RFC 5322, section 2.1.1).
LONGEST_LINE = 998
HEADERS = {"Date", "From", "To", "Subject", "X-Extra", "MIME-Version", "Content-Type"}


def mime(data: bytes) -> None:
    """Every reader sees the headers, bodies and files that were given, and no others (B53, S4)."""
    given = parts(data, 10)
    name, address, to, subject, extra, file, kind = map(as_field, given[:7])
    html, text = map(as_body, given[7:9])
    with suppress(InvalidRequestError):
        made = build_mime(
            sender=(name, address),
            to=[(to, "ann@fabrikam.example")],
            cc=[],
            subject=subject,
            html_body=html,
            text_body=text,
            headers={"X-Extra": extra},
            attachments=[MimeAttachment(file, kind, given[9])],
            date=AT,
        )
        _check_lines(made)
        _check_headers(made, (name, address), to, subject)
        message = message_from_bytes(made, _class=EmailMessage, policy=policy.default)
        assert [part.defects for part in message.walk() if part.defects] == []
        plain, marked, attached = [one for one in message.walk() if not one.is_multipart()]
        assert plain.get_payload(decode=True) == text.encode()
        assert marked.get_payload(decode=True) == html.encode()
        assert attached.get_payload(decode=True) == given[9]
        assert attached["Content-Disposition"].params["filename"] == clean_file_name(file)


def _check_lines(made: bytes) -> None:
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", made)
    assert max(map(len, made.split(b"\r\n"))) <= LONGEST_LINE


def _check_headers(made: bytes, sender: tuple[str, str], to: str, subject: str) -> None:
    # The older parser: the newer one of Python 3.11 puts blanks between a name's encoded words.
    message = message_from_bytes(made)
    found = message if message["X-Extra"] is not None else None
    names = HEADERS if found is not None else HEADERS - {"X-Extra"}
    assert sorted(message.keys()) == sorted(names)
    assert _decoded(_unfolded(str(message["Subject"]))) == subject
    if made.isascii():
        wire = wire_address(check_address(sender[1], "sender"))
        assert _mailboxes(message["From"]) == [(sender[0], wire)]
        assert _mailboxes(message["To"]) == [(to, "ann@fabrikam.example")]


def _unfolded(value: str) -> str:
    return re.sub(r"\r\n(?=[ \t])", "", value)


def _decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


def _mailboxes(value: str) -> list[tuple[str, str]]:
    return [(_decoded(shown), address) for shown, address in getaddresses([_unfolded(value)])]


def file_name(data: bytes) -> None:
    """P6: a name is safe to store and to show, and a disposition decodes back to it."""
    name, kind = map(as_field, parts(data, 2))
    cleaned = clean_file_name(name)
    assert cleaned == clean_file_name(cleaned)
    assert 0 < len(cleaned) <= NAME_LIMIT
    assert not re.search(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\u202e:]", cleaned)
    assert extension(cleaned) == extension(name)

    disposition = content_disposition(name)
    assert re.fullmatch(r"[ -~]+", disposition)
    found = re.fullmatch(r"attachment; filename=\"[^\"\\%]*\"; filename\*=UTF-8''(.+)", disposition)
    assert found
    assert unquote(found[1], errors="strict") == cleaned

    shown = url_name(name, 20)
    assert re.fullmatch(r"[A-Za-z0-9._-]{0,20}", shown)
    served = served_content_type(kind)
    assert re.fullmatch(r"[ -~]+", served)
    assert served_content_type(served) == served
    assert re.fullmatch(r"[^/\s;]+/[^/\s;]+", media_type(kind)[0])


def address(data: bytes) -> None:
    """An address that is taken is one on the wire, and is found again by its key."""
    text = as_field(data)
    assert address_key(address_key(text)) == address_key(text)
    with suppress(InvalidRequestError):
        checked = check_address(text, "email")
        assert check_address(checked, "email") == checked
        wire = wire_address(checked)
        assert address_key(wire) == address_key(checked)
        assert not re.search(r"[\s\x00-\x1f<>,;:\"\\()\[\]]", wire)
        assert getaddresses([wire]) == [("", wire)]


def destination(data: bytes) -> None:
    """S3, S4: where a link leads is one line of ASCII, and once written stays as it is."""
    url = as_field(data)
    with suppress(UnprocessableError):
        written = location(check_destination(url, "html_body"))
        assert re.fullmatch(r"https?://[!-~]+", written, re.IGNORECASE)
        assert "\\" not in written
        assert location(written) == written
        parsed = urlsplit(written)
        assert parsed.hostname
        assert parsed.username is None


def webhook_url(data: bytes) -> None:
    """S3: a URL that may be called names a public host, and is written in one way."""
    url = as_field(data)
    for private in (False, True):
        with suppress(UnprocessableError):
            written = check_webhook_url(url, "url", allow_private=private)
            assert re.fullmatch(r"https?://[!-~]+", written)
            assert check_webhook_url(written, "url", allow_private=private) == written
            parsed = urlsplit(written)
            assert parsed.username is None
            host = parsed.hostname or ""
            assert host
            if not private:
                assert (parsed.scheme, parsed.port or 443) == ("https", 443)
                # Either an address of the internet, or a name that no program takes for an address.
                number = re.search(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$|:", host)
                assert is_public(host) if number else "." in host


MAIL = "ann@fabrikam.example"
TARGETS = {
    "mime": Target(
        check=mime,
        seeds=(
            joined(
                "Kim", MAIL, "Ann", "Offer", "x", "a.pdf", "application/pdf", "<p>", "t", "%PDF"
            ),
            joined(
                "Müller, Kim",
                "k@bücher.example",
                '"A"',
                "=?utf-8?q?x?=",
                "é",
                "ü.txt",
                "text/plain",
            ),
        ),
        words=(
            *(
                "\r\n",
                "\r\nBcc: eve@evil.example",
                "=?utf-8?q?",
                "?=",
                '"',
                "\\",
                ",",
                "<",
                ">",
                ";",
            ),
            *(
                "@",
                "ü",
                "日本",
                "  ",
                "\u2028",
                "\0",
                "a" * 100,
                "multipart/mixed",
                "message/rfc822",
            ),
            *("charset=utf-7", "text/html; charset=", "filename*=", "%0d%0a", "From x\n", ".\n"),
        ),
    ),
    "file_name": Target(
        check=file_name,
        seeds=(
            joined("Angebot für 5 €.pdf", "text/plain; charset=utf-8"),
            joined("a.exe::$DATA", "image/svg+xml"),
            joined("../..\\con.txt", "multipart/mixed; boundary=x"),
        ),
        words=(
            *("\u202e", "/", "\\", "..", ":", "::$DATA", ".exe", ". ", "con", "COM¹", "\r\n", '"'),
            *("%", "'", ";", "UTF-8''", "\u0301", "e\u0301", "a" * 200, "charset=", "+xml", "; "),
        ),
    ),
    "address": Target(
        check=address,
        seeds=(
            MAIL.encode(),
            "jürgen@bücher.example".encode(),
            b'"a b"@x.example',
            b"a@[127.0.0.1]",
        ),
        words=(
            "@",
            ".",
            "..",
            "ß",
            "ü",
            "xn--",
            "\u200d",
            "\u3002",
            "<",
            ">",
            ",",
            " ",
            "\r\n",
            "İ",
        ),
    ),
    "destination": Target(
        check=destination,
        seeds=(
            b"https://x.example/a?b=c#d",
            "http://bücher.example:8080/ü".encode(),
            b"https://[::1]/",
        ),
        words=(
            *("https://", "@", ":", "[", "]", "\\", "%00", "\r\n", "\t", "ß", "\uff0e", "xn--"),
            *("127.0.0.1", "\u202e", "#", "?", "/"),
        ),
    ),
    "webhook_url": Target(
        check=webhook_url,
        seeds=(
            b"https://hooks.fabrikam.example/in?a=1",
            b"https://8.8.8.8/",
            b"https://[2606:4700::1]:443",
        ),
        words=(
            *(
                "https://",
                "http://",
                "@",
                ":443",
                "[::ffff:127.0.0.1]",
                "127.1",
                "0x7f.1",
                "localhost",
            ),
            *(".local", ".internal", "#", "?", "%", "\\", "\uff0e", "xn--", "169.254.169.254", "."),
        ),
    ),
}
