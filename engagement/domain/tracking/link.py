"""A link in a message's body: where it stands, what is left alone, how it is replaced."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Browsers ignore control characters and spaces before and inside a scheme (WHATWG URL 4.4), but
# not NUL, which is another character once HTML is read.
_WEB = re.compile(r"[\x01-\x20]*+".join(("", *"http", "s?", ":")), re.IGNORECASE)
# A value with an opening bracket of a template language is not yet a URL. The closing bracket is
# not asked for: in plain text a placeholder with a space in it is cut in two.
_PLACEHOLDER = re.compile(r"\{\{|\{%|\$\{|%%|\*\||\[\[|<%")
_UNSUBSCRIBE = re.compile(r"unsubscri|opt[-_]?out", re.IGNORECASE)
_SAFE = re.compile(r"[A-Za-z0-9:/._~-]+")


@dataclass(frozen=True, slots=True)
class Link:
    """A link that may be followed: *url*, written as ``source[start:end]`` in the body.

    The written form differs from *url* where the body's format escapes or wraps it.
    """

    start: int
    end: int
    url: str


def is_followable(url: str) -> bool:
    """Tell whether *url* is a web link that the product replaces by a tracked one.

    Other schemes, relative URLs, placeholders of template languages and unsubscribe links are
    left alone. A web link that is no good destination is followable, so that
    :func:`engagement.domain.tracking.destination.check_destination` can name it.
    """
    return (
        _WEB.match(url) is not None
        and _PLACEHOLDER.search(url) is None
        and _UNSUBSCRIBE.search(url) is None
    )


def splice(source: str, links: Sequence[Link], urls: Sequence[str]) -> str:
    """Return *source* with ``urls[i]`` in the place of ``links[i]``; all else stays byte for byte.

    *links* are in the order in which they stand in *source*.

    Raises:
        ValueError: not one URL per link, links out of order, or a URL that would need escaping.

    """
    pieces: list[str] = []
    position = 0
    for link, url in zip(links, urls, strict=True):
        if link.start < position:
            raise ValueError(f"the link at {link.start} overlaps the one before it")
        pieces += (source[position : link.start], ensure_safe(url))
        position = link.end
    pieces.append(source[position:])
    return "".join(pieces)


def ensure_safe(url: str) -> str:
    """Return *url* if it means the same in any attribute, quoted or not, and in plain text.

    Raises:
        ValueError: it is empty or holds a character that would end or change the value.

    """
    if not _SAFE.fullmatch(url):
        raise ValueError("a tracked URL may only hold letters, digits and : / . _ ~ -")
    return url
