import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.file_name import clean_file_name, media_type
from engagement.domain.mailbox_address import check_display_text
from engagement.errors import InvalidRequestError
from engagement.remote.mime import MimeAttachment, build_mime

DATE = datetime(2024, 5, 17, 9, 30, 5, tzinfo=UTC)
MESSAGE_ID = "<" + "m" * 90 + "@mail.contoso.example>"


def is_shown(text):
    try:
        return check_display_text(text, "subject", 300)
    except InvalidRequestError:
        return False


TEXTS = st.one_of(
    st.text(max_size=200),
    st.text('aü ,"\\<>@:;()=?_\t日', max_size=120),
    st.sampled_from(
        ["=?utf-8?q?x?=", "a" * 300, "Müller, Ann", "  two  blanks  ", "日本" * 90, " "]
    ),
).filter(is_shown)
NAMES = st.one_of(st.none(), TEXTS)
ADDRESSES = st.sampled_from(
    ["ann@fabrikam.example", "a" * 64 + "@" + "b" * 60 + ".example", "x+y@bücher.example"]
)
MAILBOXES = st.lists(st.tuples(NAMES, ADDRESSES), max_size=4)
BODIES = st.one_of(
    st.none(),
    st.text(max_size=300),
    st.text("a\r\n. \u2028\0ü", max_size=40),
    st.just("From x\n.\n"),
)
ATTACHMENTS = st.lists(
    st.builds(
        MimeAttachment,
        name=TEXTS,
        content_type=st.sampled_from(
            ["application/pdf", "text/plain; charset=iso-2022-jp", "TEXT/HTML", "", "no type"]
        ),
        content=st.binary(max_size=300),
    ),
    max_size=3,
)


def build(**changes):
    given_parts = {
        "sender": ("Kim Seller", "seller@contoso.example"),
        "to": [("Ann", "ann@fabrikam.example")],
        "cc": [],
        "subject": "Contract",
        "html_body": "<p>Hello</p>",
        "text_body": "Hello",
        "headers": {"Message-ID": MESSAGE_ID},
        "attachments": [],
        "date": DATE,
    }
    return build_mime(**given_parts | changes)


def parse(mime):
    return message_from_bytes(mime, policy=policy.default)


def decode(text):
    return str(make_header(decode_header(text)))


def read(mime, name):
    # The older parser: the newer one of Python 3.11 puts blanks between a name's encoded words.
    unfolded = re.sub(r"\r\n(?=[ \t])", "", message_from_bytes(mime)[name])
    return [(decode(shown), address) for shown, address in getaddresses([unfolded])]


def as_read(mailboxes):
    return [(name or "", mail.replace("bücher", "xn--bcher-kva")) for name, mail in mailboxes]


def file_name(part):
    return part["Content-Disposition"].params["filename"]  # get_filename would unquote it again


def body_bytes(message):
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        part.get_content_type(): part.get_payload(decode=True)
        for part in parts
        if part.get_content_disposition() is None
    }


def shape(part):
    inner = [shape(one) for one in part.iter_parts()] if part.is_multipart() else None
    return (part.get_content_type(), inner) if inner else part.get_content_type()


@given(sender=st.tuples(NAMES, ADDRESSES), to=MAILBOXES, cc=MAILBOXES, subject=TEXTS)
def test_B53_B54_S4_every_header_arrives_as_given(sender, to, cc, subject):
    mime = build(sender=sender, to=to, cc=cc, subject=subject)
    message = message_from_bytes(mime)
    assert read(mime, "From") == as_read([sender])
    if to:
        assert read(mime, "To") == as_read(to)
    if cc:
        assert read(mime, "Cc") == as_read(cc)
    assert decode(re.sub(r"\r\n(?= )", "", message["Subject"])) == subject
    assert message["Message-ID"] == MESSAGE_ID
    names = {"Date", "From", "Subject", "Message-ID", "MIME-Version", "Content-Type"}
    names |= ({"To"} if to or not cc else set()) | ({"Cc"} if cc else set())
    assert sorted(message.keys()) == sorted(names)


@given(html_body=BODIES, text_body=BODIES, attachments=ATTACHMENTS)
def test_B57_P6_every_byte_of_bodies_and_attachments_arrives(html_body, text_body, attachments):
    message = parse(build(html_body=html_body, text_body=text_body, attachments=attachments))
    given_bodies = {"text/plain": text_body, "text/html": html_body}
    wanted = {kind: body.encode() for kind, body in given_bodies.items() if body is not None}
    assert body_bytes(message) == (wanted or {"text/plain": b""})
    received = list(message.iter_attachments()) if attachments else []
    assert [(file_name(part), part.get_payload(decode=True)) for part in received] == [
        (clean_file_name(one.name), one.content) for one in attachments
    ]
    assert [part.get_content_type() for part in received] == [
        media_type(one.content_type)[0] for one in attachments
    ]


@given(to=MAILBOXES, subject=TEXTS, html_body=BODIES, attachments=ATTACHMENTS)
def test_F15_a_message_is_ascii_in_short_lines_of_crlf(to, subject, html_body, attachments):
    mime = build(to=to, subject=subject, html_body=html_body, attachments=attachments)
    assert mime.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", mime)
    assert max(map(len, mime.split(b"\r\n"))) <= 400


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"html_body": None}, "text/plain"),
        ({"text_body": None}, "text/html"),
        ({}, ("multipart/alternative", ["text/plain", "text/html"])),
        (
            {"attachments": [MimeAttachment("a.pdf", "application/pdf", b"%PDF")]},
            (
                "multipart/mixed",
                [("multipart/alternative", ["text/plain", "text/html"]), "application/pdf"],
            ),
        ),
        (
            {
                "text_body": None,
                "attachments": [MimeAttachment("a.eml", "message/rfc822", b"Subject: x\n\n")],
            },
            ("multipart/mixed", ["text/html", "application/octet-stream"]),
        ),
    ],
)
def test_a_message_has_no_more_parts_than_it_needs(parts, expected):
    assert shape(parse(build(**parts))) == expected


def test_B57_the_declared_charset_is_the_one_of_the_bytes_whatever_the_page_says():
    page = '<meta charset="windows-1252"><p>für 5 €\r\nund\nweiter\r</p>'
    message = parse(build(html_body=page, text_body=None))
    assert message.get_payload(decode=True) == page.encode()
    assert message.get_content_charset() == "utf-8"
    assert message["Content-Transfer-Encoding"] == "base64"


def test_the_date_is_the_given_moment():
    there = DATE.astimezone(timezone(timedelta(hours=2)))
    assert b"\r\nDate: Fri, 17 May 2024 11:30:05 +0200\r\n" in b"\r\n" + build(date=there)
    with pytest.raises(ValueError, match="aware"):
        build(date=DATE.replace(tzinfo=None))


def test_a_long_token_in_a_header_stays_in_one_piece():
    url = "<https://track.contoso.example/p/" + "A" * 120 + ">"
    headers = {"References": f"{MESSAGE_ID} {MESSAGE_ID}", "List-Unsubscribe": url, "X-Empty": ""}
    mime = build(headers=headers)
    assert f"\r\nReferences: {MESSAGE_ID}\r\n {MESSAGE_ID}\r\n".encode() in mime
    assert f"\r\nList-Unsubscribe: {url}\r\n".encode() in mime
    assert parse(mime)["List-Unsubscribe"] == url


def test_a_header_that_is_not_ascii_is_encoded():
    assert parse(build(headers={"X-Campaign": "Frühling " * 20}))["X-Campaign"] == "Frühling " * 20


def test_an_address_in_another_script_is_sent_as_it_is_and_its_domain_as_punycode():
    mime = build(to=[("Jürgen", "jürgen@bücher.example")])
    assert "<jürgen@xn--bcher-kva.example>".encode() in mime
    assert b"xn--bcher-kva.example" in build(to=[(None, "ann@bücher.example")])


def test_blind_copy_recipients_are_named_for_what_reads_them_from_the_message_only():
    bcc = [("Müller, Ann", "ann@bücher.example"), (None, "ben@fabrikam.example")]
    assert read(build(bcc=bcc), "Bcc") == as_read(bcc)
    assert b"\r\nTo:" not in build(to=[], bcc=bcc)
    assert b"\r\nTo: Ann" in build(bcc=bcc)


def test_a_message_for_blind_copy_recipients_only_says_so_and_names_none():
    mime = build(to=[])
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in mime
    assert b"bcc" not in mime.lower()


@pytest.mark.parametrize("bad", ["x\r\nBcc: eve@evil.example", "x\ny", "x\r", "x\0y", "x\ud800"])
@pytest.mark.parametrize(
    "place",
    [
        lambda bad: {"subject": bad},
        lambda bad: {"sender": (bad, "seller@contoso.example")},
        lambda bad: {"to": [(bad, "ann@fabrikam.example")]},
        lambda bad: {"cc": [(bad, "ann@fabrikam.example")]},
        lambda bad: {"bcc": [(bad, "ann@fabrikam.example")]},
        lambda bad: {"to": [(None, bad + "@fabrikam.example")]},
        lambda bad: {"sender": (None, "ann@" + bad)},
        lambda bad: {"headers": {"X-Campaign": bad}},
        lambda bad: {"headers": {bad: "x"}},
    ],
)
def test_S4_B53_B54_no_value_starts_another_header(place, bad):
    with pytest.raises(InvalidRequestError):
        build(**place(bad))


@pytest.mark.parametrize(
    "headers",
    [
        {"Bcc": "eve@evil.example"},
        {"resent-bcc": "eve@evil.example"},
        {"SUBJECT": "x"},
        {"From": "eve@evil.example"},
        {"Content-Type": "text/html"},
        {"X-A": "1", "x-a": "2"},
        {"X A": "1"},
        {"X-A:": "1"},
        {"": "1"},
        {"X-Ä": "1"},
        {"X-A": "a" * 901},
        {"X-A": "a " * 1_500},
    ],
)
def test_S4_a_header_that_is_not_for_the_caller_is_refused(headers):
    with pytest.raises(InvalidRequestError):
        build(headers=headers)


@pytest.mark.parametrize("body", ["html_body", "text_body"])
def test_B51_half_a_surrogate_pair_in_a_body_is_refused(body):
    with pytest.raises(InvalidRequestError):
        build(**{body: "x\ud800"})


@pytest.mark.parametrize(
    "name", ["a\r\nBcc: eve@evil.example.pdf", 'x"; y="\\.pdf', "x\0\ud800.pdf"]
)
def test_S4_B47_S7_no_file_name_breaks_out_of_its_header(name):
    mime = build(attachments=[MimeAttachment(name, "application/pdf", b"%PDF")])
    (part,) = parse(mime).iter_attachments()
    assert file_name(part) == clean_file_name(name)
    assert b"\r\nbcc" not in mime.lower()
