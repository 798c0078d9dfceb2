"""Route templates of HTTP functions, matched the way the real host's ASP.NET does."""

import codecs
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")
Check = Callable[[str], bool]

# How little a segment says about the path; templates are tried from the smallest ranks upwards.
LITERAL, CONSTRAINED, PLAIN, CONSTRAINED_CATCH_ALL, CATCH_ALL = range(1, 6)

PARAMETER = re.compile(
    r"\{(?P<stars>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\([^()]*\))?)*)(?P<optional>\??)\}"
)
CONSTRAINT = re.compile(r":(\w+)(?:\(([^()]*)\))?")
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


def whole_number(low: int, high: int) -> Check:
    """Say whether a value is a number from `low` to `high`."""
    return lambda value: bool(WHOLE_NUMBER.fullmatch(value)) and low <= int(value) <= high


def is_guid(value: str) -> bool:
    """Say whether a value is a GUID, bare, hyphenated or in braces."""
    try:
        return uuid.UUID(value).hex == re.sub(r"[{}-]", "", value).lower()
    except ValueError:
        return False


def length(low: int, high: int | None = None) -> Check:
    """Say whether a value has one length, or one of a range."""
    return lambda value: low <= len(value) <= (low if high is None else high)


INT64 = 2**63
CONSTRAINTS: Mapping[str, Callable[..., Check]] = {
    "alpha": lambda: lambda value: bool(re.fullmatch(r"[A-Za-z]*", value)),
    "bool": lambda: lambda value: value.lower() in ("true", "false"),
    "guid": lambda: is_guid,
    "int": lambda: whole_number(-(2**31), 2**31 - 1),
    "long": lambda: whole_number(-INT64, INT64 - 1),
    "length": length,
    "minlength": lambda low: lambda value: len(value) >= low,
    "maxlength": lambda high: lambda value: len(value) <= high,
    "min": lambda low: whole_number(low, INT64 - 1),
    "max": lambda high: whole_number(-INT64, high),
    "range": whole_number,
}


@dataclass(frozen=True)
class Segment:
    """One part of a template: a literal, or a parameter and what it accepts."""

    name: str
    rank: int
    checks: tuple[Check, ...] = ()
    optional: bool = False

    def accepts(self, text: str) -> bool:
        """Say whether this part of a path fits."""
        if self.rank == LITERAL:
            return text.casefold() == self.name
        return bool(text) and all(check(text) for check in self.checks)


def parse_segment(text: str) -> Segment:
    """Read one segment of a template."""
    if not re.search(r"[{}]", text):
        return Segment(text.casefold(), LITERAL)
    found = PARAMETER.fullmatch(text)
    if found is None:
        raise ValueError(f"The local host cannot read the route segment {text!r}.")
    checks = tuple(parse_constraint(*parts) for parts in CONSTRAINT.findall(found["constraints"]))
    if found["stars"]:
        return Segment(found["name"], CONSTRAINED_CATCH_ALL if checks else CATCH_ALL, checks)
    return Segment(found["name"], CONSTRAINED if checks else PLAIN, checks, bool(found["optional"]))


def parse_constraint(name: str, arguments: str) -> Check:
    """Make the check that a constraint such as `length(3)` stands for."""
    if name not in CONSTRAINTS:
        raise ValueError(f"The local host does not know the route constraint {name!r}.")
    return CONSTRAINTS[name](*(int(part) for part in arguments.split(",") if part))


def match(segments: list[Segment], path: list[str]) -> dict[str, str] | None:
    """Give the route parameters of a path, or None where the template does not fit."""
    values: dict[str, str] = {}
    for index, segment in enumerate(segments):
        if segment.rank >= CONSTRAINED_CATCH_ALL:
            rest = "/".join(path[index:])
            if rest and not segment.accepts(rest):
                return None
            return values | {segment.name: rest} if rest else values
        if index >= len(path):
            return values if all(left.optional for left in segments[index:]) else None
        if not segment.accepts(path[index]):
            return None
        if segment.rank != LITERAL:
            values[segment.name] = path[index]
    return values if len(path) <= len(segments) else None


def keep_encoded(error: UnicodeError) -> tuple[str, int]:
    """Leave bytes that are not UTF-8 percent-encoded, as the real host's server does."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    odd = error.object[error.start : error.end]
    return "".join(f"%{byte:02X}" for byte in odd), error.end


codecs.register_error("keep_encoded", keep_encoded)


def path_segments(raw_path: bytes) -> list[str]:
    """Split a raw path and decode its parts; an encoded slash stays `%2F`, as in Kestrel."""
    parts = raw_path.removeprefix(b"/").removesuffix(b"/").split(b"/")
    if parts == [b""]:
        return []
    kept = (re.sub(rb"%(2[fF])", rb"%25\1", part) for part in parts)
    return [unquote_to_bytes(part).decode("utf-8", "keep_encoded") for part in kept]


class MethodNotAllowedError(LookupError):
    """The path is known, but not with this method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__("method not allowed")
        self.allowed = sorted(allowed)


@dataclass(frozen=True)
class Route(Generic[T]):
    """A template, the methods that it answers (None: all) and what it leads to."""

    segments: list[Segment]
    methods: frozenset[str] | None
    target: T


class RouteTable(Generic[T]):
    """All routes of an app, the most specific first."""

    def __init__(self) -> None:
        self.routes: list[Route[T]] = []

    def add(self, template: str, methods: Iterable[str] | None, target: T) -> None:
        """Add a template; without methods it answers all of them."""
        parts = [part for part in template.split("/") if part]
        allowed = frozenset(method.upper() for method in methods) if methods else None
        self.routes.append(Route([parse_segment(part) for part in parts], allowed, target))
        self.routes.sort(key=lambda route: [segment.rank for segment in route.segments])

    def find(self, method: str, raw_path: bytes) -> tuple[T, dict[str, str]]:
        """Give the target of a request and its route parameters; LookupError where none is."""
        path = path_segments(raw_path)
        allowed: set[str] = set()
        for route in self.routes:
            values = match(route.segments, path)
            if values is None:
                continue
            if route.methods is None or method in route.methods:
                return route.target, values
            allowed |= route.methods
        if allowed:
            raise MethodNotAllowedError(allowed)
        raise LookupError("no route")
