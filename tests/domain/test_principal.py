"""Who holds an access token, by its claims."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engagement.domain.access.principal import Principal, Role, read_principal
from engagement.domain.access.registration import Registration
from engagement.errors import ForbiddenError, UnauthorizedError

TENANT = "7f0c0a52-6c5d-4f7e-9a3e-0d5a4e1b2c33"
API = "aa11bb22-3333-4444-8555-666677778888"
CRM = "c0000000-0000-4000-8000-000000000001"
KIM = "d0000000-0000-4000-8000-000000000001"
AUTHORITY = "https://login.microsoftonline.com"
REGISTRATION = Registration(TENANT, API, frozenset(), AUTHORITY)

APPLICATION = {
    "ver": "2.0",
    "iss": f"{AUTHORITY}/{TENANT}/v2.0",
    "aud": API,
    "tid": TENANT,
    "azp": CRM,
    "oid": KIM,
    "sub": KIM,
    "roles": ["Engagement.Crm"],
}
USER = {**APPLICATION, "sub": "a pairwise id", "scp": "openid access_as_user"}
#: What a claim may be, for all that a token says.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([API, CRM]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_a_token_of_either_version_names_its_holder():
    first = {
        **{name: value for name, value in APPLICATION.items() if name != "azp"},
        "ver": "1.0",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "aud": f"api://{API}",
        "appid": CRM,
    }
    holder = Principal(CRM, None, frozenset({Role.CRM}))
    assert read_principal(APPLICATION, REGISTRATION) == holder
    assert read_principal(first, REGISTRATION) == holder


def test_a_user_is_known_by_the_object_id_and_not_by_a_name():
    claims = {**USER, "preferred_username": "boss@contoso.example", "upn": "boss@contoso.example"}
    assert read_principal(claims, REGISTRATION).user_id == KIM


def test_an_authority_of_a_national_cloud_issues_tokens_of_version_2():
    registration = Registration(TENANT, API, frozenset(), "https://login.microsoftonline.us")
    claims = {**APPLICATION, "iss": f"https://login.microsoftonline.us/{TENANT}/v2.0"}
    assert read_principal(claims, registration).application_id == CRM
    with pytest.raises(UnauthorizedError):
        read_principal(APPLICATION, registration)


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        (APPLICATION, None),
        ({**APPLICATION, "idtyp": "app", "sub": "another"}, None),
        (USER, KIM),
        ({**USER, "idtyp": "user"}, KIM),
        ({**USER, "sub": KIM}, KIM),  # scopes are users' only
    ],
)
def test_users_and_applications_are_told_apart(claims, user):
    assert read_principal(claims, REGISTRATION).user_id == user


@pytest.mark.parametrize(
    "claims",
    [
        {**USER, "scp": "openid"},
        {name: value for name, value in USER.items() if name != "scp"},
        {**APPLICATION, "idtyp": "user"},
        {**APPLICATION, "idtyp": "App"},
    ],
)
def test_without_the_scope_a_user_is_nobody(claims):
    with pytest.raises(ForbiddenError):
        read_principal(claims, REGISTRATION)


def test_only_applications_on_the_list_may_call_if_there_is_one():
    allowing = Registration(TENANT, API, frozenset({CRM}), AUTHORITY)
    stranger = {**APPLICATION, "azp": "c0000000-0000-4000-8000-000000000009"}
    assert read_principal(APPLICATION, allowing)
    assert read_principal(stranger, REGISTRATION)
    with pytest.raises(ForbiddenError):
        read_principal(stranger, allowing)


@given(st.dictionaries(st.sampled_from([*USER, "idtyp", "appid", "exp"]), ANYTHING))
@example({"roles": [["Engagement.Crm"]]})
@example({"ver": []})
@example({"aud": [API]})
def test_whatever_claims_say_they_are_read_or_refused(changes):
    for claims in (APPLICATION, USER):
        said = {**claims, **changes}
        try:
            principal = read_principal(said, REGISTRATION)
        except (UnauthorizedError, ForbiddenError):
            continue
        # Only what is the tenant's, for the API, gets here.
        assert said["tid"] == TENANT
        assert said["aud"] in (API, f"api://{API}")
        assert principal.roles == frozenset(r for r in Role if r.value in said.get("roles", []))
        assert principal.user_id is None or "access_as_user" in said["scp"].split(" ")


@given(st.dictionaries(st.text(), ANYTHING))
def test_claims_of_nothing_in_particular_are_refused(claims):
    with pytest.raises(UnauthorizedError):
        read_principal(claims, REGISTRATION)
