"""The description of the API is whole, valid, served, and what the app does."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys

import httpx
import pytest
from deployment import ROOT, build_app, draft_of, ok, settings
from description import Description, check_described, description
from openapi_spec_validator import validate

from devserver import connector
from engagement.config import Config
from engagement.domain.messages import draft, reply
from engagement.domain.messages.message import Status
from engagement.domain.webhooks import webhook_patch
from engagement.functions.access import Access
from engagement.functions.openapi import document
from engagement.functions.openapi.document import routes_of
from engagement.functions.web import LARGEST_PAGE
from engagement.wiring import build_services

OPENAPI, SWAGGER = "/api/v1/openapi.json", "/api/v1/swagger.json"
#: Stores that nobody asks anything.
NOWHERE = (
    "AccountName=a;AccountKey=aaaa;"
    "TableEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:2/a"
)
#: Objects whose fields are not the API's to name.
FREE = {"Document", "NewMessage.values"}


@pytest.fixture(scope="module")
def described():
    """The description that every call of the tests is held against."""
    return description()


@pytest.fixture(scope="module")
def served(deployment):
    """The description as it is served."""
    return ok(deployment.get(OPENAPI))


def test_what_is_served_is_valid_and_what_the_tests_hold_calls_against(served, described):
    validate(served)
    assert served == described.document


def test_every_route_of_the_app_is_described_and_nothing_else(deployment, served):
    registered = {
        (method.lower(), route.path, route.name if method != "HEAD" else f"head_{route.name}")
        for route in routes_of(build_app(deployment.services))
        for method in route.methods
    }
    found = {
        (method, path, operation["operationId"])
        for path, methods in served["paths"].items()
        for method, operation in methods.items()
    }
    assert found == registered
    assert {name.removeprefix("head_") for _, _, name in found} == set(document.OPERATIONS)


@pytest.mark.parametrize("surface", ["private", "public"])
def test_a_surface_describes_its_own_routes_only(surface):
    environment = settings(NOWHERE, ENGAGEMENT_SURFACE=surface)
    app = build_app(build_services(Config.from_environment(environment)))
    paths = {route.path for route in routes_of(app)}
    assert (OPENAPI in paths) is (surface == "private")
    assert ("/o/{file}" in paths) is (surface == "public")
    if surface == "private":
        assert set(connector.description(surface)["paths"]) == paths


def operations(value):
    """Every operation of a document."""
    return [operation for methods in value["paths"].values() for operation in methods.values()]


def test_every_operation_has_a_name_of_its_own_and_says_how_it_succeeds(served):
    names = [operation["operationId"] for operation in operations(served)]
    names += [event["post"]["operationId"] for event in served["webhooks"].values()]
    assert len(set(names)) == len(names)
    for operation in operations(served):
        assert any(status < "400" for status in operation["responses"]), operation["operationId"]
        assert re.fullmatch(r"[A-Z].*[^.]", operation["summary"])


def test_who_may_call_is_said_of_every_operation(deployment, served):
    for route in routes_of(build_app(deployment.services)):
        for method in route.methods:
            security = served["paths"][route.path][method.lower()]["security"]
            assert security == document.SECURITY[route.access]
            assert bool(security) is (route.access is not Access.ANYONE)
    used = {
        name for operation in operations(served) for one in operation["security"] for name in one
    }
    assert used == set(served["components"]["securitySchemes"])


def test_every_reference_leads_somewhere_and_every_component_is_used(described):
    references = {schema["$ref"] for schema in described.schemas() if "$ref" in schema}
    for reference in references:
        assert described.resolved({"$ref": reference})
    kinds = ("schemas", "responses")
    components = {
        f"#/components/{kind}/{name}"
        for kind in kinds
        for name in described.document["components"][kind]
    }
    assert references == components


def objects(schema, path):
    """Every object that a schema describes, with where it stands."""
    if "object" in schema.get("type", ()):
        yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from objects(part, f"{path}.{name}")
    for part in [schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())]:
        if isinstance(part, dict):
            yield from objects(part, path)


def test_objects_are_closed_but_those_whose_fields_are_free(served):
    found = [
        each
        for name, schema in served["components"]["schemas"].items()
        for each in objects(schema, name)
    ]
    open_ones = {path for path, schema in found if schema["additionalProperties"] is True}
    assert open_ones == FREE
    assert len(found) > 80


def test_examples_are_what_they_are_examples_of(described):
    count = 0
    for schema in described.document["components"]["schemas"].values():
        for example in schema.get("examples", ()):
            assert described.validator(schema).is_valid(example), example
            count += 1
    assert count >= 10


def fields_of(served, name):
    return set(served["components"]["schemas"][name]["properties"])


def test_what_is_read_has_the_fields_that_the_code_reads(served):
    assert fields_of(served, "NewMessage") == draft.FIELDS | {"values"}
    assert fields_of(served, "MessagePatch") == draft.FIELDS
    assert fields_of(served, "NewReply") == reply.FIELDS
    assert fields_of(served, "NewWebhook") == webhook_patch.FIELDS
    assert fields_of(served, "WebhookPatch") == webhook_patch.FIELDS


@pytest.fixture(scope="module")
def names(deployment):
    """An organization, and names for every part of a path in it."""
    crm = deployment.new_crm()
    webhook = {"url": "http://127.0.0.1:9/", "state": "disabled"}
    return crm, {
        "organization_id": crm.organization_id,
        "message_id": crm.draft()["id"],
        "template_id": "t-1",
        "alert_id": f"{'0' * 32}-1-{'0' * 13}-{'0' * 16}",
        "webhook_id": ok(crm.call("POST", "/webhooks", json=webhook))["id"],
        "type": "contact",
        "record_id": "c-1",
    }


def of_the_organization(described, wanted):
    """Operations that a key of the organization opens."""
    return [
        one
        for one in described.operations
        if {"entra": ["Engagement.Crm"]} in one.value["security"] and wanted(one)
    ]


def test_every_field_that_is_described_is_known_to_the_code(described, names):
    crm, known = names
    for one in of_the_organization(described, lambda one: one.body):
        content = one.value["requestBody"]["content"]["application/json"]
        path = one.path.partition("{organization_id}")[2].format(**known)
        for field in described.resolved(content["schema"])["properties"]:
            query = {"user_id": "u-17"} if "alert-settings" in path else {}
            answer = crm.call(one.method, path, params=query, json={field: [["no"]]})
            assert answer.status_code in {400, 404, 422}, (one.path, field, answer.text)
            assert "not known" not in answer.json()["detail"], (one.path, field)


def test_every_parameter_that_is_described_is_known_to_the_code_and_no_other_is(described, names):
    crm, known = names
    for one in of_the_organization(described, lambda one: one.method == "GET"):
        query = [name for place, name in one.parameters if place == "query"]
        path = one.path.partition("{organization_id}")[2]
        if not query or "attachments" in path:
            continue
        for name in (*query, "made_up"):
            needed = {"user_id": "u-17"} if "user_id" in query else {}
            answer = crm.call("GET", path.format(**known), params={**needed, name: "~"})
            unknown = "no such parameter" in answer.text
            assert unknown is (name == "made_up"), (one.path, name, answer.text)


def test_limits_are_those_of_the_code(served):
    sizes = [
        parameter["schema"]["maximum"]
        for operation in operations(served)
        for parameter in operation["parameters"]
        if parameter["name"] == "page_size"
    ]
    assert set(sizes) == {LARGEST_PAGE}
    statuses = served["components"]["schemas"]["Message"]["properties"]["status"]["enum"]
    assert statuses == list(Status)


@pytest.mark.parametrize("path", [OPENAPI, SWAGGER])
def test_whoever_keeps_the_description_asks_whether_it_is_still_the_same(deployment, path):
    first = deployment.get(path)
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"] == "application/json"
    tag = first.headers["etag"]
    again = deployment.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert deployment.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = deployment.request("HEAD", path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


def test_the_connectors_definition_is_served_without_a_host_that_is_nobodys(deployment):
    value = ok(deployment.get(SWAGGER))
    validate(value)
    assert "host" not in value
    written = json.loads((connector.FOLDER / connector.DEFINITION).read_text("utf-8"))
    del written["host"]
    assert value == written


def test_nothing_is_described_before_somebody_asks():
    source = (
        "import sys, function_app\n"
        "sys.exit(any(name.startswith('engagement.functions.openapi') for name in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=settings(NOWHERE), check=False, timeout=60
    )
    assert run.returncode == 0


# What the calls of all tests are held against finds what it is there to find.


def answered(described, *, status=201, change=None, media_type="application/json", sent=None):
    """An answer to making a draft, with something changed, as the check sees it."""
    value = copy.deepcopy(described.made)
    for name, part in (change or {}).items():
        value[name] = part
    body = draft_of() if sent is None else sent
    url = "http://127.0.0.1/api/v1/organizations/o/messages"
    request = httpx.Request("POST", url, json=body)
    headers = {"Content-Type": media_type}
    return httpx.Response(status, request=request, headers=headers, content=json.dumps(value))


@pytest.fixture(scope="module")
def example(names):
    """A message as the app answers it."""

    class Example:
        made = names[0].draft()

    return Example


def test_a_right_answer_passes(example):
    check_described(answered(example))


@pytest.mark.parametrize(
    "options",
    [
        {"status": 418},
        {"change": {"more": 1}},
        {"change": {"status": "lost"}},
        {"change": {"created_at": "yesterday"}},
        {"change": {"kpis": {"open_count": 1}}},
        {"change": {"recipients": [{"role": "to"}]}},
        {"change": {"id": "x"}},
        {"change": {"send_at": 1}},
        {"media_type": "text/html"},
        {"sent": {**draft_of(), "made_up": 1}},
        {"sent": {**draft_of(), "subject": "x" * 501}},
        {"sent": {**draft_of(), "copies": "two"}},
    ],
    ids=str,
)
def test_a_wrong_answer_and_a_request_that_should_not_have_been_taken_do_not(example, options):
    with pytest.raises(AssertionError, match="POST /api/v1/organizations/"):
        check_described(answered(example, **options))


def test_a_header_that_nobody_described_does_not_pass(example):
    answer = answered(example)
    answer.headers["ETag"] = '"x"'
    with pytest.raises(AssertionError, match="tells"):
        check_described(answer)


def test_a_route_that_nobody_described_cannot_be_described(monkeypatch):
    monkeypatch.delitem(document.OPERATIONS, "get_message")
    with pytest.raises(KeyError, match="get_message"):
        Description()
