"""A recommended delivery time with all that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engagement.domain.delivery.delivery_time import Advice, Calendar, Person, advise
from engagement.domain.delivery.delivery_wish import DeliveryWish
from engagement.domain.delivery.habit import Trace, habit_of
from engagement.domain.delivery.working_hours import DeliveryTimeSettings
from engagement.domain.delivery.zone_evidence import LocatedZone, Whereabouts, locate
from engagement.domain.time_zone import find_zone


@dataclass(frozen=True, slots=True)
class Reader:
    """A recipient: where, how that is known, and when at work."""

    email: str
    located: LocatedZone
    person: Person

    def local(self, at: datetime) -> datetime:
        """Return *at* by the clock of this recipient."""
        return at.astimezone(self.person.calendar.zone)


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """The answer to a wish."""

    wish: DeliveryWish
    #: datetime, aware UTC, when it was asked
    now: datetime
    seller: Calendar
    readers: tuple[Reader, ...]
    advice: Advice


def plan_delivery(
    wish: DeliveryWish, traces: Sequence[Trace], settings: DeliveryTimeSettings, now: datetime
) -> DeliveryPlan:
    """Recommend a delivery time; *traces* are what is kept of each recipient, in their order."""
    readers = tuple(
        _reader(known, trace, wish, settings, now)
        for known, trace in zip(wish.recipients, traces, strict=True)
    )
    return DeliveryPlan(
        wish=wish,
        now=now,
        seller=_calendar(wish.seller_zone, wish.seller_country, wish.seller_region, settings),
        readers=readers,
        advice=advise([reader.person for reader in readers], now, wish.not_before),
    )


def _reader(
    known: Whereabouts,
    trace: Trace,
    wish: DeliveryWish,
    settings: DeliveryTimeSettings,
    now: datetime,
) -> Reader:
    known = replace(known, reply_offset=trace.reply_offset)
    located = locate(known, wish.seller_zone, now)
    calendar = _calendar(located.name, located.country, known.region, settings)
    return Reader(known.email, located, Person(calendar, habit_of(trace, calendar.zone, now)))


def _calendar(
    zone: str, country: str | None, region: str | None, settings: DeliveryTimeSettings
) -> Calendar:
    return Calendar(
        zone=find_zone(zone),
        hours=settings.hours_in(country),
        country=country if settings.holidays else None,
        region=region,
    )
