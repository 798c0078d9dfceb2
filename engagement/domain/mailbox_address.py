"""Email addresses, and the text that is shown beside them in a message's headers.

An address here is one bare addr-spec (RFC 5322 section 3.4.1, RFC 6531 for other scripts): no
display name, no group, no quoted local part, no comment, no address literal.
"""

from __future__ import annotations

import re
import unicodedata

from engagement.errors import InvalidRequestError

#: int, octets of a local part (RFC 5321 section 4.5.3.1.1)
LOCAL_PART_LIMIT = 64

#: int, octets of an address: a path of 256 without its angle brackets (RFC 3696 erratum 1690)
ADDRESS_LIMIT = 254

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})  # controls, format, surrogates, blanks
_LINE_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_address(value: str, field: str) -> str:
    """Return the address *value* in NFC, as it is stored.

    Raises InvalidRequestError, naming *field*, for anything but one bare address that a mail server
    can be given: lengths are those of its form on the wire.
    """
    address = unicodedata.normalize("NFC", value)
    local, at, domain = address.rpartition("@")
    if not at or any(unicodedata.category(c) in _UNSEEN for c in address):
        raise InvalidRequestError("An address is one name@domain without blanks.", field)
    if len(address.encode()) > ADDRESS_LIMIT or len(local.encode()) > LOCAL_PART_LIMIT:
        raise InvalidRequestError(
            f"An address has at most {ADDRESS_LIMIT} bytes, {LOCAL_PART_LIMIT} before the @.", field
        )
    if not all(_ATOM.fullmatch(atom) for atom in local.split(".")):
        raise InvalidRequestError("What stands before the @ is not a plain name.", field)
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None or not _is_host_name(ascii_domain):
        raise InvalidRequestError("What stands behind the @ is not a domain.", field)
    if len(f"{local}@{ascii_domain}".encode()) > ADDRESS_LIMIT:
        raise InvalidRequestError(f"An address has at most {ADDRESS_LIMIT} bytes.", field)
    return address


def _is_host_name(domain: str) -> bool:
    labels = domain.split(".")
    # An all-digit top-level label would make it an IP address (RFC 3696 section 2).
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def _ascii_domain(domain: str) -> str | None:
    """Return the domain with its labels as in the DNS, or None if that is not certain."""
    if domain.isascii():
        return domain
    try:
        encoded = domain.lower().encode("idna")
        # Python's codec is IDNA 2003: it maps ß to ss and so would mail to somebody else's domain.
        # What does not come back as it went in has to be given as xn--.
        same = encoded.decode("idna") == domain.lower()
    except UnicodeError:
        return None
    return encoded.decode("ascii") if same else None


def wire_address(value: str) -> str:
    """Return a checked address as a mail server is given it: an IDN domain as A-labels (RFC 5890).

    The local part stays as it is; if it is not ASCII, the server must know SMTPUTF8 (RFC 6531).
    """
    local, _, domain = value.rpartition("@")
    return f"{local}@{_ascii_domain(domain) or domain}"


def address_key(value: str) -> str:
    """Return what two spellings of one address have in common, to compare and look up by.

    Never raises: replies and bounces bring addresses that nobody checked. Case does not count, in
    the local part neither, though RFC 5321 section 2.4 would allow it to: no mailbox host does.
    """
    whole = unicodedata.normalize("NFC", value)
    local, at, domain = whole.rpartition("@")
    folded = unicodedata.normalize("NFD", local).casefold()
    domain = unicodedata.normalize("NFC", domain.lower())
    return unicodedata.normalize("NFC", folded) + at + (_ascii_domain(domain) or domain).lower()


def check_display_text(value: str, field: str, limit: int) -> str:
    """Return *value*, a display name or a subject, if it is one line of at most *limit* characters.

    Raises InvalidRequestError, naming *field*, for control characters (CR and LF would start
    another header), lone surrogates, line separators and the bidi controls, which can make a name
    read as another.
    """
    if len(value) > limit:
        raise InvalidRequestError(f"The text has more than {limit} characters.", field)
    if any(unicodedata.category(c) in _LINE_BREAKING or c in _BIDI_CONTROLS for c in value):
        raise InvalidRequestError("The text has control characters.", field)
    return value
