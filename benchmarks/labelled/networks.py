"""Address ranges that hits come from; within a range an address is drawn at random.

Ranges of access providers and of hosting are examples of their kind, checked against the
operators' names in an address-to-operator database (geoip2fast 1.2.2). Nobody in particular is
meant by any address. Those of mail services are the ones the operators publish.
"""

from __future__ import annotations

import ipaddress
import random

#: country's languages → ranges of access providers and mobile networks
HOME = (
    ("de-DE,de;q=0.9,en;q=0.8", ("87.136.0.0/13", "91.0.0.0/11", "95.90.192.0/18", "78.48.0.0/13",
                                 "2003:d0::/28", "2a02:8109::/33", "2a02:908::/36")),
    ("en-US,en;q=0.9", ("73.15.0.0/17", "98.44.0.0/15", "174.192.0.0/11", "172.56.0.0/14",
                        "166.136.0.0/15", "2601:600::/32", "2600:1700::/36", "2607:fb90::/39")),
    ("en-GB,en;q=0.9", ("86.144.0.0/12", "81.2.64.0/18", "212.23.0.0/19", "2a00:23c4::/31")),
    ("fr-FR,fr;q=0.9,en;q=0.7", ("90.16.0.0/12", "82.120.0.0/13", "92.184.96.0/19",
                                 "2a01:cb00::/30", "2a01:e0a::/38")),
    ("de-AT,de;q=0.9", ("84.112.0.0/14", "62.178.0.0/16")),
    ("de-CH,de;q=0.9,fr;q=0.8", ("178.82.0.0/15", "83.76.0.0/15")),
    ("nl-NL,nl;q=0.9,en;q=0.8", ("80.60.0.0/15", "85.144.0.0/15", "2001:1c00::/36")),
    ("es-ES,es;q=0.9", ("79.144.0.0/12", "213.60.0.0/16")),
    ("it-IT,it;q=0.9", ("151.48.0.0/12", "93.32.0.0/12", "2001:b00::/29")),
    ("pl-PL,pl;q=0.9,en-US;q=0.8", ("83.16.0.0/12", "89.64.0.0/18")),
    ("en-CA,en;q=0.9", ("99.224.0.0/12", "24.80.0.0/13")),
    ("en-AU,en;q=0.9", ("49.176.0.0/12", "110.140.0.0/14", "2001:8000::/30")),
    ("ja-JP,ja;q=0.9", ("126.100.0.0/14",)),
    ("en-IN,en;q=0.9,hi;q=0.8", ("106.199.128.0/17", "2409:4070::/28")),
    ("pt-BR,pt;q=0.9", ("189.4.0.0/14", "177.32.0.0/15", "2804:14d::/40")),
)  # fmt: skip
#: companies' own ranges and access for business
OFFICE = (
    "62.96.0.0/20", "193.158.0.0/15", "12.110.0.0/21", "50.206.0.0/21", "194.138.36.0/22",
    "81.128.0.0/14", "217.110.0.0/19", "145.253.0.0/16", "208.184.2.0/23", "64.60.0.0/17",
)  # fmt: skip
#: computing for rent, where scanners without a name run
HOSTING = (
    "3.120.0.0/13", "18.192.0.0/13", "35.176.0.0/13", "54.93.0.0/16", "34.80.0.0/12",
    "146.190.0.0/17", "159.89.0.0/19", "5.9.0.0/16", "88.198.0.0/16", "51.75.0.0/16",
)  # fmt: skip
#: Exchange Online Protection (Microsoft's published endpoints)
EOP = (
    "40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17",
    "2a01:111:f400::/48", "2a01:111:f403::/48",
)  # fmt: skip
#: around 40.94.29.84 and 40.94.16.x, 20.72.100.79, 57.155.170.x: seen scanning, published nowhere
AZURE = ("40.94.16.0/20", "20.72.96.0/20", "57.155.170.0/23", "20.64.0.0/12", "52.232.0.0/15")
#: Outlook on the web and Exchange Online (Microsoft's published endpoints)
EXCHANGE = (
    "40.96.0.0/13", "40.104.0.0/15", "52.96.0.0/14", "2603:1006::/40", "2603:1016::/36",
    "2603:1026::/36",
)  # fmt: skip
GOOGLE = ("66.249.80.0/20", "66.102.6.0/24", "66.102.8.0/24", "74.125.208.0/20", "64.233.172.0/24")
#: image proxy → its operator's range
PROXIES = {
    "yahoo": ("98.138.0.0/16", "67.195.0.0/17", "188.125.64.0/20"),
    "seznam": ("77.75.72.0/21",),
    "wp": ("212.77.96.0/21",),
    "hey": ("204.62.114.0/23",),
    "fastmail": ("66.111.4.0/24", "103.168.172.0/24"),
    "rambler": ("81.19.64.0/19",),
    "mailru": ("217.69.128.0/20",),
    "yandex": ("77.88.0.0/19", "5.255.192.0/19"),
}
#: Barracuda Email Gateway Defense (published by region)
BARRACUDA = (
    "3.24.133.128/25", "15.222.16.128/25", "35.157.190.224/27", "18.185.115.192/26",
    "18.184.203.224/27", "35.176.92.96/27", "18.133.136.128/26", "209.222.82.0/24",
)  # fmt: skip
PROOFPOINT = (
    "67.231.144.0/21", "67.231.156.0/23", "148.163.144.0/21", "205.220.160.0/21",
    "205.220.172.0/22", "91.209.104.0/24", "185.132.180.0/22", "185.183.28.0/22",
)  # fmt: skip
MIMECAST = (
    "205.139.110.0/23", "195.130.217.0/24", "91.220.42.0/24", "207.82.80.0/24",
    "51.163.158.0/23", "185.58.84.0/22", "170.10.128.0/22", "103.13.69.0/24", "41.74.192.0/21",
)  # fmt: skip
CISCO = ("68.232.140.0/22", "139.138.40.0/23", "184.94.240.0/23", "207.54.64.0/21",
         "216.71.128.0/21")  # fmt: skip
ZSCALER = ("165.225.72.0/21", "136.226.0.0/17", "147.161.160.0/21", "104.129.192.0/21",
           "185.46.212.0/22")  # fmt: skip
#: egress of iCloud Private Relay and Mail Privacy Protection
RELAY = ("172.225.1.0/24", "172.224.240.0/22", "104.28.0.0/17", "146.75.128.0/17",
         "2a02:26f7:c000::/48", "2606:54c0::/32", "2a04:4e41::/32")  # fmt: skip
#: where link previews are made
UNFURLERS = {
    "slack": ("3.80.0.0/12", "54.160.0.0/12"),
    "skype": ("52.112.0.0/14",),
    "whatsapp": ("31.13.24.0/21", "173.252.64.0/18"),
    "facebook": ("69.171.224.0/19", "31.13.24.0/21", "2a03:2880::/32"),
    "twitter": ("199.16.156.0/22",),
    "telegram": ("149.154.160.0/21",),
    "linkedin": ("108.174.5.0/24",),
    "discord": ("34.80.0.0/12",),
    "bing": ("40.77.167.0/24", "157.55.39.0/24"),
}


def address_in(rng: random.Random, ranges: tuple[str, ...]) -> str:
    """Draw an address from one of *ranges*."""
    network = ipaddress.ip_network(rng.choice(ranges))
    if network.version == 6:
        # A customer gets a subnet, and each device a random half below it.
        subnet = rng.getrandbits(max(0, 64 - network.prefixlen)) << 64
        return str(network.network_address + subnet + rng.getrandbits(64))
    return str(network.network_address + rng.randrange(1, network.num_addresses - 1))
