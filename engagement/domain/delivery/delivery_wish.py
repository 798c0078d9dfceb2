"""The question for a delivery time, as the CRM asks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engagement.domain.delivery.country import country_of_zone, read_place
from engagement.domain.delivery.phone_number import read_phone
from engagement.domain.delivery.zone_evidence import Whereabouts
from engagement.domain.mailbox_address import ADDRESS_LIMIT, address_key, check_address
from engagement.domain.messages.message import MOST_RECIPIENTS
from engagement.domain.payload import Fields
from engagement.domain.time_zone import read_time_zone
from engagement.errors import InvalidRequestError

#: Holidays and changes of the clocks are decided some months ahead.
LONGEST_WAIT = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class DeliveryWish:
    """Who is to read a message, when at the earliest, and where the seller is."""

    #: str, name in the IANA database
    seller_zone: str
    #: str or None, ISO 3166-1 alpha-2
    seller_country: str | None
    seller_region: str | None
    #: datetime, aware UTC, not in the past
    not_before: datetime
    recipients: tuple[Whereabouts, ...]


def read_wish(value: object, now: datetime) -> DeliveryWish:
    """Read the question from JSON; raises InvalidRequestError naming the field that is wrong."""
    fields = Fields(value, {"time_zone", "country", "region", "not_before", "recipients"})
    zone = read_time_zone(fields, "time_zone")
    country, region = read_place(fields)
    not_before = fields.optional_moment("not_before") or now
    if not_before > now + LONGEST_WAIT:
        fields.wrong("not_before", f"This must be within the next {LONGEST_WAIT.days} days.")
    return DeliveryWish(
        zone, country or country_of_zone(zone), region, max(not_before, now), _recipients(fields)
    )


def _recipients(fields: Fields) -> tuple[Whereabouts, ...]:
    found: dict[str, Whereabouts] = {}
    for value, path in fields.items("recipients", MOST_RECIPIENTS):
        recipient = _recipient(value, path)
        key = address_key(recipient.email)
        if key in found:
            raise InvalidRequestError("This address is there twice.", f"{path}.email")
        found[key] = recipient
    if not found:
        fields.wrong("recipients", "At least one recipient is needed.")
    return tuple(found.values())


def _recipient(value: object, path: str) -> Whereabouts:
    fields = Fields(value, {"email", "time_zone", "country", "region", "phone"}, path)
    email = check_address(fields.line("email", ADDRESS_LIMIT), fields.at("email"))
    named = fields.value.get("time_zone") is not None
    country, region = read_place(fields)
    return Whereabouts(
        email=email,
        time_zone=read_time_zone(fields, "time_zone") if named else None,
        country=country,
        region=region,
        phone=read_phone(fields, "phone", country),
    )
