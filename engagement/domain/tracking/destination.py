"""Where a tracked link may lead: the rules of a destination, and its form in a header."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import quote

from engagement.errors import UnprocessableError

#: Longest destination, in characters: mail clients and browsers cut or refuse longer ones.
MAX_LENGTH = 2_000
_SHOWN = 200

# Looked for before anything is parsed: urlsplit strips some of these without a word, and browsers
# read a backslash as a slash where Python does not.
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")
_PARTS = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.ASCII
)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# Punctuation that IDNA 2008 allows in a label (RFC 5892, CONTEXTO): Catalan and Japanese dots.
_MIDDLE_DOTS = "\u00b7\u30fb"
# Letters and marks without a shape, which browsers drop (Unicode, Default_Ignorable_Code_Point).
_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
# What case folding changes, but IDNA 2008 does not: sharp s and final sigma.
_KEPT = "ßς"


def check_destination(url: str, field: str) -> str:
    """Return *url*, unchanged, as it may be redirected to.

    Raises:
        UnprocessableError: the product does not redirect there; the detail names the link and
            *field* is the place of the link in the request.

    """
    _ascii_form(url, field)
    return url


def location(url: str) -> str:
    """Return *url* as it is written in a ``Location`` header, in ASCII.

    The host becomes punycode, other characters outside ASCII become percent-encoded UTF-8, and
    whatever is ASCII already, ``%`` sequences too, stays as it was.

    Raises:
        UnprocessableError: *url*, perhaps stored under older rules, is no good destination.

    """
    return _ascii_form(url, None)


def _ascii_form(url: str, field: str | None) -> str:
    try:
        return ascii_url(url)
    except ValueError as error:
        detail = f"The link {_shown(url)} cannot be followed: {error}."
        raise UnprocessableError(detail, field) from None


def ascii_url(url: str) -> str:
    """Return an http or https *url* in ASCII; raises ValueError saying what is wrong with it."""
    if len(url) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    if _FORBIDDEN.search(url):
        raise ValueError("it holds a space, a control character or a backslash")
    if not (parts := _PARTS.fullmatch(url)):
        raise ValueError("it does not begin with http:// or https://")
    rest = _NON_ASCII.sub(lambda found: quote(found[0]), parts["rest"])
    return f"{parts['scheme']}://{_ascii_authority(parts['authority'])}{rest}"


def _ascii_authority(authority: str) -> str:
    if "@" in authority:
        raise ValueError("it holds a user name")
    found = _HOST_AND_PORT.fullmatch(authority)
    if not found or (host := _ascii_host(found["host"])) is None:
        raise ValueError("its host is missing or malformed")
    if (port := found["port"]) is None:
        return host
    if not 1 <= int(port) <= 65_535:
        raise ValueError("its port is not between 1 and 65535")
    return f"{host}:{port}"


def _shown(url: str) -> str:
    """Return the beginning of *url* with whatever does not print escaped."""
    shown = repr(url[:_SHOWN])
    return shown if len(url) <= _SHOWN >= len(shown) else f"{shown[:_SHOWN]}…"


def _ascii_host(host: str) -> str | None:
    if host.startswith("["):
        return host if _is_ipv6(host[1:-1]) else None
    # One dot at the end is the root of the DNS; any other empty label is a mistake.
    labels = [_ascii_label(label) for label in host.removesuffix(".").split(".")]
    if None in labels:
        return None
    name = ".".join(label for label in labels if label)
    return None if len(name) > 253 else name + "." * host.endswith(".")


def _is_ipv6(address: str) -> bool:
    try:
        # A zone ("%eth0") means something on the reader's own machine only.
        return ipaddress.IPv6Address(address).scope_id is None
    except ValueError:
        return False


def _ascii_label(label: str) -> str | None:
    """Return *label* as a browser asks the DNS for it, or None if it is no label.

    The stdlib's "idna" codec follows IDNA 2003 and turns "straße" into "strasse", which is
    another host than the one that browsers open (UTS 46, non-transitional processing). A label
    that normalisation leaves alone is encoded by case folding and Punycode (UTS 46, 4).
    """
    if label.isascii():
        return label if _LABEL.fullmatch(label) and len(label) <= 63 else None
    if not _is_plain(label):
        return None
    folded = "".join(c if c in _KEPT else c.casefold() for c in label)
    lower = unicodedata.normalize("NFC", folded)
    encoded = "xn--" + lower.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= 63 else None


def _is_plain(label: str) -> bool:
    """Tell whether *label* means to a browser what it shows.

    Full-width letters change under normalisation (NFKC); dots and slashes of other scripts are
    punctuation or symbols; format characters such as the right-to-left override do not show.
    """
    if unicodedata.normalize("NFKC", label) != label or _SHAPELESS.search(label):
        return False
    return unicodedata.category(label[0])[0] != "M" and all(
        _is_plain_character(character) for character in label
    )


def _is_plain_character(character: str) -> bool:
    if character.isascii():
        return _LABEL.fullmatch(character) is not None
    return character in _MIDDLE_DOTS or unicodedata.category(character)[:1] in {"L", "M", "N"}
