"""Where a webhook may be sent: the rules of an endpoint's URL.

The name in it is looked up when something is delivered, and judged then (public_address.py): what
a name leads to today says nothing of tomorrow. Here is refused what could never be right.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from engagement.domain.tracking.destination import ascii_url
from engagement.domain.webhooks.public_address import is_public
from engagement.errors import UnprocessableError

HTTPS_PORT = 443

#: Names that a network keeps for itself: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal.
_PRIVATE = re.compile(
    r"(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa|onion)"
)
#: A last label by which programs take a name for an address: 127.1, 2130706433, 0x7f.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def check_webhook_url(url: str, field: str, *, allow_private: bool) -> str:
    """Return *url* as it is called: in ASCII, its host in lower case.

    With *allow_private* (one machine) any http or https URL without a user name will do. Raises
    UnprocessableError that says what is wrong with *field*.
    """
    try:
        return _checked(url, allow_private=allow_private)
    except ValueError as error:
        raise UnprocessableError(f"This URL cannot be called: {error}.", field) from None


def _checked(url: str, *, allow_private: bool) -> str:
    if "#" in url:
        raise ValueError("it holds a fragment")
    parts = urlsplit(ascii_url(url))
    host = (parts.hostname or "").lower()
    if not allow_private:
        if parts.scheme != "https":
            raise ValueError("it does not begin with https://")
        if parts.port not in (None, HTTPS_PORT):
            raise ValueError(f"its port is not {HTTPS_PORT}")
        _check_host(host)
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port is None else f":{parts.port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{shown}{port}{parts.path or '/'}{query}"


def _check_host(host: str) -> None:
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ValueError("its host is an address in a form of its own") from None
        if not is_public(host):
            raise ValueError("its address is not one of the public internet")
    elif "." not in host.strip(".") or host.endswith(".") or _PRIVATE.fullmatch(host):
        raise ValueError("its host is not a name of the public internet")
