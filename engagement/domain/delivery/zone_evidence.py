"""Where a recipient's clock stands, and what that is known from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engagement.domain.delivery.country import country_of_domain, country_of_zone, zones_of_place
from engagement.domain.delivery.habit import ReplyOffset
from engagement.domain.delivery.phone_number import PhonePrefix
from engagement.domain.time_zone import agree, canonical_name, find_zone, offset_name


class ZoneEvidence(StrEnum):
    """What a time zone is known from, the strongest first."""

    RECORD_TIME_ZONE = "record_time_zone"
    COUNTRY_AND_REGION = "country_and_region"
    REPLY_DATE_OFFSET = "reply_date_offset"
    PHONE_PREFIX = "phone_prefix"
    DOMAIN_COUNTRY = "domain_country"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Everything that is known of where a recipient is."""

    email: str
    time_zone: str | None = None
    country: str | None = None
    region: str | None = None
    phone: PhonePrefix | None = None
    reply_offset: ReplyOffset | None = None


@dataclass(frozen=True, slots=True)
class LocatedZone:
    """A recipient's time zone, and how it was found."""

    #: str, name in the IANA database, or a fixed offset such as +05:45
    name: str
    #: str or None, ISO 3166-1 alpha-2: that of the record, else that of the zone
    country: str | None
    evidence: ZoneEvidence
    #: whether the evidence leaves one zone only
    certain: bool
    #: what else was needed to choose among the zones that the evidence leaves
    narrowed_by: tuple[ZoneEvidence, ...] = ()
    #: what speaks for another zone, and for which
    against: tuple[tuple[ZoneEvidence, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Clue:
    evidence: ZoneEvidence
    #: zones that it leaves, the likeliest first; a fixed offset where any zone will do
    zones: tuple[str, ...]
    allows: Callable[[str], bool]


def locate(known: Whereabouts, seller_zone: str, now: datetime) -> LocatedZone:
    """Return a recipient's zone: the first evidence decides, what comes behind may narrow it.

    Of several zones that are left, the one in which most people live is taken. Without any
    evidence it is the seller's.
    """
    first, *others = [*_clues(known, now), _clue(ZoneEvidence.NONE, (seller_zone,), now)]
    zones, narrowed_by, against = first.zones, [], []
    for clue in others[:-1]:
        if _is_fixed(zones):
            left = tuple(zone for zone in clue.zones if first.allows(zone))
        else:
            left = tuple(zone for zone in zones if clue.allows(zone))
        if not left:
            against.append((clue.evidence, clue.zones[0]))
        elif len(left) < len(zones) or _is_fixed(zones):
            zones = left
            narrowed_by.append(clue.evidence)
    return LocatedZone(
        name=zones[0],
        country=known.country or country_of_zone(zones[0]),
        evidence=first.evidence,
        certain=first.evidence is not ZoneEvidence.NONE
        and not _is_fixed(zones)
        and all(agree(zones[0], zone, now) for zone in zones),
        narrowed_by=tuple(narrowed_by),
        against=tuple(against),
    )


def _clues(known: Whereabouts, now: datetime) -> Iterator[_Clue]:
    if known.time_zone:
        yield _clue(ZoneEvidence.RECORD_TIME_ZONE, (known.time_zone,), now)
    if known.country and (zones := zones_of_place(known.country, known.region)):
        yield _clue(ZoneEvidence.COUNTRY_AND_REGION, zones, now)
    # Mail servers such as Exchange write every Date header in UTC: that tells of no clock.
    if known.reply_offset and known.reply_offset.minutes:
        yield _offset_clue(known.reply_offset)
    if known.phone and (zones := _phone_zones(known.phone, now)):
        yield _clue(ZoneEvidence.PHONE_PREFIX, zones, now)
    country = country_of_domain(known.email)
    if country and (zones := zones_of_place(country, None)):
        yield _clue(ZoneEvidence.DOMAIN_COUNTRY, zones, now)


def _clue(evidence: ZoneEvidence, zones: tuple[str, ...], now: datetime) -> _Clue:
    return _Clue(evidence, zones, lambda zone: any(agree(zone, one, now) for one in zones))


def _offset_clue(seen: ReplyOffset) -> _Clue:
    offset = timedelta(minutes=seen.minutes)
    return _Clue(
        ZoneEvidence.REPLY_DATE_OFFSET,
        (offset_name(offset),),
        lambda zone: seen.at.astimezone(find_zone(zone)).utcoffset() == offset,
    )


def _phone_zones(phone: PhonePrefix, now: datetime) -> tuple[str, ...]:
    """Return the zones of a prefix, those of most people first where its country is known."""
    named = tuple(canonical_name(zone) for zone in phone.time_zones)
    inside = zones_of_place(phone.country, None) if phone.country else ()
    left = tuple(zone for zone in inside if any(agree(zone, one, now) for one in named))
    return left or named or inside


def _is_fixed(zones: tuple[str, ...]) -> bool:
    return zones[0][0] in "+-"
