"""Organizations and their API keys from a terminal, against a running deployment."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from aiohttp import web
from certificates import make_certificate
from deployment import ADMIN_KEY
from fault_proxy import FaultProxy, answer_lost, once, refusing
from vault_fake import VaultFake

API_KEY = re.compile(r"eng_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n")


@pytest.fixture
def name():
    """Id of an organization that is not there yet."""
    return f"org-{uuid.uuid4().hex[:12]}"


def works(deployment, organization, key):
    """Whether the API takes a key."""
    url = f"{deployment.url}/api/v1/organizations/{organization}/settings"
    return deployment.http.get(url, headers={"X-Api-Key": key}).status_code == 200


def test_an_organization_is_created_and_its_key_stands_alone_on_the_output(admin, deployment, name):
    made = admin("organizations", "create", name, "--name", "Contoso")

    assert made.code == 0
    assert API_KEY.fullmatch(made.out)
    assert "shown only now" in made.err
    assert works(deployment, name, made.out.strip())


def test_one_that_exists_is_neither_created_nor_renamed_by_mistake(admin, crm):
    again = admin("organizations", "create", crm.organization_id, "--name", "Another")

    assert (again.code, again.out) == (1, "")
    assert "exists already" in again.err


def test_renaming_creates_nothing(admin, crm, name):
    assert admin("organizations", "rename", crm.organization_id, "--name", "Contoso AG").code == 0
    missing = admin("organizations", "rename", name, "--name", "Contoso AG")

    assert missing.code == 1
    assert "no such organization" in missing.err
    assert admin("organizations", "settings", "show", name).code == 1


def test_deleting_takes_the_id_typed_out_or_yes(admin, crm):
    command = ("organizations", "delete", crm.organization_id)
    refused = [admin(*command), admin(*command, typed="yes\n"), admin(*command, typed="")]

    assert [one.code for one in refused] == [2, 1, 1]
    assert "add --yes" in refused[0].err
    assert crm.call("GET", "/settings").status_code == 200

    assert admin(*command, typed=f"{crm.organization_id}\n").code == 0
    assert crm.call("GET", "/settings").status_code == 401
    assert admin(*command, "--yes").code == 1


def test_settings_go_out_and_come_in_as_json(admin, crm, tmp_path):
    shown = json.loads(admin("organizations", "settings", "show", crm.organization_id).out)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"follow": {"enabled": False}}))
    command = ("organizations", "settings", "set", crm.organization_id)

    assert shown["follow"] == {"enabled": True}
    assert json.loads(admin(*command, file).out)["follow"] == {"enabled": False}
    assert json.loads(admin(*command, "-", piped='{"follow": {"enabled": true}}').out) == shown


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("{", 2, "no JSON"),
        ('{"follow": {"enabled": "no"}}', 1, "400 Bad Request [follow.enabled]"),
        ('{"colour": 1}', 1, "[colour]"),
    ],
)
def test_a_problem_is_told_with_its_field(admin, crm, text, code, told):
    wrong = admin("organizations", "settings", "set", crm.organization_id, "-", piped=text)

    assert (wrong.code, wrong.out) == (code, "")
    assert told in wrong.err


def test_keys_are_listed_issued_and_revoked(admin, deployment, crm):
    issued = admin("keys", "issue", crm.organization_id)
    items = json.loads(admin("keys", "list", crm.organization_id, "--json").out)
    new = issued.out.split("_")[1]

    assert API_KEY.fullmatch(issued.out)
    assert [item["key_id"] for item in items][1:] == [new]
    assert issued.out.strip() not in admin("keys", "list", crm.organization_id).out
    assert admin("keys", "revoke", crm.organization_id, new, "--yes").code == 0
    assert not works(deployment, crm.organization_id, issued.out.strip())
    assert admin("keys", "revoke", crm.organization_id, new, "--yes").code == 1


def test_the_last_key_is_not_revoked_unawares(admin, crm):
    old = crm.api_key.split("_")[1]
    asked = admin("keys", "revoke", crm.organization_id, old, typed="no\n")

    assert asked.code == 1
    assert "the last one" in asked.err


def test_rotating_revokes_the_old_key_once_the_person_has_used_the_new_one(admin, deployment, crm):
    old = crm.api_key.split("_")[1]
    command = ("keys", "rotate", crm.organization_id, old)
    unasked = admin(*command)
    assert (unasked.code, unasked.out) == (2, "")

    put_off = admin(*command, typed="no\n")
    assert put_off.code == 1
    assert "Both keys hold" in put_off.err
    assert works(deployment, crm.organization_id, put_off.out.strip())
    assert works(deployment, crm.organization_id, crm.api_key)

    done = admin(*command, typed="yes\n")
    assert done.code == 0
    assert works(deployment, crm.organization_id, done.out.strip())
    assert not works(deployment, crm.organization_id, crm.api_key)


def test_a_key_may_be_piped_in(admin, crm):
    command = ("keys", "list", crm.organization_id, "--key-stdin")

    assert admin(*command, piped=f"{crm.api_key}\n", ENGAGEMENT_ADMIN_KEY="").code == 0
    assert admin(*command, piped="eng_00000000_wrong\n").code == 1
    assert admin(*command, piped="").code == 2
    assert admin(*command, piped="two words\n").code == 2


def test_S15_a_wrong_key_is_refused_and_never_shown(admin, crm):
    secret = "an-admin-key-that-is-wrong"
    refused = admin("keys", "list", crm.organization_id, ENGAGEMENT_ADMIN_KEY=secret)

    assert refused.code == 1
    assert refused.err.startswith("401 Unauthorized")
    assert secret not in refused.out + refused.err


def test_no_option_takes_a_secret(run):
    for command in ("organizations create", "keys issue", "kpis recompute", "signing-keys rotate"):
        text = run(*command.split(), "--help").out
        assert not re.search(r"--(admin-|api-)?(key|token|password|secret-value)[ =]", text)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ((), {}),
        (("nothing",), {}),
        (("keys", "list", "../contoso"), {"ENGAGEMENT_URL": "http://127.0.0.1:1"}),
        (("keys", "list", "contoso"), {}),
        (("keys", "list", "contoso"), {"ENGAGEMENT_URL": "http://127.0.0.1:1"}),
        (
            ("keys", "list", "contoso"),
            {"ENGAGEMENT_URL": "http://contoso.example", "ENGAGEMENT_ADMIN_KEY": ADMIN_KEY},
        ),
        (("keys", "list", "contoso", "--sign-in"), {"ENGAGEMENT_URL": "http://127.0.0.1:1"}),
        (("keys", "list", "contoso", "--sign-in", "--key-stdin"), {}),
    ],
)
def test_wrong_use_is_told_apart_from_a_refusal(run, arguments, environment):
    used = run(*arguments, **environment)

    assert (used.code, used.out) == (2, "")
    assert used.err


def test_a_deployment_that_is_not_there_may_be_later(admin, crm):
    gone = admin("keys", "list", crm.organization_id, "--url", "http://127.0.0.1:1")

    assert gone.code == 3
    assert "cannot be reached" in gone.err


def port_of(deployment):
    """The port that a deployment serves on."""
    return int(deployment.url.rpartition(":")[2])


def test_what_fails_in_passing_is_tried_again(admin, deployment, crm):
    with FaultProxy(port_of(deployment)) as proxy:
        proxy.fault = once(refusing(503, retry_after="0"))
        url = f"http://127.0.0.1:{proxy.port}"
        assert admin("keys", "list", crm.organization_id, "--url", url).code == 0
        proxy.fault = refusing(503, retry_after="0")
        busy = admin("keys", "list", crm.organization_id, "--url", url)

    assert busy.code == 3
    assert len(proxy.seen) == 5


def test_a_key_whose_answer_got_lost_is_not_issued_twice(admin, deployment, crm):
    with FaultProxy(port_of(deployment)) as proxy:
        proxy.fault = answer_lost
        url = f"http://127.0.0.1:{proxy.port}"
        lost = admin("keys", "issue", crm.organization_id, "--url", url)

    assert lost.code == 3
    assert "may have done" in lost.err
    items = json.loads(admin("keys", "list", crm.organization_id, "--json").out)
    assert len(items) == 2


def test_another_site_is_recognised(run, azurite):
    url = f"http://127.0.0.1:{azurite.ports[0]}"
    other = run("keys", "list", "x", ENGAGEMENT_URL=url, ENGAGEMENT_ADMIN_KEY=ADMIN_KEY)

    assert other.code == 1
    assert "private app" in other.err


def test_a_sign_in_is_asked_for_a_token_of_the_api(run, deployment, crm, tmp_path, monkeypatch):
    client_id = "1c2d3e4f-1111-2222-3333-444455556666"
    shown = []

    async def look(proxy, request, body):
        shown.append(request.headers)
        return web.json_response({"items": []})

    with (
        VaultFake(make_certificate(tmp_path / "identity.pem")) as identity,
        FaultProxy(port_of(deployment)) as proxy,
    ):
        for name, value in identity.environment().items():
            monkeypatch.setenv(name, value)
        identity.resources = {f"api://{client_id}"}
        proxy.fault = look
        command = ("keys", "list", crm.organization_id, "--sign-in", "--client-id", client_id)
        # A key beside it is not sent.
        done = run(
            *command,
            ENGAGEMENT_URL=f"http://127.0.0.1:{proxy.port}",
            ENGAGEMENT_ADMIN_KEY=ADMIN_KEY,
        )

    assert done.code == 0
    assert shown[0]["Authorization"].removeprefix("Bearer ") in identity.tokens
    assert "X-Api-Key" not in shown[0]
