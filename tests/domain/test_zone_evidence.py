"""Where a recipient's clock stands: what decides, what narrows, what speaks against it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engagement.domain.delivery.habit import ReplyOffset
from engagement.domain.delivery.phone_number import PhonePrefix, read_phone
from engagement.domain.delivery.zone_evidence import Whereabouts, ZoneEvidence, locate
from engagement.domain.payload import Fields

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 9, tzinfo=UTC)
RECORD = ZoneEvidence.RECORD_TIME_ZONE
PLACE = ZoneEvidence.COUNTRY_AND_REGION
OFFSET = ZoneEvidence.REPLY_DATE_OFFSET
PHONE = ZoneEvidence.PHONE_PREFIX
DOMAIN = ZoneEvidence.DOMAIN_COUNTRY

NEPAL = PhonePrefix("NP", ("Asia/Katmandu",))
LONDON = PhonePrefix("GB", ("Europe/London",))
SAN_FRANCISCO = PhonePrefix("US", ("America/Los_Angeles",))
TOLL_FREE = PhonePrefix("US", ("America/Chicago", "America/Los_Angeles", "America/New_York"))


def found(email="ann@fabrikam.com", offset=None, at=NOW, **known):
    """Locate whoever is known by so much; the seller is in Berlin."""
    reply = None if offset is None else ReplyOffset(offset, at)
    return locate(Whereabouts(email=email, reply_offset=reply, **known), "Europe/Berlin", NOW)


#: What is known, the zone, the country, what decided, whether that is certain.
CASES = [
    ({"time_zone": "Asia/Tokyo"}, "Asia/Tokyo", "JP", RECORD, True),
    ({"time_zone": "Asia/Calcutta"}, "Asia/Calcutta", "IN", RECORD, True),
    ({"time_zone": "UTC"}, "UTC", None, RECORD, True),
    ({"country": "DE"}, "Europe/Berlin", "DE", PLACE, True),
    ({"country": "NO"}, "Europe/Oslo", "NO", PLACE, True),
    ({"country": "AR"}, "America/Argentina/Buenos_Aires", "AR", PLACE, True),
    ({"country": "CN"}, "Asia/Shanghai", "CN", PLACE, True),
    ({"country": "US"}, "America/New_York", "US", PLACE, False),
    ({"country": "RU"}, "Europe/Moscow", "RU", PLACE, False),
    ({"country": "AU"}, "Australia/Sydney", "AU", PLACE, False),
    ({"country": "US", "region": "CA"}, "America/Los_Angeles", "US", PLACE, True),
    ({"country": "US", "region": "MI"}, "America/Detroit", "US", PLACE, True),
    ({"country": "US", "region": "TN"}, "America/Chicago", "US", PLACE, False),
    ({"country": "ES", "region": "GC"}, "Atlantic/Canary", "ES", PLACE, True),
    ({"country": "ES", "region": "MD"}, "Europe/Madrid", "ES", PLACE, True),
    ({"country": "PT", "region": "20"}, "Atlantic/Azores", "PT", PLACE, True),
    ({"country": "BR", "region": "AC"}, "America/Rio_Branco", "BR", PLACE, True),
    ({"country": "ID", "region": "BA"}, "Asia/Makassar", "ID", PLACE, True),
    ({"country": "GB", "region": "LND"}, "Europe/London", "GB", PLACE, True),
    ({"offset": 345}, "+05:45", None, OFFSET, False),
    ({"offset": -570}, "-09:30", None, OFFSET, False),
    ({"phone": NEPAL}, "Asia/Kathmandu", "NP", PHONE, True),
    ({"phone": SAN_FRANCISCO}, "America/Los_Angeles", "US", PHONE, True),
    ({"phone": TOLL_FREE}, "America/New_York", "US", PHONE, False),
    ({"email": "ann@fabrikam.co.uk"}, "Europe/London", "GB", DOMAIN, True),
    ({"email": "ann@fabrikam.jp"}, "Asia/Tokyo", "JP", DOMAIN, True),
    ({"email": "ann@fabrikam.com.au"}, "Australia/Sydney", "AU", DOMAIN, False),
    ({"email": "ann@fabrikam.io"}, "Europe/Berlin", "DE", ZoneEvidence.NONE, False),
    ({"email": "ann@fabrikam.eu"}, "Europe/Berlin", "DE", ZoneEvidence.NONE, False),
    ({}, "Europe/Berlin", "DE", ZoneEvidence.NONE, False),
]


@pytest.mark.parametrize(("known", "zone", "country", "evidence", "certain"), CASES)
def test_the_strongest_evidence_decides(known, zone, country, evidence, certain):
    located = found(**known)
    assert (located.name, located.country) == (zone, country)
    assert (located.evidence, located.certain) == (evidence, certain)
    assert (located.narrowed_by, located.against) == ((), ())


@pytest.mark.parametrize(
    ("known", "zone", "evidence", "narrowed_by", "certain"),
    [
        # Of a country's zones the one that agreed with the reply's clock when it was written.
        ({"country": "US", "offset": -480}, "America/Los_Angeles", PLACE, (OFFSET,), True),
        ({"country": "US", "offset": -420, "at": SUMMER}, "America/Los_Angeles", PLACE, (OFFSET,),
         False),
        ({"country": "RU", "offset": 300}, "Asia/Yekaterinburg", PLACE, (OFFSET,), True),
        ({"country": "US", "phone": SAN_FRANCISCO}, "America/Los_Angeles", PLACE, (PHONE,), True),
        ({"country": "US", "region": "TN", "offset": -300}, "America/New_York", PLACE, (OFFSET,),
         True),
        # An offset says which country only together with something else.
        ({"offset": 345, "phone": NEPAL}, "Asia/Kathmandu", OFFSET, (PHONE,), True),
        ({"offset": 60, "email": "ann@fabrikam.fr"}, "Europe/Paris", OFFSET, (DOMAIN,), True),
        ({"offset": -300, "phone": TOLL_FREE}, "America/New_York", OFFSET, (PHONE,), True),
        ({"email": "ann@fabrikam.us", "phone": TOLL_FREE}, "America/New_York", PHONE, (), False),
    ],
)  # fmt: skip
def test_weaker_evidence_chooses_among_what_is_left(known, zone, evidence, narrowed_by, certain):
    located = found(**known)
    assert (located.name, located.evidence) == (zone, evidence)
    assert (located.narrowed_by, located.certain) == (narrowed_by, certain)
    assert located.against == ()


@pytest.mark.parametrize(
    ("known", "zone", "against"),
    [
        ({"time_zone": "Asia/Tokyo", "country": "DE"}, "Asia/Tokyo", [(PLACE, "Europe/Berlin")]),
        ({"country": "US", "email": "a@b.de"}, "America/New_York", [(DOMAIN, "Europe/Berlin")]),
        ({"country": "DE", "offset": 345}, "Europe/Berlin", [(OFFSET, "+05:45")]),
        ({"offset": 345, "phone": LONDON}, "+05:45", [(PHONE, "Europe/London")]),
        (
            {"phone": NEPAL, "country": "JP", "email": "a@b.de"},
            "Asia/Tokyo",
            [(PHONE, "Asia/Kathmandu"), (DOMAIN, "Europe/Berlin")],
        ),
    ],
)
def test_evidence_for_another_zone_is_named(known, zone, against):
    located = found(**known)
    assert located.name == zone
    assert list(located.against) == against


def test_a_reply_dated_in_utc_tells_of_a_server_and_not_of_a_clock():
    assert found(offset=0).evidence is ZoneEvidence.NONE
    assert found(offset=0, country="DE").against == ()


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+977 981-2345678", None, "NP"),
        ("+1 (415) 555-0100", None, "US"),
        ("0170 1234567", "DE", "DE"),
        ("+44 20 7946 0958", "DE", "GB"),
        ("tel:+49-30-123456", None, "DE"),
        ("+800 1234 5678", None, None),
    ],
)
def test_a_phone_number_tells_its_country(text, country, expected):
    phone = read_phone(Fields({"phone": text}, {"phone"}), "phone", country)
    assert phone.country == expected
    assert bool(phone.time_zones) == (expected is not None)
