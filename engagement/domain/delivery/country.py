"""Countries and their regions: which time zones they have, and which domain names tell of them."""

from __future__ import annotations

import re
from functools import cache

from engagement.domain.delivery.region_zones import REGIONS, zones_of_region
from engagement.domain.payload import Fields
from engagement.domain.time_zone import canonical_name, countries, zone_countries

COUNTRY = re.compile(r"[A-Za-z]{2}")
REGION = re.compile(r"(?:(?P<country>[A-Za-z]{2})-)?(?P<region>[A-Za-z0-9]{1,3})")

#: Domains of countries that are sold for what they spell rather than where they are. Source:
#: "ccTLDs treated as gTLDs" in Google's "Managing multi-regional and multilingual sites", and some
#: that registries have opened to everybody since.
# fmt: off
ANYBODYS = frozenset((
    "ac", "ad", "ag", "ai", "as", "bz", "cc", "cd", "co", "dj", "fm", "gg", "gl", "io", "la", "ly",
    "me", "ms", "nu", "sc", "sh", "so", "sr", "su", "tk", "to", "tv", "vc", "ws",
))
# fmt: on
#: Domains that are not the ISO 3166-1 code of their country.
ALIASES = {"uk": "GB", "xn--p1ai": "RU", "xn--fiqs8s": "CN", "xn--j1amh": "UA"}


def read_country(fields: Fields, name: str) -> str | None:
    """Read a country from field *name*; null and absence are None."""
    code = fields.optional_line(name, 100)
    if code is None:
        return None
    if not COUNTRY.fullmatch(code) or code.upper() not in countries():
        fields.wrong(name, "This is not a country by ISO 3166-1 alpha-2, such as DE or US.")
    return code.upper()


def read_place(fields: Fields) -> tuple[str | None, str | None]:
    """Read the fields country and region, the latter as US-CA, or CA beside its country.

    The region is returned without its country; raises InvalidRequestError for one that the country
    is known not to have.
    """
    country, text = read_country(fields, "country"), fields.optional_line("region", 100)
    if text is None:
        return country, None
    match = REGION.fullmatch(text.upper())
    if match is None:
        fields.wrong("region", "This is not a region by ISO 3166-2, such as US-CA.")
    named = match["country"] or country
    if named is None:
        fields.wrong("region", "A region needs its country, such as US-CA.")
    if named not in countries() or country not in (None, named):
        fields.wrong("region", "This region is not in that country.")
    if named in REGIONS and zones_of_region(named, match["region"]) is None:
        fields.wrong("region", f"{named} has no such region by ISO 3166-2.")
    return named, match["region"]


@cache
def zones_of_place(country: str, region: str | None) -> tuple[str, ...]:
    """Return the zones of a country or a region of it, the one with most people first."""
    if country in REGIONS:
        zones = zones_of_region(country, region) if region else None
        return zones or tuple(REGIONS[country])
    return tuple(zone for zone, code in zone_countries().items() if code == country)


def country_of_zone(name: str) -> str | None:
    """Return the country of a zone; None for one that belongs to none, such as UTC."""
    return zone_countries().get(canonical_name(name))


def country_of_domain(address: str) -> str | None:
    """Return the country that the domain of an email address is of, if it is of one."""
    top = address.rpartition(".")[2].lower()
    if top in ANYBODYS:
        return None
    code = ALIASES.get(top, top.upper())
    return code if code in countries() else None
