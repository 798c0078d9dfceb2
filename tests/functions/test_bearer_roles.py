"""S10: who may do what with an access token: every role on every route."""

from __future__ import annotations

import pytest
from api_routes import api_routes, path_of
from deployment import ADMIN_KEY, Crm, Deployment, at_once, ok
from entra_fake import (
    ADMIN_ROLE,
    BOSS,
    CRM,
    CRM_ROLE,
    KIM,
    LEE,
    OTHER_CRM,
    SELLER_ROLE,
    bearer,
    signed,
)
from problem import assert_problem

ORGANIZATION = "/api/v1/organizations/{organization_id}"
ADMINISTRATORS = {("PUT", ORGANIZATION), ("DELETE", ORGANIZATION)}
#: Below the organization.
MANAGERS = {
    ("GET", "/settings"),
    ("PATCH", "/settings"),
    ("GET", "/api-keys"),
    ("POST", "/api-keys"),
    ("DELETE", "/api-keys/{key_id}"),
    ("GET", "/verdicts/rules"),
    ("POST", "/verdicts/score"),
}
#: With what sellers have to say there, so that it is their own.
SELLERS = {
    ("GET", "/messages"): {"sender": KIM},
    ("GET", "/exports/messages"): {"sender": KIM},
    ("GET", "/kpis"): {"sender": KIM},
    ("GET", "/messages/{message_id}"): {},
    ("GET", "/messages/{message_id}/timeline"): {},
    ("PUT", "/messages/{message_id}/reminder"): {},
    ("DELETE", "/messages/{message_id}/reminder"): {},
    ("GET", "/alerts"): {"user_id": KIM},
    ("POST", "/alerts/{alert_id}/snooze"): {},
    ("POST", "/alerts/{alert_id}/dismiss"): {},
    ("GET", "/alert-settings"): {"user_id": KIM},
    ("PATCH", "/alert-settings"): {"user_id": KIM},
    ("GET", "/templates"): {},
    ("GET", "/templates/{template_id}"): {},
    ("POST", "/delivery-time"): {},
}


def below(method, template):
    """A route by what its path has below the organization."""
    return method, template.removeprefix(ORGANIZATION)


ROUTES = api_routes()
ALL = {(method, template) for method, template, _ in ROUTES}
MANAGED = {route for route in ALL if below(*route) in MANAGERS}
SOLD = {route for route in ALL if below(*route) in SELLERS}
WORKED = ALL - ADMINISTRATORS

ROOT_OF_ALL = [ADMIN_ROLE, CRM_ROLE, SELLER_ROLE]

#: Who calls, with which claims, and which routes are open to them in an organization that has named
#: CRM and KIM.
CALLERS = {
    "an administrator": ("user", {"oid": BOSS, "roles": [ADMIN_ROLE]}, ADMINISTRATORS | MANAGED),
    "an application that administers": (
        "application",
        {"roles": [ADMIN_ROLE]},
        ADMINISTRATORS | MANAGED,
    ),
    "the CRM": ("application", {}, WORKED),
    "the CRM that also administers": (
        "application",
        {"roles": [ADMIN_ROLE, CRM_ROLE]},
        ADMINISTRATORS | WORKED,
    ),
    "another CRM": ("application", {"azp": OTHER_CRM}, set()),
    "an application with a seller's role": ("application", {"roles": [SELLER_ROLE]}, set()),
    "a seller": ("user", {}, SOLD),
    "a seller who also administers": (
        "user",
        {"roles": [ADMIN_ROLE, SELLER_ROLE]},
        ADMINISTRATORS | MANAGED | SOLD,
    ),
    "another seller": ("user", {"oid": LEE}, set()),
    "another seller, by the CRM": (
        "user",
        {"oid": LEE, "azp": CRM, "roles": ROOT_OF_ALL[1:]},
        set(),
    ),
    "a user with the CRM's role": ("user", {"azp": CRM, "roles": [CRM_ROLE]}, set()),
}


def headers_of(tenant, kind, changes, version="2.0"):
    """The headers of a caller."""
    if version == "1.0":
        changes = {{"azp": "appid"}.get(name, name): value for name, value in changes.items()}
    make = tenant.application_claims if kind == "application" else tenant.user_claims
    return bearer(signed(make(version, **changes)))


@pytest.fixture(scope="module")
def contoso(signed_in):
    """An organization that has named its CRM and one seller."""
    crm = signed_in.new_crm()
    crm.set({"sign_in": {"applications": [CRM], "users": [KIM]}})
    return crm


@pytest.fixture(scope="module")
def fabrikam(signed_in):
    """An organization that has named nobody."""
    return signed_in.new_crm()


def call(crm, headers, method, path, **options):
    """Call a route below an organization with other headers than its key."""
    url = f"{crm.deployment.url}/api/v1/organizations/{crm.organization_id}{path}"
    return crm.deployment.http.request(method, url, headers=headers, **options)


def open_to(crm, headers):
    """Every route that lets a caller in; on the way nothing is made or deleted."""
    deployment, opened = crm.deployment, set()
    for method, template, access in ROUTES:
        organization_id = "nobody-here" if access == "administrator" else crm.organization_id
        url = f"{deployment.url}{path_of(template, organization_id)}"
        query = SELLERS.get(below(method, template), {})
        answer = deployment.http.request(method, url, headers=headers, params=query)
        assert answer.status_code < 500
        if answer.status_code not in (401, 403):
            opened.add((method, template))
    return opened


def test_the_table_is_of_every_route():
    declared = {
        "administrator": ADMINISTRATORS,
        "administrator or organization": MANAGED,
        "organization or seller": SOLD,
        "organization": WORKED - MANAGED - SOLD,
    }
    for access, routes in declared.items():
        assert {(m, t) for m, t, declares in ROUTES if declares == access} == routes
    assert len(MANAGED) == len(MANAGERS)
    assert len(SOLD) == len(SELLERS)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(("kind", "changes", "routes"), CALLERS.values(), ids=CALLERS)
def test_S10_each_role_opens_its_routes_and_no_others(
    contoso, tenant, kind, changes, routes, version
):
    assert open_to(contoso, headers_of(tenant, kind, changes, version)) == routes


@pytest.mark.parametrize(("kind", "changes", "routes"), CALLERS.values(), ids=CALLERS)
def test_S10_in_another_organization_only_administrators_have_a_say(
    fabrikam, tenant, kind, changes, routes
):
    everywhere = (ADMINISTRATORS | MANAGED) if ADMIN_ROLE in changes.get("roles", []) else set()
    assert open_to(fabrikam, headers_of(tenant, kind, changes)) == everywhere


@pytest.mark.parametrize("unknown", ["nobody-here", "-not-an-id", "%00"])
def test_S10_an_unknown_organization_looks_the_same_as_one_that_lets_nobody_in(
    signed_in, fabrikam, as_crm, as_kim, unknown
):
    for headers in (as_crm, as_kim):
        missing = call(Crm(signed_in, unknown, ""), headers, "GET", "/templates")
        closed = call(fabrikam, headers, "GET", "/templates")
        assert_problem(missing, 403)
        assert missing.content == closed.content


def test_an_administrator_does_what_the_administrators_key_does(signed_in, tenant):
    headers = bearer(signed(tenant.user_claims(oid=BOSS, roles=[ADMIN_ROLE])))
    url = f"{signed_in.url}/api/v1/organizations/made-with-a-token"
    made = signed_in.http.put(url, headers=headers, json={"name": "Contoso"})
    assert made.status_code == 201
    crm = Crm(signed_in, "made-with-a-token", made.json()["api_key"])
    # The first thing to do, without anybody having used the key.
    ok(call(crm, headers, "PATCH", "/settings", json={"sign_in": {"applications": [CRM]}}))
    ok(call(crm, bearer(signed(tenant.application_claims())), "GET", "/templates"))

    assert signed_in.http.delete(url, headers=headers).status_code == 204
    assert_problem(call(crm, headers, "GET", "/settings"), 404)


def test_the_crm_works_with_its_token_as_with_a_key(contoso, as_crm):
    draft = {
        "subject": "Contract",
        "html_body": "<p>Hello</p>",
        "sender": {"user_id": KIM, "email": "kim@contoso.example"},
        "recipients": [{"role": "to", "email": "ann@fabrikam.example"}],
    }
    made = ok(call(contoso, as_crm, "POST", "/messages", json=draft))
    path = f"/messages/{made['id']}"
    sent = ok(call(contoso, as_crm, "POST", f"{path}/send", json={"delivery": "crm"}))

    assert sent["status"] == "sent"
    assert contoso.message(made["id"])["status"] == "sent"


def test_whom_an_organization_lets_in_changes_at_once(signed_in, as_crm, as_kim):
    crm = signed_in.new_crm()
    closed = {"applications": [], "users": [], "everyone": False}
    for sign_in, let_in in [
        ({}, []),
        ({"applications": [OTHER_CRM]}, []),
        ({"applications": [OTHER_CRM, CRM.upper()]}, [as_crm]),
        ({"users": [KIM.upper(), LEE]}, [as_crm, as_kim]),
        ({"users": [LEE]}, [as_crm]),
        ({"everyone": True}, [as_crm, as_kim]),
        ({"applications": []}, [as_kim]),
        (closed, []),
    ]:
        crm.set({"sign_in": sign_in})
        found = [
            headers
            for headers in (as_crm, as_kim)
            if call(crm, headers, "GET", "/templates").is_success
        ]
        assert found == let_in, sign_in


def test_settings_say_whom_an_organization_lets_in(signed_in):
    crm = signed_in.new_crm()
    read = lambda: ok(crm.call("GET", "/settings"))["sign_in"]  # noqa: E731
    assert read() == {"applications": [], "users": [], "everyone": False}
    changed = crm.set({"sign_in": {"users": [LEE.upper(), KIM, KIM], "applications": [CRM]}})

    assert changed["sign_in"] == read()
    assert read() == {"applications": [CRM], "users": [KIM, LEE], "everyone": False}


def test_as_many_as_may_be_named_are_kept(signed_in):
    crm = signed_in.new_crm()
    users = [f"d0000000-0000-4000-8000-{number:012x}" for number in range(500)]
    applications = [f"c0000000-0000-4000-8000-{number:012x}" for number in range(50)]
    crm.set({"sign_in": {"users": users, "applications": applications}})

    settings = ok(crm.call("GET", "/settings"))["sign_in"]
    assert settings == {"applications": applications, "users": users, "everyone": False}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "sign_in"),
        ({"groups": []}, "sign_in.groups"),
        ({"users": KIM}, "sign_in.users"),
        ({"users": None}, "sign_in.users"),
        ({"users": ["kim@contoso.example"]}, "sign_in.users[0]"),
        ({"users": [KIM, 7]}, "sign_in.users[1]"),
        ({"users": [f"{{{KIM}}}"]}, "sign_in.users[0]"),
        ({"users": [KIM] * 501}, "sign_in.users"),
        ({"applications": [CRM] * 51}, "sign_in.applications"),
        ({"applications": ["*"]}, "sign_in.applications[0]"),
        ({"everyone": "true"}, "sign_in.everyone"),
    ],
)
def test_what_names_nobody_is_refused_and_changes_nothing(contoso, value, field):
    before = ok(contoso.call("GET", "/settings"))
    assert_problem(contoso.call("PATCH", "/settings", json={"sign_in": value}), 400, field)
    assert ok(contoso.call("GET", "/settings")) == before


def test_two_who_change_settings_at_once_both_win_or_one_is_told(signed_in):
    crm = signed_in.new_crm()
    changes = [{"sign_in": {"users": [KIM]}}, {"sign_in": {"applications": [CRM]}}]
    answers = at_once(
        [lambda change=change: crm.call("PATCH", "/settings", json=change) for change in changes]
    )
    done = [
        change["sign_in"] for change, one in zip(changes, answers, strict=True) if one.is_success
    ]
    sign_in = ok(crm.call("GET", "/settings"))["sign_in"]

    assert {one.status_code for one in answers} <= {200, 409}
    for part in done:
        assert part.items() <= sign_in.items()


def test_S10_where_keys_are_not_accepted_none_opens_anything(
    environment, tenant, signed_in, tmp_path_factory
):
    crm = signed_in.new_crm()
    crm.set({"sign_in": {"applications": [CRM]}})
    spill = {"ENGAGEMENT_SPILL_FOLDER": str(tmp_path_factory.mktemp("spill"))}
    settings = {**environment, **tenant.settings(ENGAGEMENT_API_KEYS="false", **spill)}
    with Deployment(settings) as tokens_only:
        there = Crm(tokens_only, crm.organization_id, crm.api_key)
        for key in (crm.api_key, ADMIN_KEY):
            assert open_to(there, {"X-Api-Key": key}) == set()
        as_crm = headers_of(tenant, "application", {})
        # Not even beside a token that would do.
        both = {**as_crm, "X-Api-Key": crm.api_key}
        assert call(there, both, "GET", "/templates").status_code == 400
        assert call(there, as_crm, "GET", "/templates").status_code == 200


def test_S10_without_a_tenant_no_token_opens_anything(deployment, as_crm, as_kim):
    crm = deployment.new_crm()
    crm.set({"sign_in": {"applications": [CRM], "everyone": True}})
    for headers in (as_crm, as_kim):
        assert open_to(crm, headers) == set()
