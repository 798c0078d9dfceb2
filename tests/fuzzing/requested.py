"""Targets among what comes with requests: tokens, headers, queries, JSON."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

from fuzzing.target import Target, as_field, as_header, joined, parts

from engagement.domain.alerts.alert_settings import AlertSettings, patched_alerts
from engagement.domain.byte_range import read_range
from engagement.domain.continuation import continuation_of, position_of
from engagement.domain.delivery.delivery_wish import read_wish
from engagement.domain.json_text import parse_json
from engagement.domain.messages.draft import read_draft
from engagement.domain.messages.reply import read_reply
from engagement.domain.organizations.organization import Settings
from engagement.domain.organizations.settings_patch import patched, settings_json
from engagement.domain.precondition import Precondition
from engagement.domain.reports.period import read_period
from engagement.domain.reports.selection import read_related, read_selection
from engagement.domain.templates.template import read_template
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.domain.tracking.tracking_token import (
    PAYLOAD,
    Kind,
    TokenSigner,
    TrackingToken,
    trim,
)
from engagement.domain.verdicts.client_address import TrustedProxies
from engagement.domain.verdicts.evidence import LONGEST_USER_AGENT
from engagement.domain.verdicts.observer import LONGEST_METHOD, Hit, Observer
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import InvalidRequestError, InvalidTokenError, RangeNotSatisfiableError
from engagement.functions import web
from engagement.wiring.foundation import shipped_rules

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
RULES = shipped_rules()
SIGNER = TokenSigner({1: b"k" * 32, 2: b"l" * 32})
URLS = TrackedUrls("https://links.contoso.example", SIGNER)
FRONT_DOOR = "0f8fad5b-d9cb-469f-a165-70867728950e"
KINDS = list(Kind)


def made_up_token(data: bytes) -> None:
    """P1, S1: a text that nobody signed is no token, whatever was put around it."""
    text = data.decode("latin-1")
    for kind in KINDS:
        with suppress(InvalidTokenError):
            token = SIGNER.verify(trim(text), kind)
            assert SIGNER.sign(token) == trim(text)
    read = URLS.read_link(text)
    assert read is None or URLS.url(read) in text


def signed_token(data: bytes) -> None:
    """P1, S1: what was signed comes back, and nothing that differs from it in one bit."""
    said, chosen = data.ljust(PAYLOAD.size + 4, b"\0")[: PAYLOAD.size], data[PAYLOAD.size :]
    _, number, organization, message, recipient, target, seconds = PAYLOAD.unpack(said)
    kind = KINDS[number % 3]
    at = datetime.fromtimestamp(seconds, UTC)
    token = TrackingToken(kind, organization.hex(), message.hex(), at, recipient, target)
    text = SIGNER.sign(token)
    assert SIGNER.verify(text, kind) == token
    assert URLS.read_link(URLS.url(token._replace(kind=Kind.CLICK), "a b.pdf")[:500]) is None
    assert URLS.read_link(URLS.url(token._replace(kind=Kind.CLICK)))

    place = int.from_bytes(chosen[:2], "big") % (len(text) * 6)
    letter, bit = divmod(place, 6)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = alphabet[alphabet.index(text[letter]) ^ 1 << bit]
    others = [text[:letter] + changed + text[letter + 1 :], text[:letter], text[letter:] + text]
    for other in (*others, text + "A", text + "=", text.swapcase()):
        assert _refused(other, kind), other
    assert all(_refused(text, another) for another in KINDS if another is not kind)
    assert _refused(text, kind, TokenSigner({1: b"m" * 32, 2: b"n" * 32}))


def _refused(text: str, kind: Kind, signer: TokenSigner = SIGNER) -> bool:
    try:
        signer.verify(text, kind)
    except InvalidTokenError:
        return True
    return False


def hit(data: bytes) -> None:
    """P5, B21, B22: headers of any bytes are judged, and what announces itself is no person."""
    given = parts(data, 5)
    method, user_agent, forwarded, purpose, socket = map(as_header, given)
    token = TrackingToken(KINDS[len(method) % 3], "a" * 16, "b" * 24, AT, 1, 1)
    headers = {
        "user-agent": user_agent,
        "x-forwarded-for": forwarded,
        "sec-purpose": purpose,
        "x-azure-fdid": FRONT_DOOR,
        "x-azure-socketip": socket,
    }
    proxies = TrustedProxies(len(socket) % 4, FRONT_DOOR if purpose else None)
    observer = Observer(SIGNER)
    for said in (headers, {**headers, "sec-purpose": "prefetch"}):
        address = proxies.client_address(said)
        sight = observer.observe(token, Hit(method, said, AT, "0" * 12), address, RULES)
        evidence = sight.evidence
        assert len(evidence.method) <= LONGEST_METHOD
        kept = evidence.user_agent
        assert kept is None or (kept.isprintable() and 0 < len(kept) <= LONGEST_USER_AGENT)
        assert evidence.address is None or re.search(r"\.0|::", evidence.address)
        if evidence.announced or evidence.method != "GET":
            assert sight.judgement.verdict is Verdict.AUTOMATED


def byte_range(data: bytes) -> None:
    """B44: the part that is served lies in the file."""
    header, size = as_header(data), len(data) * 7
    for there in (0, 1, size):
        with suppress(RangeNotSatisfiableError):
            part = read_range(header, there)
            assert part is None or 0 <= part.first <= part.last < there


def query(data: bytes) -> None:
    """Parameters of any text are read, or refused by name."""
    text = as_field(data)
    values = dict(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))
    with suppress(InvalidRequestError):
        selection = read_selection(values)
        first, last = selection.within_a_period(AT).keys()
        assert first <= last
        assert "\0" not in selection.subject
    with suppress(InvalidRequestError):
        period = read_period(values, date(2026, 11, 22))
        assert period.first <= period.last
    for read in (
        lambda: read_related(values.get("related", "")),
        lambda: web.page_size(values),
        lambda: web.flag(values, "followed", default=True),
        lambda: web.continuation(values, re.compile(r"[0-9a-f]{1,40}")),
    ):
        with suppress(InvalidRequestError):
            read()


def precondition(data: bytes) -> None:
    """If-Match of any bytes is read, or refused."""
    for header in (as_header(data), as_field(data)):
        with suppress(InvalidRequestError):
            tags = Precondition(header).tags
            assert tags is None or all(tag in header for tag in tags)


def continuation(data: bytes) -> None:
    """B80: a page goes on only where a page of the same list ended."""
    text, scope = map(as_field, parts(data, 2))
    with suppress(InvalidRequestError):
        position_of(text, scope)
    with suppress(UnicodeEncodeError):
        made = continuation_of([text], scope)
        if len(made) < 4_000:
            assert position_of(made, scope) == [text]
            assert _fails(made, scope + "x")


def _fails(made: str, scope: str) -> bool:
    try:
        position_of(made, scope)
    except InvalidRequestError:
        return True
    return False


def json_body(data: bytes) -> None:
    """B51, B60: a body of any bytes is read, or refused; settings that were taken stay so."""
    with suppress(InvalidRequestError):
        value = parse_json(data)
        for read in (
            lambda: read_draft(value),
            lambda: read_reply(value, AT),
            lambda: read_wish(value, AT),
            lambda: read_template("t-1", value, AT),
            lambda: patched_alerts(AlertSettings(), value),
        ):
            with suppress(InvalidRequestError):
                read()
        settings = patched(Settings(), value, RULES)
        assert patched(settings, settings_json(settings, RULES), RULES) == settings


DRAFT = (
    b'{"subject":"Offer","html_body":"<p>","sender":{"user_id":"u-1","email":"a@x.example",'
    b'"name":"Kim"},"recipients":[{"email":"b@x.example","role":"cc"}],"send_at":'
    b'"2026-11-23T08:00:00Z","reminder":{"condition":"not_opened","remind_by":"2026-11-24T08:00Z"}}'
)
SETTINGS = (
    b'{"follow":{"enabled":false},"attachments":{"upload_limit_bytes":5,"blocked_extensions":["exe"]}'
    b',"verdicts":{"burst_links":3,"client_address":"none","rules":{"ours":{"ranges":["192.0.2.0/24"]'
    b',"certainty":"certain"}}},"alerts":{"opens":false,"quiet_hours":{"from":"20:00","to":"07:00",'
    b'"time_zone":"Europe/Berlin"}},"sign_in":{"everyone":true}}'
)
TOKEN = SIGNER.sign(TrackingToken(Kind.CLICK, "a" * 16, "b" * 24, AT, 1, 1))
AGENT = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"

TARGETS = {
    "made_up_token": Target(
        check=made_up_token,
        seeds=(TOKEN.encode(), f"https://links.contoso.example/c/{TOKEN}.".encode(), b"A" * 60),
        words=("https://links.contoso.example/c/", "=3D", ".", ")", "\n", "=", "-", "_", ".gif"),
    ),
    "signed_token": Target(check=signed_token, seeds=(b"\2\1" + b"x" * 40,), words=("\0", "\x7f")),
    "hit": Target(
        check=hit,
        seeds=(
            joined("GET", AGENT, "203.0.113.7:4711", "", ""),
            joined("HEAD", "curl/8", "a, [2001:db8::1]:443", "prefetch;prerender", "203.0.113.7"),
        ),
        words=(
            *("Mozilla/5.0 (", "Outlook", "GoogleImageProxy", "bot", "::ffff:", "[", "]:443", ","),
            *("fe80::1%eth0", "127.0.0.1", "prefetch", "HEAD", "é", "\0", "1" * 20, "a" * 600),
        ),
    ),
    "byte_range": Target(
        check=byte_range,
        seeds=(b"bytes=0-9", b"bytes=-5", b"bytes=5-", b"bytes=0-1,3-4"),
        words=("bytes=", "-", ",", "9" * 18, "9" * 19, " ", "\t", "\u00b2", "BYTES="),
    ),
    "query": Target(
        check=query,
        seeds=(
            b"followed=true&sender=u-1&record=contact:c-1&from=2026-11-01T00:00Z&to=2026-11-22T00:00Z",
            b"followed=true&to=1026-11-02T00:00Z",
            b"sort=open_count&order=asc&state=opened&subject=offer&page_size=50",
            b"from=2026-11-01&to=2026-11-22&related=account:a-1,lead:l-2&followed=false",
        ),
        words=(
            *(
                "&from=",
                "&to=",
                "&subject=",
                "&record=",
                "&sort=",
                "&related=",
                "0001-01-01",
                "9999-12-31",
            ),
            *(
                "T00:00:00-23:59",
                "T23:59:59.999999+14:00",
                "%00",
                "%ED%A0%80",
                "%",
                "+",
                ":",
                ",",
                "\u0661",
            ),
        ),
    ),
    "precondition": Target(
        check=precondition,
        seeds=(b'"abc", W/"def"', b"*", b'"a"b"'),
        words=('"', "W/", ",", "*", "\r\n", "\u00e9", " "),
    ),
    "continuation": Target(
        check=continuation,
        seeds=(joined(continuation_of([1, "a"], "list"), "list"), joined("W10", "")),
        words=("=", "-", "_", "W1tb", "bnVsbA", "\ud7ff", "+", "/"),
    ),
    "json_body": Target(
        check=json_body,
        seeds=(
            DRAFT,
            SETTINGS,
            b'{"replied_by":"a@x.example","date_header":"Sun, 22 Nov 2026 10:00:00 +0100"}',
        ),
        words=(
            *(
                "null",
                "true",
                "1e999",
                "-0",
                "NaN",
                "9" * 400,
                "[" * 200,
                "{",
                "}",
                "]",
                '"',
                ":",
                ",",
            ),
            *(
                "\\ud800",
                "\\u0000",
                '"countries":',
                '"working_hours":',
                '"days":',
                '"rules":',
                '"webhooks":',
            ),
            *(
                '"time_zone":',
                '"country":',
                '"phone":',
                '"9999-12-31T23:59:59-14:00"',
                '"at":',
                "\ufeff",
            ),
        ),
    ),
}
