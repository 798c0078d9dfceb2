"""F16: what callers see of it when the tenant's keys cannot be read, or have changed."""

from __future__ import annotations

import logging

import pytest
from deployment import Deployment, at_once, ok
from entra_fake import CRM, answering, bearer, hanging, jwk, signed
from problem import assert_problem

from engagement.remote.signing_keys import COOL_DOWN, LIFE


class Api:
    """A deployment that has just started, at a time of its own."""

    def __init__(self, deployment):
        self.crm = deployment.new_crm()
        self.crm.set({"sign_in": {"applications": [CRM]}})
        self.keys = deployment.services.authenticating.signing_keys
        self.now = 0.0
        self.keys.clock = lambda: self.now

    def get(self, token):
        """Call the API with a token."""
        url = f"/api/v1/organizations/{self.crm.organization_id}/templates"
        return self.crm.deployment.http.get(self.crm.deployment.url + url, headers=bearer(token))


@pytest.fixture
def api(environment, tenant, tmp_path):
    tenant.reset()
    settings = tenant.settings(ENGAGEMENT_SPILL_FOLDER=str(tmp_path))
    with Deployment({**environment, **settings}) as deployment:
        yield Api(deployment)


@pytest.fixture
def token(tenant):
    return signed(tenant.application_claims())


def test_F16_until_the_keys_are_there_callers_are_asked_to_come_back(api, tenant, token):
    tenant.fault = answering(503)
    answer = api.get(token)
    assert_problem(answer, 502)
    assert answer.headers["retry-after"] == "30"
    # Keys, and what is wrong anyway, need no keys of Entra's.
    ok(api.crm.call("GET", "/templates"))
    assert_problem(api.get("no-token"), 401)

    tenant.fault = None
    assert_problem(api.get(token), 502)
    api.now += COOL_DOWN
    ok(api.get(token))
    assert len(tenant.asked) == 2


def test_F16_a_slow_answer_holds_nobody_up_for_long_and_others_not_at_all(api, tenant, token):
    api.keys.timeout = 0.3
    tenant.fault = hanging
    answers = at_once(
        [
            *(lambda: api.get(token) for _ in range(4)),
            lambda: api.crm.call("GET", "/templates"),
        ]
    )
    assert [answer.status_code for answer in answers] == [502] * 4 + [200]
    assert len(tenant.asked) == 1


def test_F16_known_keys_serve_while_entra_does_not(api, tenant, token):
    ok(api.get(token))
    for fault in (answering(200, b"<html>"), answering(302, b"", Location="/"), answering(500)):
        tenant.fault = fault
        api.now += LIFE
        ok(api.get(token))
        assert_problem(api.get(signed(tenant.application_claims(), "key-of-nobody")), 401)


def test_F16_tokens_signed_with_a_new_key_are_accepted_and_with_the_old_one_too(api, tenant, token):
    ok(api.get(token))
    tenant.published = [jwk("key-2"), jwk("key-1")]
    api.now += COOL_DOWN
    newer = signed(tenant.application_claims(), "key-2")
    assert {answer.status_code for answer in at_once([lambda: api.get(newer)] * 4)} == {200}
    ok(api.get(token))
    assert len(tenant.asked) == 2

    # Until Entra takes it back.
    tenant.published = [jwk("key-2")]
    api.now += LIFE
    ok(api.get(newer))
    assert_problem(api.get(token), 401)


def test_F16_a_flood_of_made_up_keys_keeps_nobody_out(api, tenant, token):
    ok(api.get(token))
    for number in range(40):
        made_up = signed(tenant.application_claims(), kid=f"made-up-{number}")
        assert_problem(api.get(made_up), 401)
        api.now += 1
        ok(api.get(token))
    assert len(tenant.asked) == 1 + 1


def test_F16_the_log_says_that_keys_could_not_be_read_and_nothing_of_the_token(
    api, tenant, token, caplog
):
    tenant.fault = answering(200, b"secret page")
    with caplog.at_level(logging.DEBUG):
        assert_problem(api.get(token), 502)
    texts = [record.getMessage() for record in caplog.records]
    assert any('"signing_keys_not_read"' in text for text in texts)
    assert not any(token in text or "secret page" in text for text in texts)
