"""A reminder to follow a message up, unless what the seller waits for has happened by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from engagement.domain.payload import Fields
from engagement.domain.verdicts.kpi import Fact, Kpi, count
from engagement.errors import UnprocessableError

#: Characters, as ``emailremindertext`` of Dataverse.
LONGEST_COMMENT = 1_250
#: How far ahead a message may be sent, or a reminder be due.
FARTHEST = timedelta(days=366)


class Condition(StrEnum):
    """What the seller waits for; the first three are those of Dynamics 365."""

    NO_REPLY_BY = "no_reply_by"
    NOT_OPENED_BY = "not_opened_by"
    AT = "at"
    OPENED_NO_REPLY_BY = "opened_no_reply_by"
    CLICKED_NO_REPLY_BY = "clicked_no_reply_by"
    ATTACHMENT_NOT_VIEWED_BY = "attachment_not_viewed_by"


class ReminderStatus(StrEnum):
    """How far a reminder has come; what its time has decided stays."""

    SET = "set"
    TRIGGERED = "triggered"
    #: at its time there was nothing to remind of
    MET = "met"
    #: at its time the message was not sent, or nobody could know: it is not followed
    INVALID = "invalid"


#: Whether there is something to remind of, by the counts of what people had done by then.
REMINDING: Mapping[Condition, Callable[[Kpi], bool]] = {
    Condition.NO_REPLY_BY: lambda kpi: not kpi.reply_count,
    Condition.NOT_OPENED_BY: lambda kpi: not kpi.people.open_count,
    Condition.AT: lambda _: True,
    Condition.OPENED_NO_REPLY_BY: lambda kpi: bool(kpi.people.open_count and not kpi.reply_count),
    Condition.CLICKED_NO_REPLY_BY: lambda kpi: bool(kpi.people.click_count and not kpi.reply_count),
    Condition.ATTACHMENT_NOT_VIEWED_BY: lambda kpi: not kpi.people.attachment_view_count,
}


@dataclass(frozen=True, slots=True)
class Reminder:
    """What a seller wants to be reminded of, and what became of it."""

    condition: Condition
    #: datetime, aware UTC
    remind_by: datetime
    comment: str | None = None
    status: ReminderStatus = ReminderStatus.SET
    #: datetime or None, when its time was found to have come
    decided_at: datetime | None = None

    @property
    def needs_following(self) -> bool:
        """Whether it can be decided for followed messages only."""
        return self.condition is not Condition.AT


def decide(
    reminder: Reminder,
    facts: Iterable[Fact],
    *,
    sent_at: datetime | None,
    followed: bool,
    now: datetime,
) -> Reminder:
    """Return the reminder with what its time decides, by the facts as of that time.

    So it is the same however late anybody comes to decide it. *sent_at* is None for a message that
    did not go out.
    """
    if not reminder.needs_following:
        status = ReminderStatus.TRIGGERED
    elif not followed or sent_at is None or sent_at > reminder.remind_by:
        status = ReminderStatus.INVALID
    else:
        kpi = count(fact for fact in facts if fact.at <= reminder.remind_by)
        reminding = REMINDING[reminder.condition](kpi)
        status = ReminderStatus.TRIGGERED if reminding else ReminderStatus.MET
    return replace(reminder, status=status, decided_at=now)


def read_reminder(value: object, path: str = "") -> Reminder:
    """Read a reminder from JSON; raises InvalidRequestError naming the field that is wrong."""
    fields = Fields(value, {"condition", "remind_by", "comment"}, path)
    condition = Condition(fields.choice("condition", list(Condition)))
    remind_by = fields.optional_moment("remind_by")
    if remind_by is None:
        fields.wrong("remind_by", "The time of the reminder is needed.")
    comment = fields.optional_body("comment")
    if comment is not None and len(comment) > LONGEST_COMMENT:
        fields.wrong("comment", f"A comment may have at most {LONGEST_COMMENT} characters.")
    return Reminder(condition, remind_by, comment)


def reminder_json(reminder: Reminder) -> dict[str, Any]:
    """Return what :func:`read_reminder` reads."""
    return {
        "condition": reminder.condition.value,
        "remind_by": reminder.remind_by.isoformat(),
        "comment": reminder.comment,
    }


def check_reminder(
    reminder: Reminder, *, followed: bool, send_at: datetime | None, now: datetime, path: str = ""
) -> None:
    """Raise UnprocessableError for a reminder that could never be decided.

    *send_at* is when the message goes out, if it waits for that.
    """
    prefix = f"{path}." if path else ""
    if reminder.needs_following and not followed:
        raise UnprocessableError(
            "Only for a followed message it can be known; use the condition at.",
            f"{prefix}condition",
        )
    check_ahead(reminder.remind_by, now, f"{prefix}remind_by")
    if send_at is not None and reminder.needs_following and reminder.remind_by <= send_at:
        raise UnprocessableError(
            "By then the message would not have been sent.", f"{prefix}remind_by"
        )


def check_ahead(at: datetime, now: datetime, field: str) -> None:
    """Raise UnprocessableError unless *at* is ahead, by a year at the most."""
    if not now < at <= now + FARTHEST:
        raise UnprocessableError(
            f"This must be a time within the next {FARTHEST.days} days.", field
        )
