"""A recommended delivery time as the JSON of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from engagement.domain.delivery.delivery_plan import DeliveryPlan, Reader
from engagement.domain.delivery.delivery_reason import reasons_of
from engagement.domain.delivery.habit import Habit
from engagement.domain.delivery.working_hours import working_hours_json


def plan_json(plan: DeliveryPlan) -> dict[str, Any]:
    """Return when to send, what time that is for everybody, and why."""
    at = plan.advice.send_at
    return {
        "send_at": _time(at, UTC).replace("+00:00", "Z"),
        "now_is_good": plan.advice.now_is_good,
        "choice": plan.advice.choice.value,
        "seller": {
            "time_zone": plan.wish.seller_zone,
            "local_time": _time(at, plan.seller.zone),
            "inside_working_hours": plan.seller.is_open(at),
        },
        "recipients": [
            _reader_json(reader, at, inside=inside)
            for reader, inside in zip(plan.readers, plan.advice.inside, strict=True)
        ],
        "reasons": [{"code": x.code, "text": x.text} for x in reasons_of(plan)],
    }


def _reader_json(reader: Reader, at: datetime, *, inside: bool) -> dict[str, Any]:
    located, calendar = reader.located, reader.person.calendar
    return {
        "email": reader.email,
        "time_zone": located.name,
        "country": located.country,
        "evidence": located.evidence.value,
        "narrowed_by": [evidence.value for evidence in located.narrowed_by],
        "certain": located.certain,
        "against": [
            {"evidence": evidence.value, "time_zone": zone} for evidence, zone in located.against
        ],
        "local_time": _time(at, calendar.zone),
        "inside_working_hours": inside,
        "working_hours": working_hours_json(calendar.hours),
        "holiday": calendar.holiday(reader.local(at).date()),
        "history": _habit_json(reader.person.habit),
    }


def _habit_json(habit: Habit | None) -> dict[str, Any] | None:
    return None if habit is None else {"acts": habit.act_count, "hour": habit.favourite}


def _time(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="milliseconds")
