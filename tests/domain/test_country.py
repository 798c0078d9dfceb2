"""Countries, regions and zones: our own table agrees with the IANA database."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engagement.domain.delivery.country import (
    ANYBODYS,
    country_of_domain,
    country_of_zone,
    read_place,
    zones_of_place,
)
from engagement.domain.delivery.region_zones import REGIONS, SPLIT, zones_of_region
from engagement.domain.payload import Fields
from engagement.domain.time_zone import (
    agree,
    canonical_name,
    countries,
    find_zone,
    offset_name,
    zone_countries,
    zone_names,
)
from engagement.errors import InvalidRequestError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
#: Nobody there has a mail domain or a phone of the country.
UNINHABITED = {"AQ", "UM"}
TERRITORIES = {"PR", "VI", "GU", "AS", "MP"}


def test_every_zone_of_the_table_is_one_of_its_country():
    for country, zones in REGIONS.items():
        split = {zone for left in SPLIT.get(country, {}).values() for zone in left}
        for zone in {*zones, *split}:
            assert zone_countries()[zone] in {country, *TERRITORIES}, zone


def test_every_country_with_several_clocks_is_in_the_table():
    several = set()
    for country in sorted(set(zone_countries().values())):
        zones = [zone for zone, code in zone_countries().items() if code == country]
        if not all(agree(zones[0], zone, NOW) for zone in zones):
            several.add(country)
    assert several - UNINHABITED <= set(REGIONS)


def test_no_region_is_in_the_table_twice():
    for country, zones in REGIONS.items():
        regions = [region for text in zones.values() for region in text.split()]
        regions += SPLIT.get(country, {})
        assert len(regions) == len(set(regions)), country


@pytest.mark.parametrize("country", ["US", "CA", "AU", "BR", "FM"])
def test_every_region_that_has_holidays_has_a_zone(country):
    import holidays

    for region in holidays.list_supported_countries()[country]:
        if region.isalnum() and region != "UM":
            assert zones_of_region(country, region), region


def test_every_country_has_zones_that_are_found():
    for country in countries() - {"BV", "HM"}:
        for zone in zones_of_place(country, None):
            assert find_zone(zone)


def test_zones_are_those_of_the_package_and_not_of_the_machine():
    winter = datetime(2027, 1, 11, 15, tzinfo=UTC)
    # British Columbia has no winter time any more since 2026.
    assert winter.astimezone(find_zone("America/Vancouver")).hour == 8
    assert len(zone_names()) > 500
    for name in zone_names():
        assert str(find_zone(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "../zones",
        "Europe",
        "/etc/localtime",
        "W. Europe Standard Time",
        "+25:00",
    ],
)
def test_what_is_no_zone_is_not_found(name):
    with pytest.raises(KeyError):
        find_zone(name)


@pytest.mark.parametrize("name", ["+05:45", "-09:30", "+14:00", "-00:30"])
def test_a_fixed_offset_has_a_name(name):
    offset = NOW.astimezone(find_zone(name)).utcoffset()
    assert offset_name(offset) == name


def test_old_names_lead_to_the_new_ones():
    assert canonical_name("Asia/Calcutta") == "Asia/Kolkata"
    assert canonical_name("US/Pacific") == "America/Los_Angeles"
    assert canonical_name("Europe/Oslo") == "Europe/Oslo"
    assert country_of_zone("US/Pacific") == "US"
    assert country_of_zone("Etc/UTC") is None
    assert isinstance(find_zone("Asia/Calcutta"), ZoneInfo)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("ann@fabrikam.de", "DE"),
        ("ann@fabrikam.co.UK", "GB"),
        ("ann@fabrikam.xn--p1ai", "RU"),
        ("ann@fabrikam.com", None),
        ("ann@fabrikam.eu", None),
        ("ann@fabrikam", None),
        *((f"ann@fabrikam.{top}", None) for top in sorted(ANYBODYS)),
    ],
)
def test_a_domain_tells_its_country_unless_it_is_sold_to_anybody(address, country):
    assert country_of_domain(address) == country


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, (None, None)),
        ({"country": None, "region": None}, (None, None)),
        ({"country": "us"}, ("US", None)),
        ({"country": "US", "region": "US-CA"}, ("US", "CA")),
        ({"country": "US", "region": "ca"}, ("US", "CA")),
        ({"region": "us-ca"}, ("US", "CA")),
        ({"country": "DE", "region": "BY"}, ("DE", "BY")),
        ({"country": "GB", "region": "GB-LND"}, ("GB", "LND")),
    ],
)
def test_a_place_is_read(value, expected):
    assert read_place(Fields(value, {"country", "region"})) == expected


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "UK"}, "country"),
        ({"country": "USA"}, "country"),
        ({"country": "Germany"}, "country"),
        ({"country": ""}, "country"),
        ({"country": 49}, "country"),
        ({"country": "US", "region": "ZZ"}, "region"),
        ({"country": "US", "region": "DE-BY"}, "region"),
        ({"region": "CA"}, "region"),
        ({"region": "XX-CA"}, "region"),
        ({"country": "US", "region": "California"}, "region"),
        ({"country": "US", "region": "*"}, "region"),
        ({"country": "US", "region": ["CA"]}, "region"),
    ],
)
def test_B59_a_place_that_does_not_exist_is_refused(value, field):
    with pytest.raises(InvalidRequestError) as refusal:
        read_place(Fields(value, {"country", "region"}))
    assert refusal.value.field == field
