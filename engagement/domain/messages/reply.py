"""A reply, as the CRM reports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from engagement.domain.mailbox_address import check_address
from engagement.domain.payload import Fields
from engagement.domain.verdicts.interaction import EPOCH

#: Longest line of a header (RFC 5322, section 2.1.1).
LONGEST_LINE = 998
WIDEST_OFFSET = timedelta(hours=14)
FIELDS = {"replied_by", "at", "internet_message_id", "automatic", "date_header"}
#: How far the clock of a mail server may be ahead of ours.
CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the CRM says of a reply."""

    #: str, address of whoever answered
    replied_by: str
    #: datetime, aware UTC
    at: datetime
    #: str or None, the reply's own Message-ID
    internet_message_id: str | None
    #: bool, an out-of-office note, a bounce, a read receipt
    automatic: bool
    #: int or None, minutes by which the clock of whoever answered is ahead of UTC
    utc_offset_minutes: int | None = None


def read_reply(value: object, now: datetime) -> Reply:
    """Read a reply from JSON; raises InvalidRequestError naming the field that is wrong."""
    fields = Fields(value, FIELDS)
    replied_by = fields.line("replied_by", 254)
    at = fields.optional_moment("at") or now
    # Ids of interactions sort by time and have room for these only.
    if not EPOCH <= at <= now + CLOCK_SKEW:
        fields.wrong("at", "A reply is not older than 1970 and not of the future.")
    return Reply(
        replied_by=check_address(replied_by, "replied_by"),
        at=at,
        internet_message_id=fields.optional_line("internet_message_id", LONGEST_LINE),
        automatic=fields.flag("automatic", default=False),
        utc_offset_minutes=_offset(fields),
    )


def _offset(fields: Fields) -> int | None:
    """Read the offset of a Date header (RFC 5322 section 3.3), where -0000 says nothing of it."""
    header = fields.optional_line("date_header", LONGEST_LINE)
    if header is None:
        return None
    try:
        offset = parsedate_to_datetime(header).utcoffset()
    except (ValueError, OverflowError, IndexError, TypeError):
        fields.wrong("date_header", "This is not a Date header by RFC 5322.")
    if offset is not None and abs(offset) > WIDEST_OFFSET:
        fields.wrong("date_header", "No clock is further from UTC than 14 hours.")
    return None if offset is None else offset // timedelta(minutes=1)
