"""S10: every kind of bad token, on every route of the API."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from api_routes import api_functions, api_routes, path_of, request_to
from bad_tokens import FORBIDDEN, MISSING, REFUSED
from deployment import ok
from entra_fake import API, CRM, CRM_ROLE, KIM, SELLER_ROLE, bearer, signed, signed_parts
from problem import assert_problem

from engagement.errors import UnauthorizedError
from engagement.functions.bearer import read_bearer

ROUTES = api_routes()


@pytest.fixture(scope="module")
def contoso(signed_in):
    """An organization that lets in whoever has a token that holds."""
    crm = signed_in.new_crm()
    crm.set({"sign_in": {"applications": [CRM], "users": [KIM], "everyone": True}})
    crm.draft()
    return crm


@pytest.fixture(scope="module")
def functions(signed_in):
    """Every function of the API, as the host would call it."""
    return list(api_functions(signed_in.services))


def over_http(contoso, headers):
    """The answers of one route of each access to a caller with these headers."""
    deployment = contoso.deployment
    for access in sorted({access for _, _, access in ROUTES}):
        method, template, _ = next(route for route in ROUTES if route[2] == access)
        url = f"{deployment.url}{path_of(template, contoso.organization_id)}"
        answer = deployment.http.request(method, url, headers=headers)
        yield f"{method} {template}", answer.status_code, answer.text, answer.headers


def on_every_route(contoso, functions, headers):
    """The answers of every route, from its function: thousands of requests would take a minute."""
    fields = {}
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        fields[name] = f"{fields[name]}, {text}" if name in fields else text

    async def all_of_them():
        return await asyncio.gather(
            *(
                handler(request_to(method, route, fields, organization_id=contoso.organization_id))
                for method, route, handler in functions
            )
        )

    answers = contoso.deployment.run(all_of_them())
    for (method, template, _), answer in zip(functions, answers, strict=True):
        body = answer.get_body().decode()
        yield f"{method} {template}", answer.status_code, body, answer.headers


def answers_to(contoso, functions, headers):
    """All those answers."""
    yield from over_http(contoso, headers)
    yield from on_every_route(contoso, functions, headers)


def assert_refused(contoso, functions, headers, status, challenge):
    """Check that every route refuses a caller in one and the same way; return what it says."""
    bodies = set()
    for route, given, body, fields in answers_to(contoso, functions, headers):
        assert given == status, f"{route}: {given} {body}"
        assert fields.get("www-authenticate", fields.get("WWW-Authenticate")) == challenge, route
        assert fields.get("cache-control", fields.get("Cache-Control")) == "no-store", route
        bodies.add(body)
    (body,) = bodies
    problem = json.loads(body)
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    return problem


def test_S10_what_the_kinds_are_made_of_opens_the_doors(contoso, tenant):
    url = f"{contoso.deployment.url}/api/v1/organizations/{contoso.organization_id}/templates"
    tokens = [
        signed(claims)
        for version in ("1.0", "2.0")
        for claims in (tenant.application_claims(version), tenant.user_claims(version))
    ]
    payload = json.dumps(tenant.application_claims()).encode()
    tokens.append(signed_parts(b'{"alg": "RS256", "typ": "JWT", "kid": "key-1"}', payload))
    # What a token says of where its key is found is not looked at.
    strangers = f"{tenant.authority}/keys-of-nobody"
    tokens.append(signed(tenant.application_claims(), jku=strangers, x5u=strangers, x5t="key-1"))
    tokens += [
        signed(tenant.application_claims(**changes))
        for changes in (
            {"aud": f"api://{API}"},
            {"idtyp": "app", "sub": "another"},
            {"azp": CRM.upper()},
            {"roles": [SELLER_ROLE, CRM_ROLE, "Files.Read"]},
            {"exp": int(time.time()) - 30},  # clocks may differ by a minute
            {"nbf": int(time.time()) + 30, "iat": int(time.time()) + 30},
        )
    ]
    tokens.append(signed(tenant.user_claims(scp="openid access_as_user profile", idtyp="user")))
    for token in tokens:
        for scheme in ("Bearer", "bearer", "BEARER", "Bearer "):
            ok(contoso.deployment.http.get(url, headers={"Authorization": f"{scheme} {token}"}))
    assert len(ROUTES) >= 47
    assert len(REFUSED) >= 100


@pytest.mark.parametrize("make", MISSING.values(), ids=MISSING)
def test_S10_without_a_credential_every_route_asks_for_one(contoso, functions, tenant, make):
    assert_refused(contoso, functions, make(tenant), 401, "Bearer")


@pytest.mark.parametrize("name", REFUSED)
def test_S10_a_bad_token_is_refused_by_every_route_and_not_told_why(
    contoso, functions, tenant, name
):
    key = name == "in the header for keys"
    challenge = "Bearer" if key else 'Bearer error="invalid_token"'
    problem = assert_refused(contoso, functions, REFUSED[name](tenant), 401, challenge)

    assert problem["detail"] == "A key or an access token that holds here is needed."


@pytest.mark.parametrize("make", FORBIDDEN.values(), ids=FORBIDDEN)
def test_S10_a_token_without_the_right_role_is_forbidden_on_every_route(
    contoso, functions, tenant, make
):
    assert_refused(contoso, functions, make(tenant), 403, None)


def test_S10_two_credentials_are_one_too_many(contoso, functions, as_crm):
    for key in (contoso.api_key, "eng_00000000_" + "A" * 43, "x"):
        problem = assert_refused(contoso, functions, {**as_crm, "X-Api-Key": key}, 400, None)
        assert problem["field"] == "Authorization"


def test_S10_a_token_in_the_query_or_the_body_counts_for_nothing(contoso, as_crm):
    token = as_crm["Authorization"].removeprefix("Bearer ")
    url = f"{contoso.deployment.url}/api/v1/organizations/{contoso.organization_id}/settings"
    http = contoso.deployment.http
    assert_problem(http.get(f"{url}?access_token={token}"), 401)
    assert_problem(http.request("PATCH", url, data={"access_token": token}), 401)


def test_S10_keys_of_strangers_are_never_asked_for(tenant):
    assert {path for path in tenant.asked if not path.endswith("/discovery/v2.0/keys")} == set()


def test_F16_made_up_keys_make_no_more_than_one_fetch_for_all_routes(contoso, functions, tenant):
    before = len(tenant.asked)
    for number in range(3):
        headers = bearer(signed(tenant.application_claims(), kid=f"made-up-{number}"))
        for route, status, _, _ in on_every_route(contoso, functions, headers):
            assert status == 401, route
    assert len(tenant.asked) <= before + 1


async def test_S10_a_token_of_100_kB_is_not_even_parsed(contoso, as_crm):
    # Servers end such a request themselves, each in its own way.
    long = as_crm["Authorization"] + "a" * 100_000
    with pytest.raises(UnauthorizedError):
        await read_bearer(long, contoso.deployment.services.authenticating)


def test_after_all_that_nothing_has_changed(contoso, as_crm):
    assert len(ok(contoso.call("GET", "/api-keys"))["items"]) == 1
    url = f"{contoso.deployment.url}/api/v1/organizations/{contoso.organization_id}/settings"
    settings = ok(contoso.deployment.http.get(url, headers=as_crm))
    assert settings["sign_in"] == {"applications": [CRM], "users": [KIM], "everyone": True}
