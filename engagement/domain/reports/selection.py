"""Which messages a list is to show, and in which order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from engagement.domain.mailbox_address import check_display_text
from engagement.domain.messages.draft import LONGEST_ID, RECORD_TYPE
from engagement.domain.payload import Fields
from engagement.domain.reports.listed import Listed
from engagement.domain.verdicts.interaction import EPOCH, LAST_MILLISECOND, inverted
from engagement.errors import InvalidRequestError

LONGEST_SEARCH = 100
#: What is sorted by another column than the time is so within a period, if none is named this one.
USUAL_PERIOD = timedelta(days=30)
#: Most records whose activities are shown together with those of a first one.
MOST_RELATED = 20

Rank = tuple[bool, int | str | None, str]
Filter = Callable[[Listed], bool]


class State(StrEnum):
    """What became of a message, as lists are filtered by it."""

    OPENED = "opened"
    NOT_OPENED = "not_opened"
    UNKNOWN = "unknown"
    CLICKED = "clicked"
    REPLIED = "replied"
    NOT_REPLIED = "not_replied"


STATES: Mapping[State, Filter] = {
    State.OPENED: lambda row: row.kpi.people.open_count > 0,
    State.NOT_OPENED: lambda row: not row.kpi.people.open_count and not row.kpi.unsure.open_count,
    State.UNKNOWN: lambda row: not row.kpi.people.open_count and row.kpi.unsure.open_count > 0,
    State.CLICKED: lambda row: row.kpi.people.click_count > 0,
    State.REPLIED: lambda row: row.kpi.reply_count > 0,
    State.NOT_REPLIED: lambda row: not row.kpi.reply_count,
}

NEWEST = "sent_at"
VALUES: Mapping[str, Callable[[Listed], int | str | None]] = {
    NEWEST: lambda row: -inverted(row.at),
    "open_count": lambda row: row.kpi.people.open_count,
    "click_count": lambda row: row.kpi.people.click_count,
    "attachment_view_count": lambda row: row.kpi.people.attachment_view_count,
    "reply_count": lambda row: row.kpi.reply_count,
    "last_opened_at": lambda row: (
        None if row.kpi.last_opened_at is None else -inverted(row.kpi.last_opened_at)
    ),
    "subject": lambda row: row.subject.casefold()[:LONGEST_SEARCH],
}
#: Sorts behind the key of every row: a colon comes after the digits.
LAST_KEY = ":"
ORDERS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What names a CRM row."""

    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters and order of a list; None and "" filter nothing."""

    followed: bool = True
    #: str or None, the id of a user
    sender: str | None = None
    record: RecordKey | None = None
    template: str | None = None
    #: datetime or None, the first moment that counts
    since: datetime | None = None
    #: datetime or None, the first moment behind
    until: datetime | None = None
    state: State | None = None
    #: str, what the subject holds in whatever case
    subject: str = ""
    sort: str = NEWEST
    order: str = "desc"

    @property
    def by_key(self) -> bool:
        """Whether the rows are wanted in the order in which they are stored."""
        return (self.sort, self.order) == (NEWEST, "desc")

    @property
    def whole(self) -> bool:
        """Whether every row of the partition that serves the list is wanted."""
        named = [x for x in (self.record, self.sender, self.template) if x is not None]
        mixed = self.record is not None and self.followed
        return not (mixed or len(named) > 1 or self.state or self.subject)

    @property
    def scope(self) -> str:
        """What a continuation of this list holds for."""
        return json.dumps(asdict(self), default=str)

    def wants(self, row: Listed) -> bool:
        """Whether a row passes the filters; period and record are those of where it stands."""
        return (
            (row.followed or not self.followed)
            and self.sender in (None, row.sender.user_id)
            and self.template in (None, row.template_id)
            and (self.state is None or STATES[self.state](row))
            and self.subject in row.subject.casefold()
        )

    def keys(self) -> tuple[str, str]:
        """Return the keys between which the rows of the period stand."""
        first = "" if self.until is None else _bound(self.until)
        last = LAST_KEY if self.since is None else _bound(self.since)
        return first, last

    def within_a_period(self, now: datetime) -> Selection:
        """Return this selection with the usual period, if it needs one and names none."""
        if self.by_key or self.since is not None:
            return self
        # Nothing was sent before 1970, and long before that there is no time.
        return replace(self, since=max(self.until or now, EPOCH) - USUAL_PERIOD)

    def rank(self, row: Listed) -> Rank:
        """Return what a row is sorted by, and its key; what is not known comes before the rest."""
        value = VALUES[self.sort](row)
        return (value is not None, value, row.key)

    def sorted(self, rows: Iterable[Listed]) -> list[Listed]:
        """Return rows in the order that is wanted, the newest first of those that are alike."""
        newest_first = sorted(rows, key=lambda row: row.key)
        return sorted(
            newest_first, key=lambda row: self.rank(row)[:2], reverse=self.order == "desc"
        )

    def behind(self, row: Listed, last: Rank) -> bool:
        """Whether a row comes after the one of that rank."""
        rank = self.rank(row)
        if rank[:2] == last[:2]:
            return rank[2] > last[2]
        return (rank[:2] > last[:2]) == (self.order == "asc")

    def read_rank(self, value: object) -> Rank:
        """Return a rank as :meth:`rank` made it and JSON kept it; raises InvalidRequestError."""
        kind = str if self.sort == "subject" else int
        match value:
            case [True, str() | int() as rank, str() as key] if type(rank) is kind:
                return (True, rank, key)
            case [False, None, str() as key]:
                return (False, None, key)
        raise InvalidRequestError("This is not what a page ended with.", "continuation")


def read_selection(parameters: Mapping[str, str]) -> Selection:
    """Read the filters and the order of a list; raises InvalidRequestError."""
    fields = Fields(dict(parameters), parameters.keys())
    selection = Selection(
        followed=fields.choice("followed", ("true", "false"), "true") == "true",
        sender=fields.optional_line("sender", LONGEST_ID),
        record=read_record(parameters["record"], "record") if "record" in parameters else None,
        template=fields.optional_line("template", LONGEST_ID),
        since=fields.optional_moment("from"),
        until=fields.optional_moment("to"),
        state=State(fields.choice("state", list(State))) if "state" in parameters else None,
        subject=(
            fields.line("subject", LONGEST_SEARCH, empty=True) if "subject" in fields else ""
        ).casefold(),
        sort=fields.choice("sort", list(VALUES), NEWEST),
        order=fields.choice("order", ORDERS, "desc"),
    )
    if not selection.followed and selection.record is None:
        fields.wrong("followed", "Messages that are not followed are listed by record only.")
    if selection.since and selection.until and selection.since >= selection.until:
        fields.wrong("to", "The period must end after it begins.")
    return selection


def read_record(text: str, field: str) -> RecordKey:
    """Read a record from its type and id, "contact:c-1"; raises InvalidRequestError."""
    kind, _, name = text.partition(":")
    return record_key(kind, name, field)


def record_key(kind: str, name: str, field: str) -> RecordKey:
    """Return what names the record of a type with an id; raises InvalidRequestError."""
    kind = kind.lower()
    if not RECORD_TYPE.fullmatch(kind) or not name.strip():
        raise InvalidRequestError(
            "A record is named by its type and id, such as contact:c-1.", field
        )
    return RecordKey(kind, check_display_text(name, field, LONGEST_ID))


def read_related(text: str) -> list[RecordKey]:
    """Read records separated by commas, "" for none; raises InvalidRequestError."""
    names = text.split(",") if text else []
    if len(names) > MOST_RELATED:
        raise InvalidRequestError(f"At most {MOST_RELATED} records can be named.", "related")
    return [read_record(name, "related") for name in names]


def _bound(at: datetime) -> str:
    """Return the key between those of before *at* and those of *at* and later, which stand above.

    A key that was made at a moment goes on with a hyphen and so stands behind the moment alone.
    """
    number = inverted(at) + 1
    return LAST_KEY if number > LAST_MILLISECOND else f"{max(number, 0):013d}"
