"""Which region of a country has which time zone, for the countries that have several.

Source: the tables and comments of the IANA database (zone.tab, northamerica, southamerica, asia,
australasia, europe, africa of release 2026), which describe zones by region; regions are those of
ISO 3166-2 without the country. The zone in which most people of a country live stands first; "*"
are all its other regions. A minority of a region below one person in a hundred, such as those of
Lord Howe Island in New South Wales, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

OTHERS = "*"

#: Country to zones to their regions.
REGIONS: Mapping[str, Mapping[str, str]] = {
    "AU": {
        "Australia/Sydney": "ACT NSW",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Perth": "WA",
        "Australia/Adelaide": "SA",
        "Australia/Hobart": "TAS",
        "Australia/Darwin": "NT",
    },
    "BR": {
        "America/Sao_Paulo": "DF ES GO MG PR RJ RS SC SP",
        "America/Bahia": "BA",
        "America/Fortaleza": "CE MA PB PI RN",
        "America/Recife": "PE",
        "America/Belem": "AP PA",
        "America/Maceio": "AL SE",
        "America/Araguaina": "TO",
        "America/Manaus": "",
        "America/Cuiaba": "MT",
        "America/Campo_Grande": "MS",
        "America/Porto_Velho": "RO",
        "America/Boa_Vista": "RR",
        "America/Rio_Branco": "AC",
    },
    "CA": {
        "America/Toronto": "ON QC",
        "America/Vancouver": "",
        "America/Edmonton": "AB NT",
        "America/Winnipeg": "MB",
        "America/Regina": "SK",
        "America/Halifax": "NS PE",
        "America/Moncton": "NB",
        "America/St_Johns": "",
        "America/Whitehorse": "YT",
        "America/Iqaluit": "",
    },
    "CD": {
        "Africa/Kinshasa": "BC EQ KG KL KN MN MO NU SU TU",
        "Africa/Lubumbashi": "BU HK HL HU IT KC KE KS LO LU MA NK SA SK TA TO",
    },
    "CL": {
        "America/Santiago": "*",
        "America/Punta_Arenas": "MA",
        "America/Coyhaique": "AI",
        "Pacific/Easter": "",
    },
    # Beijing time is the law in all of China.
    "CN": {"Asia/Shanghai": "*"},
    "EC": {"America/Guayaquil": "*", "Pacific/Galapagos": "W"},
    "ES": {"Europe/Madrid": "*", "Atlantic/Canary": "CN GC TF"},
    "FM": {"Pacific/Chuuk": "TRK YAP", "Pacific/Pohnpei": "PNI", "Pacific/Kosrae": "KSA"},
    "GL": {
        "America/Nuuk": "*",
        "America/Scoresbysund": "",
        "America/Danmarkshavn": "",
        "America/Thule": "",
    },
    "ID": {
        "Asia/Jakarta": "AC BB BE BT JA JB JI JK JT KR LA RI SB SS SU YO",
        "Asia/Makassar": "BA GO KI KS KU NB NT SA SG SN SR ST",
        "Asia/Pontianak": "KB KT",
        "Asia/Jayapura": "MA MU PA PB PD PE PS PT",
    },
    "KI": {"Pacific/Tarawa": "G", "Pacific/Kiritimati": "L", "Pacific/Kanton": "P"},
    "MN": {"Asia/Ulaanbaatar": "*", "Asia/Hovd": "043 046 071"},
    "MX": {
        "America/Mexico_City": "AGU CHP CMX COL GRO GUA HID JAL MEX MIC MOR OAX PUE QUE SLP TAB "
        "TLA VER ZAC",
        "America/Monterrey": "DUR NLE",
        "America/Merida": "CAM YUC",
        "America/Tijuana": "BCN",
        "America/Matamoros": "",
        "America/Chihuahua": "",
        "America/Mazatlan": "BCS SIN",
        "America/Hermosillo": "SON",
        "America/Cancun": "ROO",
        "America/Ciudad_Juarez": "",
    },
    "NZ": {"Pacific/Auckland": "*", "Pacific/Chatham": "CIT"},
    "PF": {"Pacific/Tahiti": "*", "Pacific/Marquesas": "", "Pacific/Gambier": ""},
    "PG": {"Pacific/Port_Moresby": "*", "Pacific/Bougainville": "NSB"},
    "PT": {"Europe/Lisbon": "*", "Atlantic/Madeira": "30", "Atlantic/Azores": "20"},
    "RU": {
        "Europe/Moscow": "AD ARK BEL BRY CE CU DA IN IVA KB KC KDA KL KLU KO KOS KR KRS LEN LIP ME "
        "MO MOS MOW MUR NEN NGR NIZ ORL PNZ PSK ROS RYA SE SMO SPE STA TA TAM TUL TVE VLA VLG VOR "
        "YAR",
        "Asia/Yekaterinburg": "BA CHE KGN KHM ORE PER SVE TYU YAN",
        "Europe/Samara": "SAM UD",
        "Asia/Krasnoyarsk": "KK KYA TY",
        "Asia/Vladivostok": "KHA PRI YEV",
        "Asia/Irkutsk": "BU IRK",
        "Asia/Novosibirsk": "NVS",
        "Asia/Barnaul": "AL ALT",
        "Asia/Novokuznetsk": "KEM",
        "Europe/Volgograd": "VGG",
        "Europe/Saratov": "SAR",
        "Asia/Omsk": "OMS",
        "Asia/Yakutsk": "AMU SA",
        "Europe/Ulyanovsk": "ULY",
        "Europe/Kirov": "KIR",
        "Asia/Tomsk": "TOM",
        "Asia/Chita": "ZAB",
        "Europe/Kaliningrad": "KGD",
        "Europe/Astrakhan": "AST",
        "Asia/Sakhalin": "SAK",
        "Asia/Kamchatka": "KAM",
        "Asia/Magadan": "MAG",
        "Asia/Anadyr": "CHU",
    },
    "UA": {"Europe/Kyiv": "*", "Europe/Simferopol": "40 43"},
    "US": {
        "America/New_York": "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
        "America/Chicago": "AL AR IA IL KS LA MN MO MS OK WI",
        "America/Los_Angeles": "CA NV OR WA",
        "America/Denver": "CO MT NM UT WY",
        "America/Phoenix": "",
        "America/Detroit": "MI",
        "America/Indiana/Indianapolis": "",
        "America/Boise": "",
        "Pacific/Honolulu": "HI",
        "America/Anchorage": "AK",
        # Territories, which have codes of their own as countries too.
        "America/Puerto_Rico": "PR",
        "America/St_Thomas": "VI",
        "Pacific/Guam": "GU",
        "Pacific/Pago_Pago": "AS",
        "Pacific/Saipan": "MP",
    },
}

#: Country to regions that have several zones, the one with most people first.
SPLIT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "BR": {"AM": ("America/Manaus", "America/Eirunepe")},
    "CA": {
        "BC": ("America/Vancouver", "America/Edmonton"),
        "NL": ("America/St_Johns", "America/Goose_Bay"),
        "NU": ("America/Iqaluit", "America/Rankin_Inlet", "America/Cambridge_Bay"),
    },
    "CN": {"XJ": ("Asia/Shanghai", "Asia/Urumqi")},
    "MX": {
        "CHH": ("America/Chihuahua", "America/Ciudad_Juarez", "America/Ojinaga"),
        "COA": ("America/Monterrey", "America/Matamoros"),
        "NAY": ("America/Mazatlan", "America/Bahia_Banderas"),
        "TAM": ("America/Matamoros", "America/Monterrey"),
    },
    "US": {
        "AZ": ("America/Phoenix", "America/Denver"),
        "FL": ("America/New_York", "America/Chicago"),
        "ID": ("America/Boise", "America/Los_Angeles"),
        "IN": ("America/Indiana/Indianapolis", "America/Chicago"),
        "KY": ("America/New_York", "America/Chicago"),
        "ND": ("America/Chicago", "America/Denver"),
        "NE": ("America/Chicago", "America/Denver"),
        "SD": ("America/Chicago", "America/Denver"),
        "TN": ("America/Chicago", "America/New_York"),
        "TX": ("America/Chicago", "America/Denver"),
    },
}


def zones_of_region(country: str, region: str) -> tuple[str, ...] | None:
    """Return the zones of a region, most people's first; None if the country has no such region."""
    split = SPLIT.get(country, {}).get(region)
    if split is not None:
        return split
    table = REGIONS[country]
    others = None
    for zone, regions in table.items():
        if region in regions.split():
            return (zone,)
        if regions == OTHERS:
            others = (zone,)
    return others
