"""Who may call which route of the API, and that a refusal tells nothing."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import pytest
from deployment import ADMIN_KEY, Deployment, ok, settings
from problem import assert_problem

from engagement.domain.organizations import organization
from engagement.domain.tracking import tracking_token
from engagement.functions import callers

NO_KEYS = {
    "none": {},
    "empty": {"X-Api-Key": ""},
    "made up": {"X-Api-Key": "eng_00000000_" + "A" * 43},
    "not of our form": {"X-Api-Key": "let me in"},
    "50 kB": {"X-Api-Key": "A" * 50_000},
    "latin-1": {"X-Api-Key": b"eng_\xe9"},
    "in the wrong header": {"Authorization": f"Bearer {ADMIN_KEY}"},
    "basic": {"Authorization": "Basic YTpi"},
    "functions key": {"x-functions-key": ADMIN_KEY},
    "almost the administrator's": {"X-Api-Key": ADMIN_KEY + "x"},
    "the administrator's in capitals": {"X-Api-Key": ADMIN_KEY.upper()},
}

ALERT = f"{'0' * 32}-1-{'0' * 13}-{'0' * 16}"
WEBHOOK = "0" * 24

ROUTES = [
    ("GET", "/settings"),
    ("PATCH", "/settings"),
    ("GET", "/api-keys"),
    ("POST", "/api-keys"),
    ("DELETE", "/api-keys/00000000"),
    ("POST", "/messages"),
    ("GET", "/messages"),
    ("GET", "/exports/messages"),
    ("GET", "/records/contact/c-1/activities"),
    ("GET", "/messages/{id}"),
    ("PATCH", "/messages/{id}"),
    ("POST", "/messages/{id}/send"),
    ("POST", "/messages/{id}/cancel"),
    ("PUT", "/messages/{id}/reminder"),
    ("DELETE", "/messages/{id}/reminder"),
    ("GET", "/due-messages"),
    ("GET", "/messages/{id}/timeline"),
    ("POST", "/messages/{id}/replies"),
    ("POST", "/messages/{id}/attachments?name=a.pdf"),
    ("GET", "/messages/{id}/attachments/1"),
    ("DELETE", "/messages/{id}/attachments/1"),
    ("GET", "/alerts?user_id=u-17"),
    ("POST", f"/alerts/{ALERT}/snooze"),
    ("POST", f"/alerts/{ALERT}/dismiss"),
    ("GET", "/alert-settings?user_id=u-17"),
    ("PATCH", "/alert-settings?user_id=u-17"),
    ("GET", "/templates"),
    ("PUT", "/templates/t-1"),
    ("GET", "/templates/t-1"),
    ("DELETE", "/templates/t-1"),
    ("POST", "/delivery-time"),
    ("GET", "/kpis"),
    ("POST", "/kpis/recompute"),
    ("GET", "/verdicts/rules"),
    ("POST", "/verdicts/score"),
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("GET", f"/webhooks/{WEBHOOK}"),
    ("PATCH", f"/webhooks/{WEBHOOK}"),
    ("DELETE", f"/webhooks/{WEBHOOK}"),
    ("POST", f"/webhooks/{WEBHOOK}/rotate-secret"),
    ("POST", f"/webhooks/{WEBHOOK}/test"),
    ("GET", f"/webhooks/{WEBHOOK}/dead-letters"),
    ("POST", f"/webhooks/{WEBHOOK}/replay"),
]
SELLERS = (
    "/messages",
    "/due",
    "/alert",
    "/delivery",
    "/exports",
    "/kpis",
    "/records",
    "/templates",
    "/webhooks",
)
SELLERS_ROUTES = [route for route in ROUTES if route[1].startswith(SELLERS)]


@pytest.fixture(scope="module")
def contoso(deployment):
    """The CRM of one organization for the whole module."""
    return deployment.new_crm()


@pytest.fixture(scope="module")
def fabrikam(deployment):
    """The CRM of another organization."""
    return deployment.new_crm()


@pytest.fixture(scope="module")
def message_id(contoso):
    """A draft of the first organization, with a file."""
    message_id = contoso.draft()["id"]
    contoso.attach(message_id)
    return message_id


def call(deployment, method, path, headers):
    return deployment.http.request(method, f"{deployment.url}/api/v1{path}", headers=headers)


@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS)
def test_S11_no_wrong_key_opens_anything(deployment, contoso, message_id, headers):
    base = f"/organizations/{contoso.organization_id}"
    answers = [
        call(deployment, method, base + path.format(id=message_id), headers)
        for method, path in [("GET", "/settings"), ("GET", "/messages/{id}")]
    ]
    answers.append(call(deployment, "DELETE", base, headers))
    for answer in answers:
        assert_problem(answer, 401)
    # One answer for every wrong key: it does not say what is wrong with it.
    assert answers[0].content == answers[1].content
    assert contoso.message(message_id)["status"] == "draft"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_refuses_a_caller_without_a_key_or_with_anothers(
    deployment, contoso, fabrikam, message_id, method, path
):
    url = f"/organizations/{contoso.organization_id}{path.format(id=message_id)}"
    nobody = call(deployment, method, url, {})
    foreign = call(deployment, method, url, {"X-Api-Key": fabrikam.api_key})

    assert_problem(nobody, 401)
    assert_problem(foreign, 401)
    assert nobody.content == foreign.content


@pytest.mark.parametrize(("method", "path"), SELLERS_ROUTES)
def test_the_administrators_key_does_not_open_what_sellers_work_with(
    deployment, contoso, message_id, method, path
):
    url = f"/organizations/{contoso.organization_id}{path.format(id=message_id)}"
    assert_problem(call(deployment, method, url, {"X-Api-Key": ADMIN_KEY}), 401)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("unknown", ["nobody-here", "-not-an-id", "%00"])
def test_an_unknown_organization_looks_the_same_as_a_wrong_key(
    deployment, contoso, fabrikam, unknown, method, path
):
    path = path.format(id="0" * 24)
    headers = {"X-Api-Key": fabrikam.api_key}
    missing = call(deployment, method, f"/organizations/{unknown}{path}", headers)
    wrong = call(deployment, method, f"/organizations/{contoso.organization_id}{path}", headers)

    assert (missing.status_code, missing.content) == (wrong.status_code, wrong.content)
    assert set(missing.headers) == set(wrong.headers)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_organizations_key_does_not_manage_organizations(deployment, contoso, method):
    headers = {"X-Api-Key": contoso.api_key}
    path = f"/organizations/{contoso.organization_id}"
    assert_problem(call(deployment, method, path, headers), 401)
    assert_problem(call(deployment, method, "/organizations/another", headers), 401)


def test_the_body_of_a_stranger_is_not_looked_at(deployment, contoso):
    answer = deployment.http.post(
        f"{deployment.url}/api/v1/organizations/{contoso.organization_id}/messages",
        content=b"[" * 100_000,
    )
    assert_problem(answer, 401)


def test_two_keys_in_one_request_are_none(deployment, contoso):
    headers = [("X-Api-Key", contoso.api_key), ("X-Api-Key", contoso.api_key)]
    path = f"/organizations/{contoso.organization_id}/settings"
    assert_problem(call(deployment, "GET", path, headers), 401)


def test_a_key_is_not_read_from_the_query(deployment, contoso):
    path = f"/organizations/{contoso.organization_id}/settings"
    for name in ("X-Api-Key", "api_key", "code"):
        assert_problem(call(deployment, "GET", f"{path}?{name}={contoso.api_key}", {}), 401)


def test_without_an_administrators_key_nobody_is_the_administrator(azurite):
    environment = settings(azurite.connection_string, ENGAGEMENT_ADMIN_KEY="")
    with Deployment(environment) as deployment:
        for headers in ({}, {"X-Api-Key": ""}, {"X-Api-Key": ADMIN_KEY}):
            assert_problem(call(deployment, "DELETE", "/organizations/contoso", headers), 401)


def test_the_answer_to_a_caller_is_not_kept_by_anything_on_the_way(contoso):
    answer = contoso.call("GET", "/settings")
    ok(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers


SECRETS = {"digest", "presented", "secret", "mac", "admin_digest", "api_key", "admin_key"}


def names_in(node):
    """Every name and attribute that an expression speaks of."""
    return {
        getattr(part, "id", getattr(part, "attr", None))
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }


def plain_comparisons(source: str):
    """Comparisons with ==, != or in whose sides speak of a secret."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        and any(isinstance(kind, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for kind in node.ops)
        and names_in(node) & SECRETS
    ]


@pytest.mark.parametrize("module", [callers, organization, tracking_token])
def test_S11_secrets_are_compared_in_constant_time(module: ModuleType):
    source = inspect.getsource(module)
    assert plain_comparisons(source) == []
    assert "hmac.compare_digest(" in source


@pytest.mark.parametrize(
    "source", ["key.digest == digest", "a and presented != self.key", "secret in secrets"]
)
def test_S11_the_rule_itself_finds_what_it_is_for(source):
    assert plain_comparisons(source) == [source.removeprefix("a and ")]
