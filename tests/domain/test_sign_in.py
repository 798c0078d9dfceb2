"""Whom an organization lets in with an access token."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.access.principal import Principal, Role
from engagement.domain.access.sign_in import (
    MOST_APPLICATIONS,
    MOST_USERS,
    SignIn,
    patched_sign_in,
    sign_in_json,
)
from engagement.errors import InvalidRequestError

CRM, OTHER_CRM = (f"c0000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
KIM, LEE = (f"d0000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
GUIDS = st.uuids().map(str)
SIGN_INS = st.builds(
    SignIn, st.frozensets(GUIDS, max_size=5), st.frozensets(GUIDS, max_size=5), st.booleans()
)


@pytest.mark.parametrize(
    ("application", "user", "role"),
    list(itertools.product((CRM, OTHER_CRM), (None, KIM, LEE), Role)),
)
@pytest.mark.parametrize("everyone", [False, True])
def test_a_name_and_a_role_are_needed(application, user, role, everyone):
    sign_in = SignIn(frozenset({CRM}), frozenset({KIM}), everyone)
    principal = Principal(application, user, frozenset({role}))

    assert sign_in.lets_work(principal) == ((application, user, role) == (CRM, None, Role.CRM))
    named = user == KIM or (everyone and user is not None)
    assert sign_in.lets_sell(principal) == (named and role is Role.SELLER)


@given(SIGN_INS)
def test_nobody_is_let_in_without_a_role(sign_in):
    for user in (None, *sign_in.users):
        for application in (CRM, *sign_in.applications):
            principal = Principal(application, user, frozenset())
            assert not sign_in.lets_work(principal)
            assert not sign_in.lets_sell(principal)


@given(SIGN_INS)
def test_what_is_read_is_what_was_written(sign_in):
    value = json.loads(json.dumps(sign_in_json(sign_in)))
    assert patched_sign_in(SignIn(), value) == sign_in
    assert patched_sign_in(sign_in, {}) == sign_in


def test_the_longest_lists_fit_into_a_column():
    sign_in = SignIn(
        frozenset(f"c0000000-0000-4000-8000-{number:012x}" for number in range(MOST_APPLICATIONS)),
        frozenset(f"d0000000-0000-4000-8000-{number:012x}" for number in range(MOST_USERS)),
    )
    # 64 KiB in UTF-16
    assert len(json.dumps(sign_in_json(sign_in))) <= 32_768


def test_a_list_is_replaced_and_the_rest_stays():
    before = SignIn(frozenset({CRM}), frozenset({KIM}), everyone=True)
    assert patched_sign_in(before, {"users": [LEE.upper()]}) == SignIn(
        frozenset({CRM}), frozenset({LEE}), everyone=True
    )
    assert patched_sign_in(before, {"applications": []}).applications == frozenset()


@given(st.text())
def test_what_is_no_id_names_nobody(text):
    with pytest.raises(InvalidRequestError) as caught:
        patched_sign_in(SignIn(), {"users": [KIM, text]})
    assert caught.value.field == "sign_in.users[1]"
