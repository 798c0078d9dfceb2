"""The doctor, on deployments that are well and on those that are not."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from azure.core.exceptions import ResourceExistsError
from certificates import make_certificate
from deployment import ADMIN_KEY, ROOT, SIGNING_KEY
from fault_proxy import FaultProxy, dated, healthy, only, refusing
from vault_fake import VaultFake

from engagement.cli import doctor
from engagement.storage import keys
from engagement.storage.probes import PROBES

KEY = secrets.token_urlsafe(32)


@pytest.fixture
def well(environment, deployment):
    """Settings of the deployment that runs, with a key as it should be."""
    return {
        **environment,
        "ENGAGEMENT_PUBLIC_URL": deployment.url,
        "ENGAGEMENT_SIGNING_KEYS": f"1:{KEY}",
    }


@pytest.fixture
def examined(run):
    """Run the doctor; give its exit code and what it found, by check."""

    def run_doctor(settings, *arguments, **options):
        done = run("doctor", "--json", *arguments, **settings, **options)
        found = {}
        for finding in json.loads(done.out):
            found.setdefault(finding["check"], []).append(finding)
        return done.code, found

    return run_doctor


def states(found, check):
    """How a check's findings are."""
    return [finding["state"] for finding in found.get(check, [])]


def test_a_deployment_that_is_well_is_told_so_and_left_as_it_was(run, examined, well, azurite):
    code, found = examined(well, "--url", f"{well['ENGAGEMENT_PUBLIC_URL']}/api/v1")
    wrong = [one for check in found.values() for one in check if one["state"] == "wrong"]

    assert wrong == []
    assert code == 0
    for check in ("settings", "signing keys", "pixel", "private app", "clock", "tables", "blobs"):
        assert states(found, check) == ["ok"], found.get(check)
    for check in ("queues", "spill folder", "mail server", f"queue {keys.QUEUES[0]}"):
        assert states(found, check) == ["ok"], found.get(check)
    # On this machine no large attachment's URL is signed by an identity.
    assert "signed URLs" not in found
    assert left_behind(azurite) == (0, 0, 0)


def left_behind(azurite):
    """How many rows, blobs and messages of the probes there are."""
    from azure.data.tables import TableClient
    from azure.storage.blob import ContainerClient
    from azure.storage.queue import QueueClient

    to = azurite.connection_string
    with (
        TableClient.from_connection_string(to, PROBES) as table,
        ContainerClient.from_connection_string(to, PROBES) as container,
        QueueClient.from_connection_string(to, PROBES) as queue,
    ):
        return (
            len(list(table.list_entities())),
            len(list(container.list_blobs())),
            queue.get_queue_properties().approximate_message_count,
        )


def test_people_read_what_to_do_and_scripts_the_exit_code(run, well):
    fine = run("doctor", **well)
    wrong = run("doctor", **{**well, "ENGAGEMENT_ADMIN_KEY": "short"})

    assert fine.code == 0
    assert re.search(r"^ok +tables +Reading and writing works\.$", fine.out, re.MULTILINE)
    assert wrong.code == 1
    assert re.search(r"^wrong +ENGAGEMENT_ADMIN_KEY +.*at least 16", wrong.out, re.MULTILINE)
    assert re.search(r"^ +→ ", wrong.out, re.MULTILINE)
    assert "1 wrong" in wrong.err


def test_every_wrong_setting_is_told_at_once(examined, well):
    code, found = examined(
        {
            **well,
            "ENGAGEMENT_SURFACE": "both",
            "ENGAGEMENT_SMTP_PORT": "smtp",
            "ENGAGEMENT_PUBLIC_URL": "",
            "ENGAGEMENT_SIGNING_KEYS": "1:short",
        }
    )

    assert code == 1
    for name in ("SURFACE", "SMTP_PORT", "PUBLIC_URL", "SIGNING_KEYS"):
        assert states(found, f"ENGAGEMENT_{name}") == ["wrong"]
    # What is not wrong is looked at all the same.
    assert states(found, "tables") == ["ok"]
    assert states(found, "settings") == []


def test_with_no_setting_at_all_nothing_crashes(examined):
    code, found = examined({})

    assert code == 1
    assert {"ENGAGEMENT_PUBLIC_URL", "ENGAGEMENT_SIGNING_KEYS", "ENGAGEMENT_DATA"} <= set(found)
    assert states(found, "tables") == ["skipped"]


def test_a_misspelt_setting_is_told(examined, well):
    code, found = examined({**well, "ENGAGEMENT_SIGNNG_KEYS": "1:abc"})

    assert code == 0
    assert states(found, "ENGAGEMENT_SIGNNG_KEYS") == ["warning"]


def test_a_wrong_signing_key_is_not_answered_with_a_new_list(examined, well):
    _, found = examined({**well, "ENGAGEMENT_SIGNING_KEYS": "1:abc"})

    assert "Put back the list" in found["ENGAGEMENT_SIGNING_KEYS"][0]["advice"]


def test_the_sample_of_settings_is_not_taken_for_settings(run):
    sample = ROOT / "local.settings.sample.json"
    done = run("doctor", "--json", "--settings", sample)
    placeholders = {one["check"] for one in json.loads(done.out) if "placeholder" in one["detail"]}

    assert done.code == 1
    assert placeholders == {"ENGAGEMENT_SIGNING_KEYS", "ENGAGEMENT_ADMIN_KEY"}


@pytest.mark.parametrize(
    ("listed", "state", "told"),
    [
        (f"1:{SIGNING_KEY}", "wrong", "not random"),
        (f"1:{KEY},2:{KEY}", "wrong", "Keys 1, 2 are equal"),
        (f"1:{KEY}:2090-01-01T00:00Z", "warning", "waits for its time"),
        (f"1:{KEY},2:{secrets.token_urlsafe(32)}:2090-01-01T00:00Z", "ok", "key 2 waits until"),
    ],
    ids=["not random", "twice", "waiting", "one waits"],
)
def test_signing_keys_are_looked_at(examined, well, listed, state, told):
    _, found = examined({**well, "ENGAGEMENT_SIGNING_KEYS": listed})

    assert states(found, "signing keys") == [state]
    assert told in found["signing keys"][0]["detail"]


def through(environment, kind, proxy):
    """The settings, with one service of the store reached through a proxy."""
    data = environment["ENGAGEMENT_DATA"]
    changed = re.sub(rf"({kind}Endpoint=http://127\.0\.0\.1:)\d+", rf"\g<1>{proxy.port}", data)
    assert changed != data
    return {**environment, "ENGAGEMENT_DATA": changed}


@pytest.fixture
def proxied(azurite, well):
    """A proxy in front of one of the store's services, and the settings that lead through it."""
    started = []

    def start(kind):
        port = azurite.ports[("Blob", "Queue", "Table").index(kind)]
        started.append(FaultProxy(port).__enter__())
        return started[-1], through(well, kind, started[-1])

    yield start
    for proxy in started:
        proxy.__exit__()


@pytest.mark.parametrize(
    ("kind", "check"), [("Table", "tables"), ("Blob", "blobs"), ("Queue", "queues")]
)
def test_a_store_that_refuses_to_be_written_is_told_and_no_other(examined, proxied, kind, check):
    proxy, settings = proxied(kind)
    proxy.fault = only(lambda request: request.method in ("PUT", "POST"), refusing(403))
    code, found = examined(settings)

    assert (code, states(found, check)) == (1, ["wrong"])
    assert "403" in found[check][0]["detail"]
    assert "ENGAGEMENT_DATA" in found[check][0]["advice"]
    others = {"tables", "blobs", "queues"} - {check}
    assert {state for other in others for state in states(found, other)} == {"ok"}


ROLES = {
    "tables": "Storage Table Data Contributor",
    "blobs": "Storage Blob Data Contributor",
    "queues": "Storage Queue Data Contributor",
    "signed URLs": "Storage Blob Delegator",
}


def test_a_missing_role_is_named_for_each_service(well, azurite, tmp_path):
    """By identity, as in Azure: a front that knows the caller and lets nobody do anything."""
    certificate = make_certificate(tmp_path / "store.pem")

    async def forbid(request):
        headers = {"x-ms-error-code": "AuthorizationPermissionMismatch"}
        return web.Response(status=403, headers=headers)

    with VaultFake(certificate) as fake:
        fake.answer_all(forbid)
        fake.resources.add("https://storage.azure.com")
        uris = {f"ENGAGEMENT_DATA__{one}ServiceUri": fake.url for one in ("table", "blob", "queue")}
        client = {"ENGAGEMENT_DATA__clientId": "00000000-0000-0000-0000-000000000001"}
        settings = {**well, "ENGAGEMENT_DATA": "", **uris, **client, **fake.environment()}
        # In a process of its own, whose environment says whom to trust.
        done = subprocess.run(
            [sys.executable, "-m", "engagement", "doctor", "--json"],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
    found = {one["check"]: one for one in json.loads(done.stdout)}

    assert done.returncode == 1
    for check, role in ROLES.items():
        assert found[check]["state"] == "wrong"
        assert role in found[check]["advice"], found[check]


def test_nobody_signed_in_is_told_so(well, examined, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    uris = {
        f"ENGAGEMENT_DATA__{one}ServiceUri": "https://127.0.0.1:1"
        for one in ("table", "blob", "queue")
    }
    _, found = examined({**well, "ENGAGEMENT_DATA": "", **uris})

    for check in ROLES:
        assert "az login" in found[check][0]["advice"], found[check]
    assert states(found, "identity") == ["skipped"]


def test_a_store_that_is_down_hides_nothing_else(examined, proxied):
    proxy, settings = proxied("Table")
    proxy.refuse()
    code, found = examined(settings)

    assert (code, states(found, "tables")) == (1, ["wrong"])
    assert "Azurite" in found["tables"][0]["advice"]
    assert states(found, "blobs") == states(found, "queues") == ["ok"]


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(0, "ok"), (2, "warning"), (-2, "warning"), (20, "wrong"), (-20, "wrong")],
)
def test_a_clock_that_is_off_is_told(examined, proxied, minutes, state):
    proxy, settings = proxied("Queue")

    proxy.fault = dated(timedelta(minutes=minutes))
    _, found = examined(settings)

    assert states(found, "clock") == [state]


def test_poison_is_told_with_what_to_do(examined, well, own_azurite):
    from azure.storage.queue import QueueClient

    poison = keys.poison(keys.QUEUES[1])
    with QueueClient.from_connection_string(own_azurite.connection_string, poison) as client:
        client.create_queue()
        client.send_message("e30=")
    _, found = examined({**well, "ENGAGEMENT_DATA": own_azurite.connection_string})
    (told,) = found[f"queue {keys.QUEUES[1]}"]

    assert told["state"] == "warning"
    assert poison in told["detail"]
    assert "put-back" in told["advice"]


PUT_OFF = json.dumps({"due_at": datetime.now(UTC).isoformat()})


@pytest.mark.parametrize(
    ("record", "state"), [("{}", "warning"), (PUT_OFF, "ok")], ids=["at once", "put off"]
)
def test_messages_that_nobody_takes_are_told(examined, well, own_azurite, record, state):
    """Those that were put off wait since their time, and not since they were put in."""
    from azure.storage.queue import QueueClient

    with QueueClient.from_connection_string(own_azurite.connection_string, "webhooks") as client:
        with suppress(ResourceExistsError):
            client.create_queue()
        client.clear_messages()
        client.send_message(base64.b64encode(record.encode()).decode())
    hour_ago = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
    port = own_azurite.ports[1]

    async def older(proxy, request, body):
        answer = await healthy(proxy, request, body)
        text = re.sub(
            rb"<InsertionTime>[^<]*<", b"<InsertionTime>" + hour_ago.encode() + b"<", answer.body
        )
        return web.Response(body=text, status=answer.status, headers=answer.headers)

    with FaultProxy(port) as proxy:
        proxy.fault = only(lambda request: "peekonly" in request.query_string, older)
        settings = {**well, "ENGAGEMENT_DATA": own_azurite.connection_string}
        _, found = examined(through(settings, "Queue", proxy))

    assert states(found, "queue webhooks") == [state]
    assert ("oldest for 2 h" in found["queue webhooks"][0]["detail"]) is (state == "warning")


def test_what_answers_at_the_public_url_has_to_be_this_app(examined, well, azurite):
    _, gone = examined({**well, "ENGAGEMENT_PUBLIC_URL": "http://127.0.0.1:1"})
    url = f"http://127.0.0.1:{azurite.ports[0]}"
    _, other = examined({**well, "ENGAGEMENT_PUBLIC_URL": url})
    _, plain = examined({**well, "ENGAGEMENT_PUBLIC_URL": "http://links.contoso.example"})

    for found, told in ((gone, "cannot be reached"), (other, "not answered by this app")):
        assert states(found, "ENGAGEMENT_PUBLIC_URL")[0] == "wrong"
        assert told in found["ENGAGEMENT_PUBLIC_URL"][0]["detail"]
    assert "not https" in plain["ENGAGEMENT_PUBLIC_URL"][0]["detail"]


def test_an_app_whose_settings_are_wrong_or_whose_stores_are_away_says_so(
    examined, well, deployment
):
    port = int(deployment.url.rpartition(":")[2])

    async def misconfigured(proxy, request, body):
        return web.json_response({"status": "misconfigured"}, status=503)

    with FaultProxy(port) as proxy:
        settings = {**well, "ENGAGEMENT_PUBLIC_URL": f"http://127.0.0.1:{proxy.port}"}
        proxy.fault = misconfigured
        _, wrong = examined(settings)
        proxy.fault = only(lambda request: request.path == "/readyz", refusing(503))
        _, away = examined(settings)
        proxy.fault = only(lambda request: request.path.startswith("/o/"), refusing(404))
        _, blind = examined(settings)

    assert "settings are wrong" in wrong["ENGAGEMENT_PUBLIC_URL"][0]["detail"]
    assert "stores do not answer" in away["ENGAGEMENT_PUBLIC_URL"][0]["detail"]
    assert states(blind, "pixel") == ["wrong"]


def test_a_mail_server_that_cannot_be_talked_to_is_told(examined, well, mailbox):
    before = len(mailbox.envelopes)
    _, tls = examined({**well, "ENGAGEMENT_SMTP_SECURITY": "starttls"})
    _, gone = examined({**well, "ENGAGEMENT_SMTP_PORT": "1"})

    assert states(tls, "mail server") == states(gone, "mail server") == ["wrong"]
    assert "STARTTLS" in tls["mail server"][0]["detail"]
    assert len(mailbox.envelopes) == before


def test_entra_and_graph_are_asked(examined, well):
    tenant = "7f0c0a52-6c5d-4f7e-9a3e-0d5a4e1b2c33"
    graph = {
        "ENGAGEMENT_GRAPH_TENANT_ID": tenant,
        "ENGAGEMENT_GRAPH_CLIENT_ID": tenant,
        "ENGAGEMENT_GRAPH_CLIENT_SECRET": "a-secret-of-the-app",
        "ENGAGEMENT_GRAPH_AUTHORITY": "https://127.0.0.1:1",
    }
    entra = {
        "ENGAGEMENT_ENTRA_TENANT_ID": tenant,
        "ENGAGEMENT_ENTRA_CLIENT_ID": tenant,
        "ENGAGEMENT_ENTRA_AUTHORITY": "https://127.0.0.1:1",
    }
    _, found = examined({**well, **graph, **entra})

    assert states(found, "Entra") == states(found, "Microsoft Graph") == ["wrong"]


def test_a_spill_folder_that_takes_no_files_is_told_and_so_is_what_waits(examined, well, tmp_path):
    (tmp_path / "a.jsonl").write_text("{}\n")
    (tmp_path / "file").write_text("")
    _, waits = examined({**well, "ENGAGEMENT_SPILL_FOLDER": str(tmp_path)})
    _, bad = examined({**well, "ENGAGEMENT_SPILL_FOLDER": str(tmp_path / "file")})

    assert states(waits, "spill folder") == ["warning"]
    assert states(bad, "spill folder") == ["wrong"]


def test_references_are_followed_in_a_list_and_wrong_in_the_app(run, well, tmp_path, monkeypatch):
    with VaultFake(make_certificate(tmp_path / "vault.pem")) as vault:
        for name, value in vault.environment().items():
            monkeypatch.setenv(name, value)
        vault.put("signing-keys", f"1:{KEY}")
        reference = f"@Microsoft.KeyVault(SecretUri={vault.url}/secrets/{{}}/)"
        listed = {
            **well,
            "ENGAGEMENT_SIGNING_KEYS": reference.format("signing-keys"),
            "ENGAGEMENT_ADMIN_KEY": reference.format("missing"),
        }
        piped = json.dumps([{"name": name, "value": value} for name, value in listed.items()])
        of_list = run("doctor", "--json", "--settings", "-", piped=piped)
    of_app = run("doctor", "--json", **listed)
    found = {one["check"]: one for one in json.loads(of_list.out)}

    assert found["signing keys"]["state"] == "ok"
    assert "leads to no secret" in found["ENGAGEMENT_ADMIN_KEY"]["detail"]
    seen = [one for one in json.loads(of_app.out) if "reference and not" in one["detail"]]
    assert {one["check"] for one in seen} == {"ENGAGEMENT_SIGNING_KEYS", "ENGAGEMENT_ADMIN_KEY"}


def test_a_check_that_crashes_keeps_nobody_from_the_others(run, well, monkeypatch):
    async def broken(scene):
        raise RuntimeError(scene.settings["ENGAGEMENT_ADMIN_KEY"])

    monkeypatch.setattr(doctor, "CHECKS", (broken, *doctor.CHECKS))
    done = run("doctor", **well)

    assert done.code == 1
    assert "The check itself failed (RuntimeError)" in done.out
    assert "Reading and writing works" in done.out
    assert ADMIN_KEY not in done.out + done.err


def test_S15_no_secret_is_shown_whatever_is_wrong(run, well, proxied):
    proxy, settings = proxied("Table")
    proxy.fault = refusing(403)
    broken = {
        **settings,
        "ENGAGEMENT_SMTP_SECURITY": "starttls",
        "ENGAGEMENT_SMTP_USERNAME": "kim",
        "ENGAGEMENT_SMTP_PASSWORD": "a-password-of-kim",
        "ENGAGEMENT_GRAPH_TENANT_ID": "common",
        "ENGAGEMENT_GRAPH_CLIENT_SECRET": "a-secret-of-the-app",
    }
    account_key = re.search(r"AccountKey=([^;]+)", well["ENGAGEMENT_DATA"])[1]
    for variant in (well, broken, {**broken, "ENGAGEMENT_SIGNING_KEYS": f"1:{KEY},1:{KEY}"}):
        for options in ((), ("--json",)):
            done = run("doctor", *options, **variant)
            shown = done.out + done.err
            for secret in (KEY, ADMIN_KEY, account_key, "a-password-of-kim", "a-secret-of-the"):
                assert secret not in shown
