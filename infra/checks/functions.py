"""Functions of Bicep: how many arguments each takes, and what those that need no Azure give.

https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
import uuid
from collections.abc import Callable
from itertools import chain, islice, zip_longest
from typing import Any

MANY = 99

#: Fewest and most arguments of each function that the Bicep files may call.
ARGUMENTS: dict[str, tuple[int, int]] = {
    "any": (1, 1),
    "array": (1, 1),
    "base64": (1, 1),
    "bool": (1, 1),
    "cidrSubnet": (3, 3),
    "coalesce": (1, MANY),
    "concat": (1, MANY),
    "contains": (2, 2),
    "deployer": (0, 0),
    "deployment": (0, 0),
    "empty": (1, 1),
    "endsWith": (2, 2),
    "environment": (0, 0),
    "fail": (1, 1),
    "filter": (2, 2),
    "first": (1, 1),
    "flatten": (1, 1),
    "format": (2, MANY),
    "guid": (1, MANY),
    "indexOf": (2, 2),
    "int": (1, 1),
    "intersection": (2, MANY),
    "items": (1, 1),
    "join": (2, 2),
    "json": (1, 1),
    "last": (1, 1),
    "length": (1, 1),
    "loadFileAsBase64": (1, 1),
    "loadJsonContent": (1, 3),
    "loadTextContent": (1, 2),
    "map": (2, 2),
    "max": (1, MANY),
    "min": (1, MANY),
    "newGuid": (0, 0),
    "objectKeys": (1, 1),
    "padLeft": (2, 3),
    "pickZones": (3, 5),
    "range": (2, 2),
    "replace": (3, 3),
    "resourceGroup": (0, 2),
    "resourceId": (2, MANY),
    "skip": (2, 2),
    "split": (2, 2),
    "startsWith": (2, 2),
    "string": (1, 1),
    "subscription": (0, 1),
    "subscriptionResourceId": (2, MANY),
    "substring": (2, 3),
    "take": (2, 2),
    "tenant": (0, 0),
    "toLower": (1, 1),
    "toObject": (2, 3),
    "toUpper": (1, 1),
    "trim": (1, 1),
    "union": (2, MANY),
    "uniqueString": (1, MANY),
    "uri": (2, 2),
    "uriComponent": (1, 1),
    "utcNow": (0, 1),
}
#: Functions of a resource that hand out a key.
KEY_FUNCTIONS = re.compile(r"list[A-Z]\w*|getSecret")
#: Decorators and what they may stand on is the compiler's business; these are known.
DECORATORS = {
    "allowed": (1, 1),
    "batchSize": (1, 1),
    "description": (1, 1),
    "maxLength": (1, 1),
    "maxValue": (1, 1),
    "metadata": (1, 1),
    "minLength": (1, 1),
    "minValue": (1, 1),
    "secure": (0, 0),
}


def _unique(*values: Any) -> str:
    """Thirteen letters and digits that depend on the values, as Azure's do, though not the same."""
    digest = hashlib.sha256("-".join(map(str, values)).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _guid(*values: Any) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(map(str, values))))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _merge(*values: Any) -> Any:
    if isinstance(values[0], list):
        return list(chain.from_iterable(values))
    merged: dict[str, Any] = {}
    for value in values:
        for key, entry in value.items():
            both = isinstance(entry, dict) and isinstance(merged.get(key), dict)
            merged[key] = _merge(merged[key], entry) if both else entry
    return merged


def _concat(*values: Any) -> Any:
    if isinstance(values[0], list):
        return list(chain.from_iterable(values))
    return "".join(map(_text, values))


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, dict):
        return any(str(key).lower() == str(part).lower() for key in whole)
    return part in whole


def _extreme(pick: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *values: pick(values[0] if isinstance(values[0], list) else values)


def _intersection(*values: Any) -> Any:
    first, *others = values
    if isinstance(first, dict):
        return {key: first[key] for key in first if all(key in other for other in others)}
    return [item for item in first if all(item in other for other in others)]


def _substring(text: str, start: int, length: int | None = None) -> str:
    if start + (length or 0) > len(text):
        raise ValueError(f"substring({text!r}, {start}, {length}) is longer than the text")
    return text[start:] if length is None else text[start : start + length]


def _format(text: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)[^}]*\}", lambda match: _text(values[int(match[1])]), text)


def _resource_id(kind: str, *names: Any) -> str:
    provider, *types = kind.split("/")
    parts = "/".join(f"{one}/{two}" for one, two in zip_longest(types, names, fillvalue=""))
    return f"/providers/{provider}/{parts}"


def _split(text: str, by: str | list[str]) -> list[str]:
    return re.split("|".join(map(re.escape, [by] if isinstance(by, str) else by)), text)


def _subnet(network: str, prefix: int, index: int) -> str:
    subnets = ipaddress.ip_network(network).subnets(new_prefix=prefix)
    return str(next(islice(subnets, index, None)))


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() in ("true", "1")


#: What those give that need nothing of Azure (ids as if of one subscription).
PURE: dict[str, Callable[..., Any]] = {
    "cidrSubnet": _subnet,
    "any": lambda value: value,
    "array": lambda value: value if isinstance(value, list) else [value],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "bool": _bool,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "concat": _concat,
    "contains": _contains,
    "empty": lambda value: value in (None, "", [], {}),
    "endsWith": lambda text, end: text.lower().endswith(end.lower()),
    "first": lambda values: values[0] if values else None,
    "flatten": lambda values: list(chain.from_iterable(values)),
    "format": _format,
    "guid": _guid,
    "indexOf": lambda text, part: text.lower().find(part.lower()),
    "int": int,
    "intersection": _intersection,
    "items": lambda value: [{"key": key, "value": value[key]} for key in sorted(value)],
    "join": lambda values, between: between.join(map(_text, values)),
    "json": json.loads,
    "last": lambda values: values[-1] if values else None,
    "length": len,
    "max": _extreme(max),
    "min": _extreme(min),
    "newGuid": lambda: _guid("newGuid"),
    "objectKeys": sorted,
    "padLeft": lambda value, width, fill=" ": _text(value).rjust(width, fill),
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda text, old, new: text.replace(old, new),
    "skip": lambda value, count: value[count:],
    "split": _split,
    "startsWith": lambda text, start: text.lower().startswith(start.lower()),
    "string": _text,
    "substring": _substring,
    "take": lambda value, count: value[:count],
    "toLower": lambda text: text.lower(),
    "toUpper": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "union": _merge,
    "uniqueString": _unique,
    "uri": lambda base, path: f"{base.rstrip('/')}/{path.lstrip('/')}",
    "uriComponent": lambda text: re.sub(r"[^\w.~-]", lambda match: f"%{ord(match[0]):02X}", text),
    "utcNow": lambda _="": "2026-01-01T00:00:00Z",
    "resourceId": _resource_id,
    "subscriptionResourceId": _resource_id,
}
