"""Followed attachments: the file or a part of it, as a download and nothing else (B40 to B50)."""

from __future__ import annotations

import base64
import re
import socket
import struct
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.blob import BlobClient
from deployment import Deployment, SentMessage, ok
from fault_proxy import FaultProxy, dated
from strangers import (
    BROWSER,
    connect,
    facts,
    file_name,
    flipped,
    path,
    raw,
    said,
    signed,
    table,
    token,
    verdicts,
)

from devserver.backing import connection_string
from engagement.config import Config
from engagement.domain.tracking.tracking_token import Kind
from engagement.functions.public import NOT_FOUND
from engagement.wiring import build_services

PDF = b"%PDF-1.7 offer"
VIEW = ("attachment_view", "person", "")
BLOB_NAME = r"\d{4}-\d\d-\d\d/[0-9a-f]{24}/[0-9a-f]{16}"


@pytest.fixture(scope="module")
def shared(seller):
    """A message, with a followed file."""
    return seller.sent_with_attachment()


@pytest.fixture(scope="module")
def untouched(seller):
    """A message with a followed file that stays without interactions."""
    return seller.sent_with_attachment()


def row_of(message, number=1):
    """Return the row of an attachment."""
    with table(message) as rows:
        return rows.get_entity(message.id, f"2-attachment-{number:04d}")


def blob_of(message, number=1):
    """Open the blob of an attachment."""
    return BlobClient.from_connection_string(
        message.crm.deployment.environment["ENGAGEMENT_DATA"],
        f"org-{said(message.pixel).organization}",
        row_of(message, number)["blob"],
    )


def assert_not_there(answer):
    """Assert that an answer is the one neutral page."""
    assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert "content-disposition" not in answer.headers


NAMES = [
    "",
    "/",
    "/offer.pdf",
    "/other.exe",
    "/../../etc/passwd",
    "/..%5c..%5cwindows%5cwin.ini",
    "/%2e%2e/%2e%2e/x",
    "/..%2f..%2fx",
    "//etc/passwd",
    "/C:/x",
    "/https://evil.example/x",
    "/%00",
    "/%0d%0aX-Evil:%201",
    "/%ff%fe",
    "/%",
    "/" + "a" * 8_000,
    "/a/b/c/d",
    "/offer.pdf?name=evil.exe&download=x",
    "/offer.pdf%22%3E",
]


@pytest.mark.parametrize("name", NAMES)
def test_B40_the_name_in_the_url_is_decoration(name, deployment, message):
    answer = raw(deployment, "GET", f"/a/{token(message.file)}{name}", BROWSER)

    assert (answer.status, answer.body) == (200, PDF)
    disposition = "attachment; filename=\"offer.pdf\"; filename*=UTF-8''offer.pdf"
    assert answer.header("content-disposition") == disposition
    assert verdicts(message) == [VIEW]


def test_B41_tokens_of_opens_and_clicks_open_no_file(deployment, untouched):
    for url in (untouched.pixel, untouched.link):
        assert_not_there(deployment.get(f"/a/{token(url)}/offer.pdf"))
        kind = said(url).kind
        assert_not_there(deployment.get(f"/a/{signed(kind, untouched.file)}/offer.pdf"))
    assert_not_there(deployment.get(f"/c/{token(untouched.file)}"))
    assert untouched.timeline == []


def test_B42_files_of_others_cannot_be_reached(deployment, untouched):
    other = deployment.new_crm().sent_with_attachment(data=b"secret")
    stranger, own = (base64.urlsafe_b64decode(token(x.file)) for x in (other, untouched))
    paths = [
        base64.urlsafe_b64encode(own[:2] + stranger[2:10] + own[10:]).decode(),
        base64.urlsafe_b64encode(own[:10] + stranger[10:22] + own[22:]).decode(),
        base64.urlsafe_b64encode(stranger[:26] + own[26:]).decode(),
        # What only this deployment could sign, had it a bug:
        signed(Kind.ATTACHMENT, untouched.file, message_id=other.id),
        signed(Kind.ATTACHMENT, untouched.file, target=2),
        signed(Kind.ATTACHMENT, untouched.file, target=0),
        signed(Kind.ATTACHMENT, untouched.file, message_id="00" * 12),
        signed(Kind.ATTACHMENT, untouched.file, organization="00" * 8),
        flipped(token(untouched.file)),
    ]

    for text in paths:
        assert_not_there(deployment.get(f"/a/{text}/offer.pdf"))
    assert untouched.timeline == other.timeline == []


def test_B43_a_file_removed_from_a_draft_is_not_there(seller, deployment, untouched):
    draft = seller.draft()
    number = seller.attach(draft["id"])["id"]
    url = f"/a/{signed(Kind.ATTACHMENT, untouched.file, message_id=draft['id'])}/offer.pdf"
    removed = seller.call("DELETE", f"/messages/{draft['id']}/attachments/{number}")

    assert removed.status_code == 204
    assert_not_there(deployment.get(url))


@pytest.mark.parametrize("seen_before", [False, True])
def test_B43_with_its_organization_a_file_is_gone(seen_before, crm, deployment):
    message = crm.sent_with_attachment()
    if seen_before:
        assert deployment.get(message.file).content == PDF
    deployment.admin("DELETE", f"/organizations/{crm.organization_id}")

    assert_not_there(deployment.get(message.file))


RANGES = {
    "B44_single": ("bytes=5-7", 206, b"1.7", "bytes 5-7/14"),
    "B44_first_byte": ("bytes=0-0", 206, b"%", "bytes 0-0/14"),
    "B44_open": ("bytes=9-", 206, b"offer", "bytes 9-13/14"),
    "B44_beyond": ("bytes=9-999", 206, b"offer", "bytes 9-13/14"),
    "B44_suffix": ("bytes=-5", 206, b"offer", "bytes 9-13/14"),
    "B44_long_suffix": ("bytes=-99", 206, PDF, "bytes 0-13/14"),
    "B44_all": ("bytes=0-", 206, PDF, "bytes 0-13/14"),
    "B44_multi": ("bytes=0-1,3-4", 200, PDF, None),
    "B44_1000": ("bytes=" + ",".join(["0-13"] * 1_000), 200, PDF, None),
    "B44_backwards": ("bytes=9-1", 200, PDF, None),
    "B44_unit": ("pages=1-2", 200, PDF, None),
    "B44_nonsense": ("bytes=a-b", 200, PDF, None),
    "B44_behind": ("bytes=14-", 416, b"", "bytes */14"),
    "B44_far_behind": ("bytes=999999999999999999-", 416, b"", "bytes */14"),
    "B44_no_suffix": ("bytes=-0", 416, b"", "bytes */14"),
}


@pytest.mark.parametrize(("asked", "status", "body", "content_range"), RANGES.values(), ids=RANGES)
def test_B44_a_range_gets_its_part(asked, status, body, content_range, deployment, message):
    answer = deployment.get(message.file, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range") == content_range
    # Who has the first byte has begun a fetch; whoever has not goes on with one.
    begins = status == 200 or (content_range or "").startswith("bytes 0-")
    assert verdicts(message) == ([VIEW] if begins else [])


def test_B44_two_range_headers_get_the_whole_file(deployment, message):
    target = path(message.file)
    answer = raw(deployment, "GET", target, BROWSER, "Range: bytes=0-1", "Range: bytes=3-4")

    assert (answer.status, answer.body) == (200, PDF)
    assert verdicts(message) == [VIEW]


def test_B44_a_download_in_pieces_is_one_view(deployment, message):
    pieces = [
        deployment.get(message.file, headers={"Range": f"bytes={first}-{first + 3}"})
        for first in range(0, len(PDF), 4)
    ]

    assert b"".join(piece.content for piece in pieces) == PDF
    assert {piece.headers["accept-ranges"] for piece in pieces} == {"bytes"}
    assert message.kpis["attachment_view_count"] == 1


def test_B45_HEAD_gets_the_headers_and_is_no_view_of_a_person(deployment, message):
    head = deployment.request("HEAD", message.file)
    assert verdicts(message) == [("attachment_view", "automated", "method")]
    assert message.kpis["attachment_view_count"] == 0

    got = deployment.get(message.file)
    assert head.content == b""
    assert facts(head)[:2] == facts(got)[:2]
    assert message.kpis["attachment_view_count"] == 1


def test_B45_HEAD_of_a_part_tells_the_length_of_the_part(deployment, message):
    head = deployment.request("HEAD", message.file, headers={"Range": "bytes=5-7"})

    assert (head.status_code, head.headers["content-length"]) == (206, "3")
    assert head.headers["content-range"] == "bytes 5-7/14"


ACTIVE = [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "application/xhtml+xml",
    "application/xhtml",
    "application/xml",
    "text/xml",
    "text/javascript",
    "multipart/x-mixed-replace",
    "message/rfc822",
    "application/x-shockwave-flash",
    "nonsense",
    "a/b/c",
]


@pytest.mark.parametrize("content_type", ACTIVE)
def test_B46_S8_what_a_browser_would_run_is_an_opaque_download(content_type, seller, deployment):
    page = b"<html><script>alert(document.domain)</script></html>"
    message = seller.sent_with_attachment(data=page, content_type=content_type)

    got = deployment.get(message.file)
    assert (got.status_code, got.content) == (200, page)
    assert got.headers["content-type"] == "application/octet-stream"
    assert_locked(got)


def assert_locked(answer):
    """Assert that nothing of an answer runs in a browser, whatever it is."""
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-" not in policy


@pytest.mark.parametrize(
    ("content_type", "served"),
    [
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
        ("text/plain", "text/plain"),
        ("text/plain; charset=iso-8859-1", "text/plain; charset=iso-8859-1"),
        ("text/csv; charset=UTF-8; header=present", "text/csv; charset=utf-8"),
        ("application/pdf; x=y", "application/pdf"),
    ],
)
def test_B46_S8_a_harmless_type_is_kept_and_locked_all_the_same(
    content_type, served, seller, deployment
):
    message = seller.sent_with_attachment(content_type=content_type)
    answer = deployment.get(message.file)

    assert answer.headers["content-type"] == served
    assert_locked(answer)


FILE_NAMES = {
    "日本.pdf": "日本.pdf",
    "Angebot für Zoë €.pdf": "Angebot für Zoë €.pdf",
    "a" * 300 + ".pdf": "a" * 196 + ".pdf",
    "a\"b'c.pdf": "a\"b'c.pdf",
    "a;b=c, d.pdf": "a;b=c, d.pdf",
    "a%22%0d.pdf": "a%22%0d.pdf",
    "a\r\nX-Evil: 1.pdf": "aX-Evil_ 1.pdf",
    "a\0b.pdf": "ab.pdf",
    "con.txt": "_con.txt",
    "offer.pdf. . ": "offer.pdf",
    "../../etc/passwd": "passwd",
    "..\\..\\x.pdf": "x.pdf",
    "/": "attachment",
    "..": "attachment",
    "invoice\u202efdp.txt": "invoicefdp.txt",
    "cafe\u0301.pdf": "café.pdf",
    "😀.pdf": "😀.pdf",
}


@pytest.mark.parametrize(("name", "saved"), FILE_NAMES.items())
def test_B47_S7_a_file_is_saved_under_its_name_and_stored_under_the_servers(
    name, saved, seller, deployment
):
    message = seller.sent_with_attachment(name=name)
    answer = deployment.get(message.file)

    assert (answer.content, file_name(answer)) == (PDF, saved)
    assert "x-evil" not in answer.headers
    assert len(message.file) < 120
    assert re.fullmatch(r"/a/[\w-]{60}(/[\w.-]+)?", path(message.file), re.ASCII)
    assert re.fullmatch(BLOB_NAME, row_of(message)["blob"])


@pytest.mark.parametrize("name", ["a.pdf.exe", "a.EXE", "a.exe::$DATA", "a.exe.", "x/a.js"])
def test_B47_a_blocked_name_is_not_taken(name, seller):
    message_id = seller.draft()["id"]
    answer = seller.call(
        "POST", f"/messages/{message_id}/attachments", params={"name": name}, content=b"MZ"
    )

    assert (answer.status_code, answer.json()["field"]) == (422, "name")


def test_S7_no_route_leads_to_a_blob_by_its_name(deployment, untouched):
    blob = row_of(untouched)["blob"]
    container = f"org-{said(untouched.pixel).organization}"

    for target in (f"/a/{blob}", f"/{container}/{blob}", f"/a/{container}/{blob}", f"/a/../{blob}"):
        answer = raw(deployment, "GET", target)
        assert answer.status == 404
        assert PDF not in answer.body


@pytest.mark.parametrize(
    ("asked", "status"), [(None, 200), ("bytes=0-", 416), ("bytes=-1", 416), ("x", 200)]
)
def test_B48_an_empty_file_is_a_file(asked, status, seller, deployment):
    message = seller.sent_with_attachment(data=b"")
    answer = deployment.get(message.file, headers={"Range": asked} if asked else {})

    assert (answer.status_code, answer.content) == (status, b"")
    assert answer.headers["content-length"] == "0"
    assert message.kpis["attachment_view_count"] == (1 if status == 200 else 0)


def test_B48_an_empty_file_travels_with_a_message(seller, mailbox):
    message_id = seller.draft()["id"]
    number = seller.attach(message_id, "empty.txt", b"", followed=False)["id"]
    seller.send(message_id, "smtp")

    assert b'filename="empty.txt"' in mailbox.envelopes[-1].content
    assert seller.call("GET", f"/messages/{message_id}/attachments/{number}").content == b""


@pytest.mark.parametrize("seen_before", [False, True])
def test_B48_a_file_whose_blob_is_gone_is_not_there(seen_before, deployment, seller):
    message = seller.sent_with_attachment()
    if seen_before:
        deployment.get(message.file)
    with blob_of(message) as blob:
        blob.delete_blob()

    answer = deployment.get(message.file)
    assert_not_there(answer)
    assert facts(answer) == facts(deployment.get("/a/x/offer.pdf"))
    assert verdicts(message) == ([VIEW] if seen_before else [])


def test_B48_another_file_of_the_same_name_changes_no_earlier_one(seller, deployment):
    message_id = seller.draft()["id"]
    for data in (b"first", b"second"):
        seller.attach(message_id, data=data)
    message = SentMessage(seller, seller.send(message_id))

    assert [deployment.get(url).content for url in message.urls("a")] == [b"first", b"second"]
    with blob_of(message, 1) as first, blob_of(message, 2) as second:
        assert first.blob_name != second.blob_name


def test_B48_above_the_upload_limit_nothing_is_stored(seller):
    message_id = seller.draft()["id"]
    answer = seller.call(
        "POST",
        f"/messages/{message_id}/attachments",
        params={"name": "large.pdf", "followed": "true"},
        content=bytes(25 * 1024**2 + 1),
    )

    assert answer.status_code == 413
    assert seller.message(message_id)["attachments"] == []


def test_B48_a_large_file_comes_whole_from_the_store(crm, deployment):
    data = bytes(range(256)) * (8 * 1024**2 // 256)
    limit = {"attachments": {"upload_limit_bytes": 100_000_000}}
    ok(crm.call("PATCH", "/settings", json=limit))
    message = crm.sent_with_attachment(data=data)
    redirect = deployment.get(message.file)

    assert redirect.status_code == 302
    assert deployment.http.get(redirect.headers["location"]).content == data
    assert message.kpis["attachment_view_count"] == 1


def test_B48_a_large_file_whose_blob_is_gone_is_not_there(crm, deployment):
    message = crm.sent_with_attachment(data=bytes(5 * 1024**2))
    with blob_of(message) as blob:
        blob.delete_blob()

    assert_not_there(deployment.get(message.file))
    assert message.timeline == []


def test_B49_a_caller_that_hangs_up_half_way_disturbs_nobody(seller, deployment):
    data = bytes(3 * 1024**2)
    message = seller.sent_with_attachment(data=data)
    for _ in range(5):
        with connect(deployment) as connection:
            reset = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            request = f"GET {path(message.file)} HTTP/1.1\r\nHost: x\r\n{BROWSER}\r\n\r\n"
            connection.sendall(request.encode())
            assert connection.recv(12) == b"HTTP/1.1 200"

    assert deployment.get(message.file).content == data
    assert len(message.acts("attachment_view")) == 6


def test_B49_a_caller_that_hangs_up_within_its_request_disturbs_nobody(deployment, message):
    for sent in (b"G", b"GET /a/", f"GET {path(message.file)} HTTP/1.1\r\nHo".encode()):
        with connect(deployment) as connection:
            connection.sendall(sent)

    assert deployment.get(message.file).content == PDF
    assert verdicts(message) == [VIEW]


@pytest.fixture(scope="module")
def frugal(environment):
    """A deployment that passes at most 1,000 bytes through itself."""
    with Deployment({**environment, "ENGAGEMENT_STREAM_LIMIT_BYTES": "1000"}) as running:
        yield running


@pytest.fixture(scope="module")
def frugal_seller(frugal):
    """An organization of that deployment."""
    return frugal.new_crm()


LARGE = bytes(range(250)) * 8


@pytest.fixture
def large(frugal_seller):
    """A message with a file above that limit."""
    return frugal_seller.sent_with_attachment(name="große Datei.html.pdf", data=LARGE)


def test_B50_a_file_up_to_the_limit_does_not_leave_the_app(frugal, frugal_seller):
    message = frugal_seller.sent_with_attachment(data=LARGE[:1000])

    assert frugal.get(message.file).content == LARGE[:1000]


def test_B50_S8_a_large_file_is_read_at_the_store(frugal, large):
    redirect = frugal.get(large.file)
    assert (redirect.status_code, redirect.content) == (302, b"")
    url = redirect.headers["location"]
    whole = frugal.http.get(url)
    part = frugal.http.get(url, headers={"Range": "bytes=500-509"})

    assert whole.content == LARGE
    assert (part.status_code, part.content) == (206, LARGE[500:510])
    assert whole.headers["content-type"] == "application/pdf"
    assert file_name(whole) == file_name(part) == "große Datei.html.pdf"
    assert verdicts(large) == [VIEW]


@pytest.mark.parametrize(
    ("method", "headers", "status", "expected"),
    [
        ("GET", {"Range": "bytes=0-9"}, 302, [VIEW]),
        ("GET", {"Range": "bytes=10-19"}, 302, []),
        ("GET", {"Range": "bytes=2000-"}, 416, []),
        ("HEAD", {}, 302, [("attachment_view", "automated", "method")]),
    ],
)
def test_B44_B45_a_large_file_is_counted_like_a_small_one(
    method, headers, status, expected, frugal, large
):
    assert frugal.request(method, large.file, headers=headers).status_code == status
    assert verdicts(large) == expected


def test_B50_the_stores_url_is_good_for_reading_this_one_blob_for_minutes(frugal, large):
    before = datetime.now(UTC)
    parts = urlsplit(frugal.get(large.file).headers["location"])
    query = parse_qs(parts.query, strict_parsing=True)
    expiry = datetime.fromisoformat(query["se"][0])

    assert (query["sp"], query["sr"]) == (["r"], ["b"])
    assert before < expiry <= datetime.now(UTC) + timedelta(minutes=5)
    assert re.fullmatch(f"/devstoreaccount1/org-[0-9a-f]{{16}}/{BLOB_NAME}", parts.path)


def test_B50_the_stores_url_allows_nothing_else(frugal, frugal_seller, large):
    url = frugal.get(large.file).headers["location"]
    other = frugal_seller.sent_with_attachment(data=LARGE)
    with blob_of(large) as mine, blob_of(other) as others:
        elsewhere = url.replace(mine.blob_name, others.blob_name)
        container = url.replace(f"/{mine.blob_name}", "") + "&restype=container&comp=list"
    create = {"x-ms-blob-type": "BlockBlob"}

    refused = [
        frugal.http.put(url, content=b"changed", headers=create),
        frugal.http.put(f"{url}&comp=metadata", headers={"x-ms-meta-a": "b"}),
        frugal.http.delete(url),
        frugal.http.get(elsewhere),
        frugal.http.get(container),
        frugal.http.get(url.split("?")[0]),
        frugal.http.get(url.replace("sp=r", "sp=rw")),
        frugal.http.get(re.sub(r"\bse=20\d\d", "se=2099", url)),
    ]
    assert [answer.status_code // 100 for answer in refused] == [4] * len(refused)
    assert [answer for answer in refused if LARGE in answer.content] == []
    assert frugal.http.get(url).content == LARGE


async def test_B50_the_stores_url_ends(frugal, large, azurite):
    what = (said(large.file).organization, row_of(large)["blob"])
    how = {"size": len(LARGE), "disposition": "attachment", "content_type": "application/pdf"}
    answers = []
    for ago in (timedelta(0), timedelta(minutes=5, seconds=1)):
        with FaultProxy(azurite.ports[0]) as blobs:
            blobs.fault = dated(-ago)
            data = connection_string((blobs.port, *azurite.ports[1:]))
            environment = {**frugal.environment, "ENGAGEMENT_DATA": data}
            services = build_services(Config.from_environment(environment))
            url = await services.tracking.blobs.read_only_url(*what, **how)
            answers.append(frugal.http.get(url))
            await services.close()

    assert answers[0].content == LARGE
    assert answers[1].status_code == 403


def test_B50_the_stores_url_is_told_to_nobody_else(frugal, large, caplog):
    caplog.set_level("DEBUG")
    redirect = frugal.get(large.file)
    signature = parse_qs(urlsplit(redirect.headers["location"]).query)["sig"][0]
    again = frugal.get(large.file + "?x=1", headers={"Range": "bytes=3-4"})
    error = frugal.get(f"/a/{flipped(token(large.file))}/x")

    assert redirect.headers["referrer-policy"] == again.headers["referrer-policy"] == "no-referrer"
    assert redirect.headers["cache-control"] == "no-store, private"
    told = [
        record.getMessage() + str(vars(record))
        for record in caplog.records
        # What this test's own client says of the answers that it got is no leak.
        if not record.name.startswith(("httpx", "httpcore"))
    ]
    assert [text for text in told if "sig=" in text or signature in text] == []
    assert "sig" not in str(error.headers) + error.text
    assert signature not in str(large.crm.message(large.id)) + str(large.timeline)
