"""The part of the API that a custom connector of the Power Platform offers, as Swagger 2.0.

It is made of the OpenAPI document, which stays the only description. Sources: "Create a custom
connector from an OpenAPI definition" and "OpenAPI extensions for custom connectors" of Microsoft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engagement.functions.openapi.schema import Schema

#: To be replaced by the host of the private app.
HOST = "engagement.contoso.example"
#: Where one's own description begins; a connector has no say in the API's administration.
BASE = "/api/v1"
BRAND_COLOR = "#0b6a6f"

IMPORTANT, ADVANCED, USUAL = "important", "advanced", ""
#: What it offers, by operationId, and how prominently.
OFFERED = {
    "post_message": IMPORTANT,
    "send_message": IMPORTANT,
    "get_message": IMPORTANT,
    "get_timeline": IMPORTANT,
    "get_messages": IMPORTANT,
    "get_activities": USUAL,
    "get_alerts": USUAL,
    "snooze_alert": USUAL,
    "dismiss_alert": USUAL,
    "put_reminder": USUAL,
    "delete_reminder": USUAL,
    "post_reply": USUAL,
    "get_templates": USUAL,
    "get_template": USUAL,
    "post_delivery_time": USUAL,
    "get_kpis": USUAL,
    "patch_message": ADVANCED,
    "delete_message": ADVANCED,
    "cancel_message": ADVANCED,
    "get_due_messages": ADVANCED,
    "post_attachment": ADVANCED,
    "get_attachment": ADVANCED,
    "delete_attachment": ADVANCED,
}
#: Parameters that most flows leave alone.
RARE = {"page_size", "continuation", "time_zone", "language", "Idempotency-Key"}
ABBREVIATIONS = {"id": "ID", "html": "HTML", "url": "URL", "utc": "UTC", "kpis": "KPIs"}

#: Words of JSON Schema that Swagger 2.0 has no place for.
UNKNOWN = {"propertyNames", "examples"}
PREFIX = "#/components/schemas/"


def definition(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connector's definition, made of the OpenAPI *document*.

    Raises ValueError for a schema that Swagger 2.0 cannot express.
    """
    schemas = document["components"]["schemas"]
    paths: dict[str, dict[str, Any]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in OFFERED:
                described = _operation(operation, schemas)
                paths.setdefault(path.removeprefix(BASE), {})[method] = described
    return {
        "swagger": "2.0",
        "info": {
            "title": document["info"]["title"],
            "description": (
                "Tells what became of the email that a CRM sent: opened, link selected, attachment "
                "viewed, answered. People are counted apart from machines."
            ),
            "version": document["info"]["version"],
        },
        "host": HOST,
        "basePath": BASE,
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths,
        "definitions": {
            name: _schema(schemas[name], schemas) for name in sorted(_reached(paths, schemas))
        },
        "securityDefinitions": {
            "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        },
        "security": [{"api_key": []}],
    }


def properties() -> dict[str, Any]:
    """Return the connector's properties: its color, and what a connection asks for."""
    return {
        "properties": {
            "iconBrandColor": BRAND_COLOR,
            "capabilities": [],
            "connectionParameters": {
                "api_key": {
                    "type": "securestring",
                    "uiDefinition": {
                        "displayName": "API key",
                        "description": "A key of the organization, which begins with eng_.",
                        "tooltip": "An administrator issues it with POST …/api-keys.",
                        "constraints": {"tabIndex": 2, "clearText": False, "required": "true"},
                    },
                }
            },
            "policyTemplateInstances": [],
        }
    }


def _operation(operation: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    summary = operation["summary"]
    value: dict[str, Any] = {
        "operationId": "".join(part.capitalize() for part in operation["operationId"].split("_")),
        "summary": summary,
        "description": operation.get("description", f"{summary}."),
        "parameters": [
            *(_parameter(one, schemas) for one in operation["parameters"]),
            *_body(operation.get("requestBody"), schemas),
        ],
        "responses": dict(_responses(operation["responses"], schemas)),
    }
    if visibility := OFFERED[operation["operationId"]]:
        value["x-ms-visibility"] = visibility
    if "requestBody" in operation:
        value["consumes"] = list(operation["requestBody"]["content"])
    return value


def _parameter(parameter: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    value = {
        "name": parameter["name"],
        "in": parameter["in"],
        "required": parameter["required"],
        "x-ms-summary": _title(parameter["name"]),
        **_schema(parameter["schema"], schemas),
        "description": parameter["description"],
    }
    if parameter["in"] == "path":
        value["x-ms-url-encoding"] = "single"
    if parameter["name"] in RARE:
        value["x-ms-visibility"] = ADVANCED
    return value


def _body(
    request: Mapping[str, Any] | None, schemas: Mapping[str, Schema]
) -> Iterator[dict[str, Any]]:
    if request is not None:
        (content,) = request["content"].values()
        yield {
            "name": "body",
            "in": "body",
            "required": request["required"],
            "schema": _schema(content["schema"], schemas),
        }


def _responses(
    responses: Mapping[str, Any], schemas: Mapping[str, Schema]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in responses.items():
        if status.startswith("2"):
            value = {"description": response["description"]}
            for content in response.get("content", {}).values():
                value["schema"] = _schema(content["schema"], schemas)
            yield status, value
    problem = {"$ref": _renamed(f"{PREFIX}Problem")}
    yield "default", {"description": "What went wrong.", "schema": problem}


def _schema(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """Return a schema of JSON Schema 2020-12 in the words of Swagger 2.0."""
    if "$ref" in schema:
        return {"$ref": _renamed(schema["$ref"])}
    if "anyOf" in schema:
        one, *others = schema["anyOf"]
        if others != [{"type": "null"}]:
            raise ValueError("Swagger 2.0 has no anyOf.")
        # Beside a $ref nothing else counts, so what may be null is said in place.
        return {**_schema(schemas[one["$ref"].removeprefix(PREFIX)], schemas), "x-nullable": True}
    value = {word: part for word, part in schema.items() if word not in UNKNOWN}
    if isinstance(value["type"], list):
        value["type"] = value["type"][0]
        value["x-nullable"] = True
    if "enum" in value:
        value["enum"] = [word for word in value["enum"] if word is not None]
    if "examples" in schema:
        value["example"] = schema["examples"][0]
    return {**value, **_parts(value, schemas)}


def _parts(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """Return those words of a schema that hold schemas, with these translated."""
    value: Schema = {}
    if "items" in schema:
        value["items"] = _schema(schema["items"], schemas)
    if isinstance(schema.get("additionalProperties"), dict):
        value["additionalProperties"] = _schema(schema["additionalProperties"], schemas)
    if "properties" in schema:
        value["properties"] = {
            name: _titled(name, _schema(part, schemas))
            for name, part in schema["properties"].items()
        }
    return value


def _titled(name: str, schema: Schema) -> Schema:
    return schema if "$ref" in schema else {"x-ms-summary": _title(name), **schema}


def _title(name: str) -> str:
    """Return a name as people read it: "HTML Body" for html_body."""
    parts = re.split(r"[_-]", name)
    return " ".join(ABBREVIATIONS.get(part, part[:1].upper() + part[1:]) for part in parts)


def _renamed(reference: str) -> str:
    return reference.replace(PREFIX, "#/definitions/")


def _reached(value: object, schemas: Mapping[str, Schema]) -> set[str]:
    """Return the names of all schemas that the translated *value* refers to, or they do."""
    found: set[str] = set()
    names = set(_named(value))
    while names - found:
        name = (names - found).pop()
        found.add(name)
        names |= set(_named(_schema(schemas[name], schemas)))
    return found


def _named(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix("#/definitions/")
        for part in value.values():
            yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)
