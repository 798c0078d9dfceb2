"""Every call that the tests make over HTTP is held against the API's description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jsonschema_rs

from devserver import connector
from engagement.functions.openapi.document import HEADERS

JSON = "application/json"

#: Query parameters come as text; these schemas describe what it says.
READ = {
    "integer": lambda text: int(text) if re.fullmatch(r"-?[0-9]+", text) else text,
    "boolean": lambda text: {"true": True, "false": False}.get(text, text),
}


class Operation:
    """One described operation, with everything that its calls are held against."""

    def __init__(self, description: Description, path: str, method: str, value: Mapping[str, Any]):
        self.description = description
        self.value = value
        self.method = method.upper()
        self.path = path
        # The last part of a tracked attachment's path is whatever follows.
        parts = re.sub(r"\\\{(name)\\\}$", ".+", re.escape(path))
        self.pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", parts))

    @property
    def responses(self) -> Mapping[str, Any]:
        """Responses by their status."""
        return {
            status: self.description.resolved(response)
            for status, response in self.value["responses"].items()
        }

    @cached_property
    def answers(self) -> dict[str, tuple[str | None, Any]]:
        """Media type and validator, None for files, of each status."""
        found: dict[str, tuple[str | None, Any]] = {}
        for status, response in self.responses.items():
            found[status] = (None, None)
            for media_type, content in response.get("content", {}).items():
                is_json = media_type.endswith("json")
                validator = self.description.validator(content["schema"]) if is_json else None
                found[status] = (media_type, validator)
        return found

    @cached_property
    def body(self) -> Any:
        """The validator of the JSON that it reads, or None."""
        content = self.value.get("requestBody", {}).get("content", {}).get(JSON)
        return content and self.description.validator(content["schema"], formats=False)

    @cached_property
    def parameters(self) -> dict[tuple[str, str], Any]:
        """Schema and validator of each parameter of the query and header."""
        return {
            (one["in"], one["name"].lower()): (
                one["schema"],
                self.description.validator(one["schema"], formats=False),
            )
            for one in self.value["parameters"]
            if one["in"] != "path"
        }

    def check_answer(self, answer: httpx.Response) -> None:
        """Fail unless status, media type, headers and body are described."""
        status = str(answer.status_code)
        where = f"{self.method} {self.path} {status}"
        assert status in self.answers, f"{where} is not described: {answer.text[:300]}"
        media_type, validator = self.answers[status]
        given = answer.headers.get("content-type", "").partition(";")[0]
        if media_type is None or not answer.content:
            assert not answer.content, f"{where} has a body"
        elif media_type != "*/*":
            assert given == media_type, f"{where} is {given}"
        if validator is not None:
            problems = [
                f"{x.instance_path}: {x.message}" for x in validator.iter_errors(answer.json())
            ]
            assert not problems, f"{where}: {problems[:3]}"
        described = {name.lower() for name in self.responses[status].get("headers", {})}
        promised = {name.lower() for name in HEADERS}
        told = {name.lower() for name in answer.headers} & promised
        assert told <= described, f"{where} tells {told - described}"

    def check_accepted(self, request: httpx.Request) -> None:
        """Fail unless what the app took is described."""
        where = f"{self.method} {self.path} takes"
        if self.body is not None:
            value = json.loads(request.content)
            problems = [f"{x.instance_path}: {x.message}" for x in self.body.iter_errors(value)]
            assert not problems, f"{where}: {problems[:3]}"
        given = [("query", name, text) for name, text in parse_qsl(request.url.query.decode())]
        for place, name, text in given:
            schema, validator = self.parameters.get((place, name.lower()), ({}, None))
            if validator is not None:
                value = READ.get(schema["type"], str)(text)
                assert validator.is_valid(value), f"{where} {name}={text[:100]!r}"


class Description:
    """The OpenAPI document of all surfaces."""

    def __init__(self) -> None:
        self.document = connector.description("all")
        self.validators: dict[str, Any] = {}
        self.operations = [
            Operation(self, path, method, value)
            for path, methods in self.document["paths"].items()
            for method, value in methods.items()
        ]

    def resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference names, or the value itself."""
        while "$ref" in value:
            found: Any = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def validator(self, schema: Mapping[str, Any], *, formats: bool = True) -> Any:
        """Compile a schema of the document.

        Without *formats* for what is read, where times are taken in more forms than RFC 3339 has.
        """
        key = json.dumps([schema, formats])
        if key not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[key] = jsonschema_rs.Draft202012Validator(
                whole, validate_formats=formats
            )
        return self.validators[key]

    def find(self, method: str, raw_path: str) -> Operation | None:
        """The operation that serves a request; None for what no route takes."""
        return next(
            (
                one
                for one in self.operations
                if one.method == method and one.pattern.fullmatch(raw_path)
            ),
            None,
        )

    def schemas(self) -> Iterator[Mapping[str, Any]]:
        """Every schema in the document, and every part of one."""
        yield from _schemas(self.document)


def _schemas(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for part in value.values():
            yield from _schemas(part)
    elif isinstance(value, list):
        for part in value:
            yield from _schemas(part)


@cache
def description() -> Description:
    """The description, made once."""
    return Description()


def check_described(answer: httpx.Response) -> None:
    """Hold a call against the description, if a route of the app took it."""
    request = answer.request
    path = request.url.raw_path.decode("ascii").partition("?")[0]
    operation = description().find(request.method, path)
    if operation is None:
        return
    answer.read()
    operation.check_answer(answer)
    if answer.is_success:
        operation.check_accepted(request)


def check_told(value: object) -> None:
    """Hold what a webhook was sent against the description."""
    event = description().validator({"$ref": "#/components/schemas/Event"})
    assert event.is_valid(value), value
