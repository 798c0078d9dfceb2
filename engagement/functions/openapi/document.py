"""The OpenAPI 3.1 document: what is said of each operation, under the routes of the app."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import azure.functions as func

from engagement.domain.identifier import MESSAGE_ID
from engagement.domain.organizations.organization import ORGANIZATION_ID
from engagement.domain.templates.template import TEMPLATE_ID
from engagement.domain.webhooks.webhook import ENDPOINT_ID
from engagement.domain.webhooks.webhook_event import EventType
from engagement.functions.access import Access
from engagement.functions.openapi import (
    lists,
    message_operations,
    organizations,
    public,
    sellers,
    settings,
    templates,
    verdicts,
    webhooks,
)
from engagement.functions.openapi.operation import (
    ANY_TYPE,
    JSON,
    Answer,
    Operation,
    Parameter,
)
from engagement.functions.openapi.schema import FILE, TEXT, Schema, matching, ref, text

SUBJECTS = (
    organizations.SUBJECT,
    settings.SUBJECT,
    message_operations.SUBJECT,
    lists.SUBJECT,
    templates.SUBJECT,
    sellers.SUBJECT,
    verdicts.SUBJECT,
    webhooks.SUBJECT,
    public.SUBJECT,
)
OPERATIONS = {name: one for subject in SUBJECTS for name, one in subject.operations.items()}
SCHEMAS = {name: one for subject in SUBJECTS for name, one in subject.schemas.items()}

VERSION = "1"
PROBLEM = "application/problem+json"
OCTETS = "application/octet-stream"

KEY: dict[str, list[str]] = {"apiKey": []}
ADMIN, CRM, SELLER = ({"entra": [f"Engagement.{role}"]} for role in ("Admin", "Crm", "Seller"))
#: What opens a route, by who may call it: a key, or a token with one of these app roles.
SECURITY = {
    "anyone": [],
    "administrator": [KEY, ADMIN],
    "organization": [KEY, CRM],
    "administrator or organization": [KEY, ADMIN, CRM],
    "organization or seller": [KEY, CRM, SELLER],
}
SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "A key of the organization in the path, or the administrator's.",
    },
    "entra": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of Microsoft Entra for this API, with an app role.",
    },
}

PATH_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "organization_id": (matching(ORGANIZATION_ID.pattern), "The organization."),
    "key_id": (matching("[0-9a-f]{8}"), "The API key."),
    "message_id": (matching(MESSAGE_ID.pattern), "The message."),
    "attachment_id": (matching("[0-9]{1,5}"), "The attachment."),
    "template_id": (matching(TEMPLATE_ID.pattern), "The template."),
    "alert_id": (matching("[0-9a-f]{32}-[01]-[0-9]{13}-[0-9a-f]{16}"), "The alert."),
    "webhook_id": (matching(ENDPOINT_ID.pattern), "The webhook."),
    "type": (text(100), "The type of the record, such as contact."),
    "record_id": (text(200), "The id of the record."),
    "file": (TEXT, "The tracking token, with .gif behind."),
    "token": (TEXT, "The tracking token."),
    "name": (TEXT, "The name of the file."),
}
HEADERS = {
    "ETag": "Stands for what the answer says.",
    "Retry-After": "Seconds after which to try again.",
    "Location": "Where it leads.",
    "Content-Disposition": "The name of the file.",
    "WWW-Authenticate": "How to sign in.",
    "Content-Range": "Which part of the file it is.",
}
PROBLEMS = {
    400: "The request cannot be understood.",
    401: "No key or token, or one that does not hold here.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    409: "It clashes with what is stored.",
    412: "It changed since it was read.",
    413: "It is too large.",
    422: "A rule forbids it.",
    429: "Too many requests; Retry-After says when to go on.",
    502: "Another system failed: the mail server, Microsoft Graph, or the one that signs tokens.",
    503: "A store does not answer; Retry-After says when to try again.",
}
#: Problems that every caller who has to sign in may meet.
ALWAYS = (400, 401, 403, 429, 502, 503)
#: Problems that come with a Retry-After, or may do so.
LATER = (429, 502, 503)


@dataclass(frozen=True, slots=True)
class Route:
    """A route as the app registers it."""

    name: str
    path: str
    methods: tuple[str, ...]
    access: Access

    @property
    def parameters(self) -> list[str]:
        """Names of the parts of the path that change."""
        return re.findall(r"\{\*?(\w+)\}", self.path)


def routes_of(app: func.FunctionApp) -> Iterator[Route]:
    """Yield the HTTP routes of an app; of those for anyone, the methods that get an answer."""
    for function in app.get_functions():
        trigger: dict[str, Any] = cast("Any", function.get_trigger()).get_dict_repr()
        if trigger["type"] != "httpTrigger":
            continue
        handler: Any = function.get_user_function()
        methods = [str(getattr(method, "value", method)) for method in trigger["methods"]]
        if handler.access is Access.ANYONE:
            methods = [method for method in methods if method in ("GET", "HEAD")]
        path = f"/{trigger['route']}".replace("{*", "{")
        yield Route(handler.__name__, path, tuple(methods), handler.access)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes; raises KeyError for one nobody described."""
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes, key=lambda route: (route.path, route.name)):
        for method in route.methods:
            described = _operation(route, method, OPERATIONS[route.name])
            paths.setdefault(route.path, {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Engagement",
            "version": VERSION,
            "summary": "What became of the email that a CRM sent.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": one.tag, "description": one.description} for one in SUBJECTS],
        "paths": paths,
        "webhooks": {kind.value: {"post": _event(kind)} for kind in EventType},
        "components": {
            "schemas": SCHEMAS,
            "responses": {_name(status): _problem(status) for status in PROBLEMS},
            "securitySchemes": SCHEMES,
        },
    }


def _operation(route: Route, method: str, operation: Operation) -> dict[str, Any]:
    head = method == "HEAD"
    value: dict[str, Any] = {
        "operationId": f"head_{route.name}" if head else route.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": SECURITY[route.access],
        "parameters": [
            *(_path_parameter(name) for name in route.parameters),
            *map(_parameter, operation.parameters),
        ],
        "responses": _responses(route, operation, head=head),
    }
    if operation.description:
        value["description"] = operation.description
    if operation.request is not None:
        value["requestBody"] = {"required": True, "content": {JSON: {"schema": operation.request}}}
    if operation.reads_file:
        # No body is an empty file.
        value["requestBody"] = {"required": False, "content": {OCTETS: {"schema": FILE}}}
    return value


def _responses(route: Route, operation: Operation, *, head: bool) -> dict[str, Any]:
    responses = {
        str(status): _answer(answer, head=head) for status, answer in operation.answers.items()
    }
    for status in _problems(route, operation):
        shared = {"$ref": f"#/components/responses/{_name(status)}"}
        responses[str(status)] = _problem(status, head=True) if head else shared
    return dict(sorted(responses.items()))


def _problems(route: Route, operation: Operation) -> set[int]:
    """Return the statuses of problems: what is said of the operation, and what follows from it."""
    found = set(operation.problems)
    if route.access is Access.ANYONE:
        return found
    found |= set(ALWAYS)
    manages = route.access is not Access.ORGANIZATION
    named = [name for name in route.parameters if name not in ("organization_id", "type")]
    if operation.request is not None:
        found.add(413)
    if any(parameter.name == "Idempotency-Key" for parameter in operation.parameters):
        found.add(409)
    if (named and named != ["record_id"]) or manages:
        found.add(404)
    return found


def _name(status: int) -> str:
    """Return what a problem is called among the components."""
    return HTTPStatus(status).phrase.replace(" ", "")


def _problem(status: int, *, head: bool = False) -> dict[str, Any]:
    headers = ("Retry-After",) if status in LATER else ()
    if status == HTTPStatus.UNAUTHORIZED:
        headers = ("WWW-Authenticate",)
    return _answer(Answer(PROBLEMS[status], ref("Problem"), PROBLEM, headers), head=head)


def _answer(answer: Answer, *, head: bool) -> dict[str, Any]:
    value: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        value["headers"] = {
            name: {"description": HEADERS[name], "schema": TEXT} for name in answer.headers
        }
    if answer.media_type is not None and not head:
        # Of files any type may come; most generators know what to do with the first.
        types = [OCTETS, ANY_TYPE] if answer.media_type == ANY_TYPE else [answer.media_type]
        value["content"] = {one: {"schema": answer.schema} for one in types}
    return value


def _path_parameter(name: str) -> dict[str, Any]:
    schema, description = PATH_PARAMETERS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _event(kind: EventType) -> dict[str, Any]:
    return {
        "operationId": f"on_{kind.value.replace('.', '_')}",
        "tags": [webhooks.TAG],
        "summary": f"Told to webhooks: {kind.value}",
        "security": [],
        "requestBody": {"required": True, "content": {JSON: {"schema": ref("Event")}}},
        "responses": {"2XX": {"description": "It was taken."}},
    }
