"""Route templates of HTTP functions, matched the way the real host's ASP.NET does."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import MethodNotAllowed, NotFound

Check = Callable[[str], object]

PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_]\w*)((?::\w+(?:\([^()]*\))?)*)(\??)\}")
CONSTRAINT = re.compile(r":(\w+)(?:\(([^()]*)\))?")
GUID = re.compile(r"(?i)[\da-f]{8}(-?)[\da-f]{4}\1[\da-f]{4}\1[\da-f]{4}\1[\da-f]{12}", re.ASCII)


def number(low: int = -(2**63), high: int = 2**63 - 1) -> Check:
    """Say whether a value is a whole number from `low` to `high`."""
    return lambda value: re.fullmatch("[+-]?[0-9]{1,99}", value) and low <= int(value) <= high


def length(low: int, high: int | None = None) -> Check:
    """Say whether a value has one length, or one of a range."""
    return lambda value: low <= len(value) <= (low if high is None else high)


CONSTRAINTS: Mapping[str, Callable[..., Check]] = {
    "alpha": lambda: re.compile("[A-Za-z]*").fullmatch,
    "bool": lambda: re.compile("(?i)true|false").fullmatch,
    "guid": lambda: GUID.fullmatch,
    "int": lambda: number(-(2**31), 2**31 - 1),
    "long": number,
    "min": number,
    "max": lambda high: number(high=high),
    "range": number,
    "length": length,
    "minlength": lambda low: length(low, sys.maxsize),
    "maxlength": lambda high: length(0, high),
}


class Route:
    """A template, the methods that it answers (None: all) and what it leads to."""

    def __init__(self, template: str, methods: Iterable[str] | None, target: Any) -> None:
        self.methods = frozenset(methods) if methods else None
        self.target = target
        #: How little each segment says about the path; the smallest ranks are tried first.
        self.ranks: list[int] = []
        self.checks: list[tuple[str, Check]] = []
        parts = [part for part in template.split("/") if part]
        self.pattern = re.compile("".join(map(self.segment, parts)), re.DOTALL)

    def segment(self, text: str) -> str:
        """Give the pattern of one segment, and note its rank and its checks."""
        found = PARAMETER.fullmatch(text)
        if found is None:
            if "{" in text or "}" in text:
                raise ValueError(f"The local host cannot read the route segment {text!r}.")
            self.ranks.append(0)
            return f"/(?i:{re.escape(text)})"
        stars, name, constraints, optional = found.groups()
        for kind, arguments in CONSTRAINT.findall(constraints):
            if kind not in CONSTRAINTS:
                raise ValueError(f"The local host does not know the route constraint {kind!r}.")
            check = CONSTRAINTS[kind](*map(int, filter(None, arguments.split(","))))
            self.checks.append((name, check))
        self.ranks.append((3 if stars else 1) + (not constraints))
        pattern = f"/(?P<{name}>{'.+' if stars else '[^/]+'})"
        return f"(?:{pattern})?" if stars or optional else pattern

    def match(self, path: str) -> dict[str, str] | None:
        """Give the route parameters of a path, or None where the template does not fit."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value is not None}
        fits = all(check(values[name]) for name, check in self.checks if name in values)
        return values if fits else None


def decode(raw_path: bytes) -> str:
    """Decode a path as Kestrel does: an encoded slash and what is no UTF-8 stay encoded."""
    if b"%" not in raw_path and raw_path.isascii():
        return raw_path.decode("ascii")
    kept = re.sub(rb"%(2[fF])", rb"%25\1", raw_path)
    text = unquote_to_bytes(kept).decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda odd: f"%{ord(odd[0]) - 0xDC00:02X}", text)


def specific_first(routes: Iterable[Route]) -> list[Route]:
    """Put routes in the order in which they are tried."""
    return sorted(routes, key=lambda one: one.ranks)


def find(routes: Iterable[Route], method: str, raw_path: bytes) -> tuple[Any, dict[str, str]]:
    """Give the target of the first route that fits and its parameters, or raise NotFound."""
    path = decode(raw_path.removesuffix(b"/"))
    allowed: set[str] = set()
    for route in routes:
        values = route.match(path)
        if values is not None and (route.methods is None or method in route.methods):
            return route.target, values
        if values is not None and route.methods:
            allowed |= route.methods
    if allowed:
        raise MethodNotAllowed(sorted(allowed))
    raise NotFound
