"""Holds planned resources to Microsoft's definitions of their types (see `types/README.md`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from infra.checks.azure import Planned, Unknown, is_resource_group

Definition = dict[str, Any]

#: Flags of a property.
REQUIRED, READ_ONLY = 1, 2
#: Bits of the scopes that a resource may be deployed to.
_SUBSCRIPTION, _RESOURCE_GROUP, _EXTENSION = 4, 8, 16

_NETWORK = "its definition reaches into most of Microsoft.Network; only the compiler checks it"
#: Types that are used and not checked, and why; each run names them.
WITHOUT_DEFINITION = {
    "Microsoft.Network/natGateways@2024-05-01": _NETWORK,
    "Microsoft.Network/privateEndpoints@2024-05-01": _NETWORK,
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01": _NETWORK,
    "Microsoft.Network/publicIPAddresses@2024-05-01": _NETWORK,
    "Microsoft.Network/virtualNetworks@2024-05-01": _NETWORK,
}


@cache
def definitions() -> dict[str, Definition]:
    """Read every definition, by ``type@version``."""
    path = Path(__file__).parent / "types" / "resource_types.json"
    known: dict[str, Definition] = json.loads(path.read_text(encoding="utf-8"))
    return known


def check_resource(resource: Planned) -> Iterator[tuple[str, str, str]]:
    """Yield rule, path of the property and message of everything that the definition refuses."""
    name = f"{resource.type}@{resource.declared.version}"
    definition = definitions().get(name)
    if definition is None:
        if name not in WITHOUT_DEFINITION:
            yield "resource-type", "", f"{name}: no such type or version is known; see types/"
        return
    if not _scope_fits(resource, definition["writableScopes"]):
        yield "resource-scope", "", f"{resource.type} cannot be deployed to this scope"
    body = resource.body
    yield from _Checker(definition["types"]).check(definition["root"], body, "")


def _scope_fits(resource: Planned, scopes: int) -> bool:
    if "/providers/" in resource.scope_id:
        return bool(scopes & _EXTENSION)
    wanted = _RESOURCE_GROUP if is_resource_group(resource.scope_id) else _SUBSCRIPTION
    return bool(scopes & wanted)


class _Checker:
    """Compares values with the types of one definition."""

    def __init__(self, types: dict[str, Definition]) -> None:
        self.types = types

    def check(self, reference: int, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
        """Yield what of a value its type refuses."""
        kind = self.types[str(reference)]
        if value is None or isinstance(value, Unknown):
            return
        if kind["$type"] == "ObjectType":
            yield from self._object(kind, value, path)
        elif kind["$type"] == "DiscriminatedObjectType":
            yield from self._discriminated(kind, value, path)
        elif kind["$type"] == "ArrayType":
            yield from self._array(kind, value, path)
        elif kind["$type"] == "UnionType":
            yield from self._union(kind, value, path)
        else:
            wrong = _wrong(kind, value)
            if wrong:
                yield "property-type", path, f"{path} {wrong}"

    def _object(self, kind: Definition, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
        if not isinstance(value, dict):
            yield "property-type", path, f"{path} must be an object"
            return
        for name, entry in kind["properties"].items():
            if entry["flags"] & REQUIRED and value.get(name) is None:
                yield "missing-property", path, f"{_join(path, name)} is needed"
        rest = kind.get("additionalProperties")
        for name, inner in value.items():
            inside = _join(path, name)
            entry = kind["properties"].get(name)
            if entry and entry["flags"] & READ_ONLY:
                yield "read-only-property", inside, f"{inside} is filled in by Azure: remove it"
            elif entry:
                yield from self.check(entry["type"]["$ref"], inner, inside)
            elif rest:
                yield from self.check(rest["$ref"], inner, inside)
            else:
                yield "unknown-property", inside, f"{inside}: {kind['name']} has no such property"

    def _discriminated(
        self, kind: Definition, value: Any, path: str
    ) -> Iterator[tuple[str, str, str]]:
        chosen = value.get(kind["discriminator"]) if isinstance(value, dict) else None
        if chosen not in kind["elements"]:
            known = ", ".join(sorted(kind["elements"]))
            inside = _join(path, kind["discriminator"])
            yield "property-value", inside, f"{inside} must be one of {known}"
            return
        element = self.types[str(kind["elements"][chosen]["$ref"])]
        properties = {**kind["baseProperties"], **element["properties"]}
        yield from self._object({**element, "properties": properties}, value, path)

    def _array(self, kind: Definition, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
        if not isinstance(value, list):
            yield "property-type", path, f"{path} must be an array"
            return
        for item in value:
            yield from self.check(kind["itemType"]["$ref"], item, path)

    def _union(self, kind: Definition, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
        # Many unions take any other text as well, for values to come. Here each value is one that
        # Azure has listed: what is not is more likely misspelt.
        elements = [self.types[str(element["$ref"])] for element in kind["elements"]]
        listed = [element for element in elements if element["$type"] != "StringType"]
        elements = listed or elements
        if all(_wrong(element, value) for element in elements):
            known = ", ".join(str(element.get("value", element["$type"])) for element in elements)
            yield "property-value", path, f"{path} is {value!r}, not one of {known}"


def _wrong(kind: Definition, value: Any) -> str | None:
    """Return what is wrong with a plain value, None where nothing is."""
    name = kind["$type"]
    if name in ("AnyType", "NullType") or isinstance(value, Unknown):
        return None
    if name == "BooleanType":
        return None if isinstance(value, bool) else f"must be a bool, not {value!r}"
    if name == "IntegerType":
        return _wrong_number(kind, value)
    if not isinstance(value, str):
        return f"must be a string, not {value!r}"
    if name == "StringLiteralType":
        return None if value == kind["value"] else f"must be {kind['value']!r}, not {value!r}"
    return _wrong_text(kind, value)


def _wrong_number(kind: Definition, value: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return f"must be a number, not {value!r}"
    low, high = kind.get("minValue", value), kind.get("maxValue", value)
    return None if low <= value <= high else f"must be from {low} to {high}, not {value}"


def _wrong_text(kind: Definition, value: str) -> str | None:
    if "<" in value:
        return None  # a part of it is unknown
    low, high = kind.get("minLength", 0), kind.get("maxLength", len(value))
    if not low <= len(value) <= high:
        return f"must have {low} to {high} characters: {value!r}"
    pattern = kind.get("pattern")
    if pattern and not re.search(pattern, value):
        return f"must match {pattern}: {value!r}"
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
