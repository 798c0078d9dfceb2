"""The API of attachments: what is taken, how it is served, and that a retry makes no second one."""

from __future__ import annotations

import http.client
import io
import json
import socket
import zipfile
from collections import Counter
from urllib.parse import quote, urlsplit

import pytest
from deployment import at_once, ok
from problem import assert_problem

from engagement.domain.messages.message import MOST_ATTACHMENTS

PDF = b"%PDF-1.7 offer"


@pytest.fixture(scope="module")
def crm(deployment):
    """One organization for all tests that leave its settings alone."""
    return deployment.new_crm()


@pytest.fixture
def draft(crm):
    """A draft to attach files to."""
    return Files(crm, crm.draft()["id"])


@pytest.fixture
def own_draft(deployment):
    """A draft in an organization of the test's own."""
    crm = deployment.new_crm()
    return Files(crm, crm.draft()["id"])


class Files:
    """The files of one draft."""

    def __init__(self, crm, message_id):
        self.crm = crm
        self.message_id = message_id
        self.path = f"/messages/{message_id}/attachments"

    def post(self, name="offer.pdf", data=PDF, followed="true", **headers):
        """Try to attach a file."""
        headers = {
            "Content-Type": "application/pdf",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        parameters = {"name": name, "followed": followed}
        return self.crm.call("POST", self.path, params=parameters, content=data, headers=headers)

    def get(self, attachment_id):
        """Fetch a file as the CRM does."""
        return self.crm.call("GET", f"{self.path}/{attachment_id}")

    @property
    def listed(self):
        """The files as the message lists them."""
        return self.crm.message(self.message_id)["attachments"]


def limit(crm, upload_limit_bytes):
    """Set the size that a file may have."""
    changes = {"attachments": {"upload_limit_bytes": upload_limit_bytes}}
    ok(crm.call("PATCH", "/settings", json=changes))


def test_a_file_is_kept_byte_for_byte_and_listed(draft):
    answer = draft.post("Angebot für Ann.pdf", bytes(range(256)))

    assert answer.status_code == 201
    assert answer.json() == {
        "id": "1",
        "name": "Angebot für Ann.pdf",
        "content_type": "application/pdf",
        "size": 256,
        "followed": True,
        "suspicion": None,
    }
    assert draft.listed == [answer.json()]
    fetched = draft.get("1")
    assert fetched.content == bytes(range(256))
    assert fetched.headers["content-type"] == "application/pdf"
    assert fetched.headers["content-disposition"].startswith("attachment; ")
    assert fetched.headers["x-content-type-options"] == "nosniff"


def test_a_file_is_not_followed_unless_it_is_said(draft):
    answer = draft.crm.call("POST", draft.path, params={"name": "a.pdf"}, content=PDF)
    assert ok(answer)["followed"] is False
    assert answer.json()["content_type"] == "application/octet-stream"


def test_a_removed_file_is_gone_and_its_number_is_not_given_again(draft):
    ok(draft.post("first.pdf"))
    assert draft.crm.call("DELETE", f"{draft.path}/1").status_code == 204

    assert_problem(draft.get("1"), 404)
    assert_problem(draft.crm.call("DELETE", f"{draft.path}/1"), 404)
    assert ok(draft.post("second.pdf"))["id"] == "2"
    assert [item["name"] for item in draft.listed] == ["second.pdf"]


def test_after_sending_files_are_neither_added_nor_removed(draft):
    ok(draft.post())
    draft.crm.send(draft.message_id)
    assert_problem(draft.post("late.pdf"), 409, detail="only a draft")
    assert_problem(draft.crm.call("DELETE", f"{draft.path}/1"), 409)
    assert draft.get("1").content == PDF


@pytest.mark.parametrize(
    "attachment_id", ["0", "2", "-1", "1.0", "01x", "%D9%A1", "9" * 400, "%00"]
)
def test_a_file_that_is_not_there_is_not_found(draft, attachment_id):
    ok(draft.post())
    assert_problem(draft.get(attachment_id), 404)
    assert_problem(draft.crm.call("DELETE", f"{draft.path}/{attachment_id}"), 404)


def test_a_file_of_another_message_is_not_found(draft):
    ok(draft.post())
    other = Files(draft.crm, draft.crm.draft()["id"])
    assert_problem(other.get("1"), 404)
    assert_problem(other.crm.call("DELETE", f"{other.path}/1"), 404)
    assert draft.get("1").content == PDF


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"followed": "true"}, "name"),
        ({"name": "", "followed": "true"}, "name"),
        ({"name": "a.pdf", "followed": "yes"}, "followed"),
        ({"name": "a.pdf", "followed": "True"}, "followed"),
        ({"name": "a.pdf", "followed": ["true", "false"]}, "followed"),
        ({"name": "a.pdf", "follow": "true"}, "follow"),
        ({"name": "a.pdf", "Followed": "true"}, "Followed"),
    ],
)
def test_a_wrong_parameter_is_named(draft, parameters, field):
    answer = draft.crm.call("POST", draft.path, params=parameters, content=PDF)
    assert_problem(answer, 400, field)


@pytest.mark.parametrize("key", ["x" * 201, b"\x85"])
def test_B70_a_key_that_cannot_be_one_is_named(draft, key):
    assert_problem(draft.post(Idempotency_Key=key), 400, "Idempotency-Key")


def test_a_message_has_so_many_files_and_no_more(crm):
    draft = Files(crm, crm.draft()["id"])
    answers = [draft.post(f"{number}.pdf") for number in range(MOST_ATTACHMENTS + 1)]

    assert {answer.status_code for answer in answers[:-1]} == {201}
    assert_problem(answers[-1], 422, detail=str(MOST_ATTACHMENTS))
    copy = crm.send(draft.message_id)["copies"][0]
    assert copy["html_body"].count("/a/") == MOST_ATTACHMENTS


# Blocked by name

BLOCKED = [
    *[
        "exe",
        "scr",
        "js",
        "vbs",
        "bat",
        "cmd",
        "com",
        "pif",
        "lnk",
        "hta",
        "msi",
        "jar",
        "ps1",
        "iso",
        "img",
        "one",
        "xlsm",
        "svg",
        "html.hta",
    ],
    "EXE",
    "exe.",
    "exe ",
    "exe::$DATA",
    "exe:stream:$DATA",
    "pdf.exe",
    "pdf\u202eexe.exe",
    "e\u200dxe",
    "exe\0",
    "ｅｘｅ",
]


@pytest.mark.parametrize("extension", BLOCKED)
def test_B63_a_blocked_extension_is_refused_however_it_is_written(draft, extension):
    assert_problem(draft.post(f"invoice.{extension}"), 422, "name", "blocked")
    assert draft.listed == []


def test_B63_a_path_or_a_bare_extension_does_not_hide_a_blocked_one(draft):
    for name in (".exe", "..\\..\\evil.exe", "/etc/evil.exe/", "C:evil.exe"):
        assert_problem(draft.post(name), 422, "name", "blocked")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("invoice", "invoice"),
        ("a.exe.pdf", "a.exe.pdf"),
        ("a.pdf\u202eexe.", "a.pdfexe"),
        ("../../etc/passwd", "passwd"),
        ("日本.pdf", "日本.pdf"),
        ("con.txt", "_con.txt"),
        ('a"b;c.pdf', 'a"b;c.pdf'),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("...", "attachment"),
    ],
)
def test_B63_other_names_are_cleaned_and_taken(draft, name, kept):
    assert ok(draft.post(name))["name"] == kept


def test_B63_the_list_belongs_to_the_administrator(own_draft):
    changes = {"attachments": {"blocked_extensions": ["pdf"]}}
    ok(own_draft.crm.call("PATCH", "/settings", json=changes))
    assert_problem(own_draft.post("offer.PDF"), 422, "name", ".pdf")
    assert ok(own_draft.post("tool.exe"))["name"] == "tool.exe"


def test_S4_a_file_name_cannot_break_a_header(crm, deployment):
    message = crm.sent_with_attachment(name='a\r\nSet-Cookie: x=1\0"; filename=b.exe; é.pdf')
    for answer in (deployment.get(message.file), Files(crm, message.id).get("1")):
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        disposition = answer.headers["content-disposition"]
        assert disposition.isascii()
        assert disposition.isprintable()
        assert disposition.startswith('attachment; filename="')
        assert disposition.count('"') == 2


# Content that is not what the name says


@pytest.mark.parametrize(
    ("data", "suspicion"),
    [
        (b"MZ\x90\0" + bytes(60), "a Windows program"),
        (b"\x7fELF\x02\x01", "a Linux program"),
        (b"#!/bin/sh\nrm -rf ~", "a script"),
        (b"\xca\xfe\xba\xbe", "a macOS program or Java class"),
        (PDF, None),
        (b"GIF89a/*<script>alert(1)</script>", None),
        (b"", None),
    ],
)
def test_B64_a_program_under_a_harmless_name_is_stored_and_flagged(draft, data, suspicion):
    assert ok(draft.post("invoice.pdf", data))["suspicion"] == suspicion
    assert draft.listed[0]["suspicion"] == suspicion
    assert draft.get("1").content == data


@pytest.mark.parametrize(
    ("content_type", "served"),
    [
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("application/xhtml+xml; charset=utf-8", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("text/plain; charset=utf-7", "text/plain"),
        ("text/plain; charset=UTF-8; x=y", "text/plain; charset=utf-8"),
        ("nonsense", "application/octet-stream"),
        ("image/png", "image/png"),
    ],
)
def test_B64_what_a_browser_could_run_is_served_as_bytes(draft, content_type, served):
    polyglot = b"GIF89a<script>alert(1)</script>"
    assert ok(draft.post("a.gif", polyglot, Content_Type=content_type))["content_type"] == served
    assert draft.get("1").headers["content-type"] == served


# Archives


def test_B65_a_zip_bomb_has_the_size_that_came_over_the_wire(own_draft):
    limit(own_draft.crm, 100_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.exe", bytes(50_000_000))
    data = packed.getvalue()

    assert ok(own_draft.post("a.zip", data, Content_Type="application/zip"))["size"] == len(data)
    assert own_draft.get("1").content == data


# Forms


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno end"),
        ("Multipart/Form-Data; boundary=x", b"--x\r\n\r\n" * 10_000),
        ("multipart/form-data; boundary=x", b"--x\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n--x--"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; filename*=utf-8''a.pdf\r\n\r\n1\r\n--x--",
        ),
        (' multipart/form-data;boundary="x"', b""),
    ],
)
def test_B66_a_form_is_refused_and_not_parsed(draft, content_type, body):
    answer = draft.post("a.pdf", body, Content_Type=content_type.strip())
    assert_problem(answer, 400, "Content-Type", "not as a form")
    assert draft.listed == []


def test_B66_two_files_of_the_same_name_are_two_files(draft):
    ids = [ok(draft.post("same.pdf", data))["id"] for data in (b"one", b"two")]
    assert ids == ["1", "2"]
    assert [draft.get(number).content for number in ids] == [b"one", b"two"]


# Lengths that lie


class Raw:
    """A connection on which everything can be said."""

    def __init__(self, files):
        self.files = files
        parts = urlsplit(files.crm.deployment.url)
        self.address = (parts.hostname, parts.port)

    def head(self, *lines):
        """The head of an upload, without its last empty line."""
        base = f"/api/v1/organizations/{self.files.crm.organization_id}{self.files.path}"
        return "\r\n".join(
            [
                f"POST {base}?name=raw.pdf HTTP/1.1",
                f"Host: {self.address[0]}",
                f"X-Api-Key: {self.files.crm.api_key}",
                "Content-Type: application/pdf",
                "Connection: close",
                *lines,
                "",
                "",
            ]
        ).encode()

    def talk(self, *parts, answers=()):
        """Send some bytes, wait for what has to come in between, and return the last answer."""
        with socket.create_connection(self.address, timeout=30) as connection:
            for part, expected in zip(parts, [*answers, None], strict=True):
                connection.sendall(part)
                if expected is not None:
                    assert connection.recv(1_000).startswith(expected)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, json.loads(response.read() or b"null")

    def give_up(self, *parts):
        """Send some bytes and hang up."""
        with socket.create_connection(self.address, timeout=30) as connection:
            for part in parts:
                connection.sendall(part)


def test_B67_a_chunked_upload_is_a_file_like_any_other(draft):
    status, value = Raw(draft).talk(
        Raw(draft).head("Transfer-Encoding: chunked"),
        b"5\r\nhello\r\n",
        b"7;x=y\r\n, world\r\n0\r\n\r\n",
        answers=(None, None),
    )
    assert (status, value["size"]) == (201, 12)
    assert draft.get("1").content == b"hello, world"


def test_B67_a_caller_who_waits_for_100_continue_gets_it(draft):
    status, value = Raw(draft).talk(
        Raw(draft).head("Content-Length: 5", "Expect: 100-continue"),
        b"hello",
        answers=(b"HTTP/1.1 100",),
    )
    assert (status, value["size"]) == (201, 5)


@pytest.mark.parametrize(
    "sent",
    [b"hello", b""],
    ids=["half", "nothing"],
)
def test_B67_a_length_beyond_the_body_stores_nothing_and_stops_nobody(draft, sent):
    raw = Raw(draft)
    for _ in range(10):
        raw.give_up(raw.head("Content-Length: 5000"), sent)
    raw.give_up(raw.head("Transfer-Encoding: chunked"), b"ff\r\nhello")

    assert ok(draft.post())["id"] == "1"
    assert len(draft.listed) == 1


def test_B67_a_length_below_the_body_takes_what_it_says(draft):
    status, value = Raw(draft).talk(Raw(draft).head("Content-Length: 2") + b"hello")
    assert (status, value["size"]) == (201, 2)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -5",),
        ("Content-Length: 5x",),
        ("Content-Length: 5", "Content-Length: 6"),
    ],
)
def test_B67_a_length_that_is_no_number_is_refused(draft, lines):
    connection = Raw(draft)
    with socket.create_connection(connection.address, timeout=30) as raw:
        raw.sendall(connection.head(*lines) + b"hello")
        assert raw.recv(1_000).startswith(b"HTTP/1.1 400")
    assert draft.listed == []


# Sizes


def test_B68_a_file_may_be_empty_and_exactly_as_large_as_the_limit(own_draft):
    limit(own_draft.crm, 1_000)
    assert ok(own_draft.post("empty.pdf", b""))["size"] == 0
    assert ok(own_draft.post("full.pdf", b"x" * 1_000))["size"] == 1_000
    assert own_draft.get("1").content == b""
    assert_problem(own_draft.post("more.pdf", b"x" * 1_001), 413, detail="1000")
    assert len(own_draft.listed) == 2


def test_B68_an_empty_followed_file_reaches_its_recipient(crm, deployment):
    message = crm.sent_with_attachment(data=b"")
    answer = deployment.get(message.file)
    assert (answer.status_code, answer.content) == (200, b"")


def test_B68_a_file_of_101_megabytes_is_too_large_under_any_setting(own_draft):
    limit(own_draft.crm, 100_000_000)
    assert_problem(own_draft.post("big.pdf", bytes(101_000_000)), 413, detail="100000000")
    assert own_draft.listed == []


# A virus for tests

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def test_B69_what_a_scanner_would_find_is_served_as_a_download_only(crm, deployment):
    message = crm.sent_with_attachment(name="eicar.txt", data=EICAR, content_type="text/plain")
    answer = deployment.get(message.file)

    assert answer.content == EICAR
    assert answer.headers["content-disposition"].startswith('attachment; filename="eicar.txt"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


# Each file once


def test_B70_a_retry_with_the_same_key_gives_the_same_file(draft):
    first = draft.post(Idempotency_Key="k-1")
    again = draft.post(Idempotency_Key="k-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert draft.listed == [first.json()]


def test_B70_a_retry_after_half_an_upload_makes_one_file(draft):
    raw = Raw(draft)
    raw.give_up(raw.head("Content-Length: 14", "Idempotency-Key: k-1"), PDF[:7])
    ok(draft.post(Idempotency_Key="k-1"))
    assert len(draft.listed) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"data": b"other"},
        {"name": "other.pdf"},
        {"followed": "false"},
        {"Content_Type": "image/png"},
    ],
)
def test_B70_the_same_key_with_another_file_is_a_conflict(draft, other):
    ok(draft.post(Idempotency_Key="k-1"))
    assert_problem(draft.post(**{"Idempotency_Key": "k-1", **other}), 409, detail="Idempotency-Key")
    assert len(draft.listed) == 1


def test_B70_without_a_key_or_with_another_one_the_same_file_is_attached_again(draft):
    headers = [{}, {}, {"Idempotency_Key": "k-1"}, {"Idempotency_Key": "k-2"}]
    assert [ok(draft.post(**more))["id"] for more in headers] == ["1", "2", "3", "4"]


def test_B70_ten_uploads_with_one_key_at_once_make_one_file(draft):
    answers = at_once([lambda: draft.post(Idempotency_Key="k-1")] * 10)

    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["id"] for answer in answers} == {"1"}
    assert len(draft.listed) == 1


def test_B70_ten_uploads_with_ten_keys_at_once_make_ten_files(draft):
    answers = at_once(
        [
            lambda number=number: draft.post(
                f"{number}.pdf", str(number).encode(), Idempotency_Key=f"k-{number}"
            )
            for number in range(10)
        ]
    )

    assert {answer.status_code for answer in answers} == {201}
    assert sorted(int(answer.json()["id"]) for answer in answers) == list(range(1, 11))
    for file in draft.listed:
        assert draft.get(file["id"]).content == file["name"].removesuffix(".pdf").encode()


def test_B70_of_two_files_with_one_key_at_once_one_wins(draft):
    answers = at_once(
        [lambda data=data: draft.post(data=data, Idempotency_Key="k-1") for data in (b"1", b"22")]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 1}
    (file,) = draft.listed
    assert len(draft.get("1").content) == file["size"]


def test_B70_a_retry_after_sending_still_gets_the_file(draft):
    first = ok(draft.post(Idempotency_Key="k-1"))
    draft.crm.send(draft.message_id)
    assert ok(draft.post(Idempotency_Key="k-1")) == first


def test_B70_a_file_and_a_send_at_once_never_mix(draft):
    path = f"/messages/{draft.message_id}/send"
    file, sent = at_once(
        [draft.post, lambda: draft.crm.call("POST", path, json={"delivery": "crm"})]
    )
    assert (file.status_code, sent.status_code) in {(201, 200), (201, 409), (409, 200)}
    if file.status_code == 201 and sent.status_code == 200:
        assert sent.json()["copies"][0]["html_body"].count("/a/") == 1
    assert len(draft.listed) == (file.status_code == 201)


def test_a_name_in_the_query_may_hold_anything_that_a_query_can(draft):
    name = "a&b=c+d%20#é?.pdf"
    answer = draft.crm.call("POST", f"{draft.path}?name={quote(name)}", content=PDF)
    assert ok(answer)["name"] == name
