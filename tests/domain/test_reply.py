"""What the CRM says of a reply; the clock of whoever wrote it, by the Date header."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.messages.reply import read_reply
from engagement.errors import InvalidRequestError

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def read(header):
    return read_reply({"replied_by": "ann@fabrikam.example", "date_header": header}, NOW)


@pytest.mark.parametrize(
    ("header", "minutes"),
    [
        ("Sun, 22 Nov 2026 14:30:00 +0545", 345),
        ("22 Nov 2026 14:30 -0930", -570),
        ("Sun, 22 Nov 2026 09:00:00 +0000", 0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 04:00:00 EST", -300),
        ("Sun, 22 Nov 2026 10:00:00 +0100 (CET)", 60),
        ("Mon, 23 Nov 2026 00:00:00 +1400", 840),
        # The sender's clock is not known (RFC 5322 section 3.3).
        ("Sun, 22 Nov 2026 09:00:00 -0000", None),
        ("Sun, 22 Nov 2026 09:00:00", None),
        (None, None),
    ],
)
def test_the_date_header_tells_the_offset(header, minutes):
    reply = read(header)
    assert reply.utc_offset_minutes == minutes
    # When it came is for the CRM to say.
    assert reply.at == NOW


@pytest.mark.parametrize(
    "header",
    [
        "yesterday",
        "",
        " ",
        "2026-11-22T09:00:00+01:00",
        "Sun, 32 Nov 2026 09:00:00 +0100",
        "Sun, 22 Nov 2026 09:00:00 +1430",
        "Sun, 22 Nov 2026 09:00:00 -2359",
        "Sun, 22 Nov 2026 09:00:00 +9999",
        "Sun, 22 Nov 99999 09:00:00 +0100",
        "Sun, 22 Nov 2026 09:00:00 +0100\r\nX: y",
        "x" * 999,
        5,
    ],
)
def test_B59_a_date_header_that_is_none_is_refused(header):
    with pytest.raises(InvalidRequestError) as refusal:
        read(header)
    assert refusal.value.field == "date_header"


@given(header=st.text(max_size=80) | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]\d+"))
def test_no_date_header_makes_a_reply_fail(header):
    with suppress(InvalidRequestError):
        offset = read(header).utc_offset_minutes
        assert offset is None or -840 <= offset <= 840
