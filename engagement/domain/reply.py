"""A reply, as the CRM reports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engagement.domain.interaction import EPOCH
from engagement.domain.mailbox_address import check_address
from engagement.domain.payload import Fields

#: Longest line of a header (RFC 5322, section 2.1.1).
LONGEST_MESSAGE_ID = 998
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


def read_reply(value: object, now: datetime) -> Reply:
    """Read a reply from JSON; raises InvalidRequestError naming the field that is wrong."""
    fields = Fields(value, {"replied_by", "at", "internet_message_id", "automatic"})
    replied_by = fields.line("replied_by", 254)
    at = fields.optional_moment("at") or now
    # Ids of interactions sort by time and have room for these only.
    if not EPOCH <= at <= now + CLOCK_SKEW:
        fields.wrong("at", "A reply is not older than 1970 and not of the future.")
    return Reply(
        replied_by=check_address(replied_by, "replied_by"),
        at=at,
        internet_message_id=fields.optional_line("internet_message_id", LONGEST_MESSAGE_ID),
        automatic=fields.flag("automatic", default=False),
    )
