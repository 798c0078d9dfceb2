"""Why a delivery time is recommended, in words for the seller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engagement.domain.delivery.delivery_plan import DeliveryPlan
from engagement.domain.delivery.delivery_time import ALONE, TOGETHER, Choice
from engagement.domain.delivery.zone_evidence import ZoneEvidence

#: How many recipients a sentence names.
MOST_NAMED = 3

WORDS = {
    ZoneEvidence.RECORD_TIME_ZONE: "the time zone of the record",
    ZoneEvidence.COUNTRY_AND_REGION: "the country and region of the record",
    ZoneEvidence.REPLY_DATE_OFFSET: "the clock of the last reply",
    ZoneEvidence.PHONE_PREFIX: "the prefix of the phone number",
    ZoneEvidence.DOMAIN_COUNTRY: "the country of the mail domain",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence, and a word for programs to know it by."""

    code: str
    text: str


def reasons_of(plan: DeliveryPlan) -> list[Reason]:
    """Return why the time is as it is, the most important first."""
    return [
        _choice(plan),
        *_grouped("outside_working_hours", _outside(plan)),
        *_grouped("habit", _habits(plan)),
        *_grouped("holiday", _holidays(plan)),
        *_grouped("zone_assumed", _assumed(plan)),
        *_grouped("zone_uncertain", _uncertain(plan)),
        *_grouped("evidence_disagrees", _against(plan)),
        *_seller(plan),
    ]


def _choice(plan: DeliveryPlan) -> Reason:
    advice, readers = plan.advice, plan.readers
    count = len(readers)
    everybody = {1: readers[0].email, 2: "both recipients"}.get(count, f"all {count} recipients")
    code = advice.choice.value
    if advice.choice is Choice.COMPROMISE:
        days = (ALONE if count == 1 else TOGETHER).days
        return Reason(
            code,
            f"Within {days} days there is no time in the working hours of {everybody}; "
            f"this one is in those of {sum(advice.inside)}, and nearest to those of the others.",
        )
    if advice.choice is Choice.AT_ONCE:
        when = "Now" if plan.wish.not_before == plan.now else "The earliest time that was wished"
        return Reason(code, f"{when} is in the working hours of {everybody}.")
    if advice.choice is Choice.HABIT:
        return Reason(code, "In this hour of the working day more is opened and answered.")
    words = "first time in the working hours"
    if count == 1:
        then = _clock(readers[0].local(plan.wish.not_before))
        return Reason(code, f"It is {then} for {everybody}; this is the {words} after that.")
    return Reason(code, f"This is the {words} of {everybody}.")


def _outside(plan: DeliveryPlan) -> Iterator[tuple[str, str]]:
    for reader, inside in zip(plan.readers, plan.advice.inside, strict=True):
        if not inside:
            local = _clock(reader.local(plan.advice.send_at))
            yield f"It will be {local}, outside working hours, for {{}}.", reader.email


def _habits(plan: DeliveryPlan) -> Iterator[tuple[str, str]]:
    for reader in plan.readers:
        habit, hour = reader.person.habit, reader.local(plan.advice.send_at).hour
        count = habit.hours.get(hour, 0) if habit else 0
        if habit and count and plan.advice.choice is Choice.HABIT:
            times = f"{count} of the last {habit.act_count} times"
            hours = f"from {hour:02d}:00 to {hour:02d}:59"
            yield f"{{}} opened or answered {times} {hours}.", reader.email


def _holidays(plan: DeliveryPlan) -> Iterator[tuple[str, str]]:
    for reader in plan.readers:
        first, last = (
            reader.local(at).date() for at in (plan.wish.not_before, plan.advice.send_at)
        )
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            name = reader.person.calendar.holiday(day)
            if name is not None:
                yield f"{_day(day)} is a public holiday ({name}) for {{}}.", reader.email


def _assumed(plan: DeliveryPlan) -> Iterator[tuple[str, str]]:
    for reader in plan.readers:
        if reader.located.evidence is ZoneEvidence.NONE:
            yield "Nothing tells the time zone of {}; yours is assumed.", reader.email


def _uncertain(plan: DeliveryPlan) -> Iterator[tuple[str, str]]:
    for reader in plan.readers:
        located = reader.located
        if not located.certain and located.evidence is not ZoneEvidence.NONE:
            what = f"{WORDS[located.evidence]} it may be another time zone than {located.name}"
            yield f"By {what} for {{}}.", reader.email


def _against(plan: DeliveryPlan) -> Iterator[tuple[str, str]]:
    for reader in plan.readers:
        for evidence, zone in reader.located.against:
            what = f"{WORDS[evidence]} it would be {zone} instead of {reader.located.name}"
            yield f"By {what} for {{}}.", reader.email


def _seller(plan: DeliveryPlan) -> Iterator[Reason]:
    local = plan.advice.send_at.astimezone(plan.seller.zone)
    # Whoever is to send at once is there.
    if plan.advice.send_at > plan.now and not plan.seller.is_open(plan.advice.send_at):
        holiday = plan.seller.holiday(local.date())
        why = f"a public holiday ({holiday})" if holiday else "outside working hours"
        code = "seller_holiday" if holiday else "seller_outside_working_hours"
        yield Reason(code, f"For you it will be {_clock(local)}, {why}: let it be sent then.")


def _grouped(code: str, found: Iterable[tuple[str, str]]) -> Iterator[Reason]:
    """Say the same of several recipients in one sentence."""
    groups: dict[str, list[str]] = {}
    for text, email in found:
        groups.setdefault(text, []).append(email)
    for text, emails in groups.items():
        named = ", ".join(emails[:MOST_NAMED])
        more = len(emails) - MOST_NAMED
        # An address may hold braces, a sentence may hold a holiday with some: each stays as it is.
        before, _, behind = text.rpartition("{}")
        yield Reason(code, before + named + (f" and {more} more" if more > 0 else "") + behind)


def _clock(local: datetime) -> str:
    return f"{_day(local.date())} {local:%H:%M}"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
