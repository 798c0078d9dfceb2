"""Phone numbers: which country and time zones their prefix is of, by the data of libphonenumber."""

from __future__ import annotations

from dataclasses import dataclass

from engagement.domain.payload import Fields

LONGEST_NUMBER = 60


@dataclass(frozen=True, slots=True)
class PhonePrefix:
    """What a number tells of where its owner is."""

    #: str or None, ISO 3166-1 alpha-2; None for numbers of no country, such as +800
    country: str | None
    #: names of zones, in no order of weight
    time_zones: tuple[str, ...]


def read_phone(fields: Fields, name: str, country: str | None) -> PhonePrefix | None:
    """Read a phone number, international or in the way of *country*; raises InvalidRequestError.

    It is not asked whether the number was given to anybody, only whether it could be.
    """
    text = fields.optional_line(name, LONGEST_NUMBER)
    if text is None:
        return None
    import phonenumbers
    from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        fields.wrong(name, "This is not a phone number, such as +49 30 123456.")
    code = phonenumbers.region_code_for_number(number)
    zones = tuple(zone for zone in time_zones_for_number(number) if zone != UNKNOWN_TIMEZONE)
    return PhonePrefix(code if code and code.isalpha() else None, zones)
