"""A message as the bytes that a mail server is given (RFC 5322, RFC 2045, RFC 2231).

The bytes are ASCII in lines of CRLF, so a server needs neither 8BITMIME nor SMTPUTF8. The one
exception is an address whose local part is not ASCII: that has no ASCII form (RFC 6532).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy
from typing import Self
from urllib.parse import quote

from engagement.domain.file_name import OPAQUE, clean_file_name, media_type
from engagement.domain.mailbox_address import check_address, check_display_text, wire_address
from engagement.errors import InvalidRequestError

#: int, characters of a subject, a display name or another header's value
HEADER_LIMIT = 2_000

_LINE = 78  # characters that a line should have at most (RFC 5322 section 2.1.1)
_LONGEST_WORD = 900  # below the 998 of RFC 5322, beyond which servers cut a line or refuse it
_LONGEST_NAME = 60  # a longer display name is encoded, because a quoted one cannot be folded
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
# What build_mime writes itself, and what would tell recipients about others.
_RESERVED = re.compile(
    r"from|to|cc|bcc|resent-.*|subject|date|mime-version|content-.*", re.IGNORECASE
)

Mailbox = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class MimeAttachment:
    """A file that travels inside the message, byte for byte."""

    #: str, as the sender named it; cleaned when the message is built
    name: str
    #: str, its Content-Type; what cannot be parsed or taken apart travels as an octet stream
    content_type: str
    content: bytes


def build_mime(  # noqa: PLR0913 - a message has this many parts
    *,
    sender: Mailbox,
    to: Sequence[Mailbox],
    cc: Sequence[Mailbox],
    bcc: Sequence[Mailbox] = (),
    subject: str,
    html_body: str | None,
    text_body: str | None,
    headers: Mapping[str, str],
    attachments: Sequence[MimeAttachment],
    date: datetime,
) -> bytes:
    """Return the message; bodies and attachments arrive byte for byte as given.

    A mailbox is ``(display name or None, address)``. *headers* are further ones, such as
    Message-ID. *bcc* is for what takes the recipients from the message and then removes that
    header, as Microsoft Graph does; for a mail server they belong into the envelope only.

    Raises InvalidRequestError for an address, a text or a header that could not be sent safely, and
    ValueError for a naive *date*.
    """
    if date.utcoffset() is None:
        raise ValueError("The date of a message must be aware.")
    everyone = [sender, *to, *cc, *bcc]
    ascii_only = all(wire_address(address).isascii() for _, address in everyone)
    message = EmailMessage(policy=SMTP if ascii_only else SMTPUTF8)
    message["Date"] = date
    _set(message, "From", _mailbox(sender, "sender"))
    # The empty group of RFC 5322 section 3.4: only blind-copy recipients get this message.
    nobody = [] if cc or bcc else ["undisclosed-recipients:;"]
    _set(message, "To", _mailboxes(to, "to") if to else nobody)
    _set(message, "Cc", _mailboxes(cc, "cc"))
    _set(message, "Bcc", _mailboxes(bcc, "bcc"))
    _set(message, "Subject", _text(check_display_text(subject, "subject", HEADER_LIMIT)))
    for name, value in headers.items():
        _set_extra(message, name, value)
    _add_bodies(message, html_body, text_body)
    for attachment in attachments:
        _add_attachment(message, attachment)
    return message.as_bytes()


class _FoldedHeader(str):
    """A header whose value is made of parts that stay whole.

    The email package's own folding breaks what we send: it turns a URL or a Message-ID that is
    longer than a line into encoded words, and can encode the comma between two addresses
    (CVE-2025-1795). Its policies leave a value with a name and a fold method alone.
    """

    __slots__ = ("name", "parts")
    defects = ()
    name: str
    parts: tuple[str, ...]

    def __new__(cls, name: str, parts: Iterable[str]) -> Self:
        words = tuple(parts)
        self = super().__new__(cls, " ".join(words))
        self.name, self.parts = name, words
        return self

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines; they break between parts only."""
        lines = [self.name + ":"]
        for part in self.parts:
            if len(lines[-1]) + 1 + len(part) > _LINE and not lines[-1].endswith(":"):
                lines.append("")
            lines[-1] += " " + part
        return policy.linesep.join(lines) + policy.linesep


def _set(message: EmailMessage, name: str, parts: Sequence[str]) -> None:
    if parts:
        message[name] = _FoldedHeader(name, parts)


def _set_extra(message: EmailMessage, name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or _RESERVED.fullmatch(name) or name in message:
        raise InvalidRequestError("A header of this name cannot be set.", "headers")
    check_display_text(value, "headers", HEADER_LIMIT)
    if not value.isascii():
        _set(message, name, _encoded_words(value))
        return
    words = value.split()
    if max(map(len, words), default=0) > _LONGEST_WORD:
        raise InvalidRequestError("A header has a word that no line has room for.", "headers")
    _set(message, name, words)


def _mailboxes(mailboxes: Iterable[Mailbox], field: str) -> list[str]:
    parts: list[str] = []
    for mailbox in mailboxes:
        if parts:
            parts[-1] += ","
        parts += _mailbox(mailbox, field)
    return parts


def _mailbox(mailbox: Mailbox, field: str) -> list[str]:
    name, address = mailbox
    bare = wire_address(check_address(address, field))
    if not name:
        return [bare]
    check_display_text(name, field, HEADER_LIMIT)
    if not _is_plain(name) or len(name) > _LONGEST_NAME:
        return [*_encoded_words(name), "<" + bare + ">"]
    if not re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+", name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return [name + " <" + bare + ">"]


def _text(text: str) -> list[str]:
    words = text.split(" ")
    return words if _is_plain(text) and max(map(len, words)) < _LINE else _encoded_words(text)


def _is_plain(text: str) -> bool:
    # Readers take =?…?= for an encoded word, and folding may change the number of blanks.
    return text.isascii() and "=?" not in text and text == " ".join(text.split())


def _encoded_words(text: str) -> list[str]:
    """Return *text* by RFC 2047; readers drop the blanks between the words."""
    return Header(text, "utf-8", maxlinelen=75).encode(splitchars="", linesep="\n").split()


def _add_bodies(message: EmailMessage, html_body: str | None, text_body: str | None) -> None:
    bodies = [("plain", text_body), ("html", html_body)]
    given = [(subtype, body) for subtype, body in bodies if body is not None]
    for position, (subtype, body) in enumerate(given or [("plain", "")]):
        try:
            content = body.encode()
        except UnicodeEncodeError:
            raise InvalidRequestError("The body has half a surrogate pair.", "body") from None
        # Bytes, because the email package would rewrite the line ends of a str.
        add = message.add_alternative if position else message.set_content
        add(content, maintype="text", subtype=subtype, cte="base64", params={"charset": "utf-8"})


def _add_attachment(message: EmailMessage, attachment: MimeAttachment) -> None:
    whole, charset = media_type(attachment.content_type)
    if whole.startswith(("multipart/", "message/")):
        whole = OPAQUE  # RFC 2045 section 6.4 forbids base64 for these
    maintype, subtype = whole.split("/")
    message.add_attachment(
        attachment.content,
        maintype=maintype,
        subtype=subtype,
        cte="base64",
        params={"charset": charset} if charset else None,
        headers=[_FoldedHeader("Content-Disposition", _file_name(attachment.name))],
    )


def _file_name(name: str) -> list[str]:
    """Return a disposition with the cleaned name: quoted if it is plain, else by RFC 2231."""
    cleaned = clean_file_name(name)
    if re.fullmatch(r"[A-Za-z0-9 ._()-]{1,60}", cleaned):
        return ["attachment;", 'filename="' + cleaned + '"']
    chunks = re.findall(r"(?:%..|[^%]){1,20}", quote(cleaned, safe=""))
    sections = [f"filename*{number}*=" for number in range(len(chunks))]
    sections[0] += "UTF-8''"
    whole = [section + chunk + ";" for section, chunk in zip(sections, chunks, strict=True)]
    return ["attachment;", *whole[:-1], whole[-1].rstrip(";")]
