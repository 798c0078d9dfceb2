"""What strangers send, byte for byte and of no sense: every route answers, and nothing fails."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strangers import IMAGE, path, raw
from told import told

#: A line break would begin another header, which is the server's matter.
VALUES = st.lists(
    st.sampled_from(
        [
            *("Mozilla/5.0 (", "GoogleImageProxy", "bytes=", "0-1", "-", ",", "203.0.113.7", "::1"),
            *("[", "]:443", "prefetch", '"', "%00", "%", "/", "..", "?", "é", "\xff", "\x80", ";"),
        ]
    )
    | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=6),
    max_size=12,
).map("".join)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["User-Agent", "X-Forwarded-For", "Range", "Sec-Purpose", "If-Match", "Accept", "X-Moz"]
    ),
    VALUES,
    max_size=4,
)
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
#: Behind a path; nothing that ends the line or the URL for the server.
TAILS = st.text("abc.-_%2f0A~!$&'()*+,;=:@/?", max_size=20)


def send(deployment, sent, examples):
    """Send *examples* requests that begin like tracked URLs; return the statuses."""
    paths = [
        path(sent.pixel),
        path(sent.link),
        path(sent.file),
        "/o/",
        "/c/",
        "/a/x/",
        "/robots.txt",
    ]
    statuses = set()

    @settings(max_examples=examples)
    @given(METHODS, st.sampled_from(paths), TAILS, HEADERS)
    def attempt(method, begin, tail, headers):
        lines = [f"{name}: {value}" for name, value in headers.items()]
        answer = raw(deployment, method, begin + tail, *lines)
        assert answer.status in {200, 206, 302, 400, 404, 405, 416}, (method, begin, tail, headers)
        if begin == paths[0] and method == "GET" and answer.status == 200:
            assert answer.body == IMAGE
        statuses.add(answer.status)

    attempt()
    return statuses


def test_P5_whatever_strangers_send_is_answered_and_nothing_fails(deployment, crm, caplog):
    statuses = send(deployment, crm.sent_with_attachment(), 120)
    assert {200, 302, 404, 405} <= statuses
    # A pixel is an image whatever fails, so the log is asked as well.
    assert told(caplog, "open_failed") == told(caplog, "request_failed") == []


@pytest.mark.fuzz
def test_P5_nothing_fails_whatever_many_strangers_send(deployment, crm, caplog):
    send(deployment, crm.sent_with_attachment(), 50 * int(os.environ.get("FUZZ_EXAMPLES", "100")))
    assert told(caplog, "open_failed") == told(caplog, "request_failed") == []
