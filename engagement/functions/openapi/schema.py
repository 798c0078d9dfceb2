"""Words for JSON Schema (2020-12), as OpenAPI 3.1 takes it; limits come from the code they are of.

What the product answers is closed, with every field there; what it reads is closed as well, as it
refuses what it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

BOOLEAN: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
RATE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "description": "A time in RFC 3339; answers are in UTC.",
}
DAY: Schema = {"type": "string", "format": "date"}
CLOCK: Schema = {
    "type": "string",
    "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "description": "A time of the day, such as 08:00.",
}
FILE: Schema = {"type": "string", "format": "binary"}


def text(most: int, *, least: int = 1, **more: Any) -> Schema:
    """Text of at most so many characters."""
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def number(lowest: int, highest: int, **more: Any) -> Schema:
    """Describe a whole number within bounds, both included."""
    return {"type": "integer", "minimum": lowest, "maximum": highest, **more}


def one_of(values: Iterable[str], **more: Any) -> Schema:
    """One word of several."""
    return {"type": "string", "enum": [str(value) for value in values], **more}


def matching(pattern: str, **more: Any) -> Schema:
    """Text that a pattern matches as a whole."""
    return {"type": "string", "pattern": f"^{pattern}$", **more}


def items(schema: Schema, **more: Any) -> Schema:
    """Describe a list of things of one kind."""
    return {"type": "array", "items": schema, **more}


def ref(name: str) -> Schema:
    """Name another schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """Describe the same, or null."""
    if "$ref" in schema or "anyOf" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    either = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        either["enum"] = [*schema["enum"], None]
    return either


def answered(fields: Mapping[str, Schema], *, maybe: Collection[str] = (), **more: Any) -> Schema:
    """Describe an object as it is answered: every field is there, but those that *maybe* are."""
    needed = [name for name in fields if name not in maybe]
    return read(fields, needed=needed, **more)


def read(fields: Mapping[str, Schema], *, needed: Collection[str] = (), **more: Any) -> Schema:
    """Describe an object as it is read: what is *needed* has to be there, nothing else may be."""
    value: Schema = {"type": "object", "properties": dict(fields), "additionalProperties": False}
    if needed:
        value["required"] = list(needed)
    return {**value, **more}


def by_name(schema: Schema, pattern: str) -> Schema:
    """Describe an object that holds things of one kind by their names."""
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{pattern}$"},
        "additionalProperties": schema,
    }


def page_of(name: str) -> Schema:
    """Describe a page of a list."""
    return answered(
        {
            "items": items(ref(name)),
            "continuation": nullable(
                {**TEXT, "description": "Where the next page begins; null on the last."}
            ),
        }
    )
