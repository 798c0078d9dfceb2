"""The hooks of azd, run as azd runs them, on stand-ins for az and azd."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from deployment import ROOT

from engagement.config import Config

FAKE = Path(__file__).with_name("fake_cloud.py")
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
ROLES = ["Engagement.Admin", "Engagement.Seller", "Engagement.Crm"]
OUTPUTS = {
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_RESOURCE_GROUP": "rg-engagement-test",
    "AZURE_TENANT_ID": "tenant-1",
    "API_CLIENT_ID": "",
    "VAULT_NAME": "kv-1",
    "PRIVATE_VAULT_NAME": "",
    "SERVICE_PUBLIC_NAME": "func-public-1",
    "SERVICE_PRIVATE_NAME": "func-private-1",
    "PRIVATE_IDENTITY_PRINCIPAL_ID": "principal-1",
}


class Cloud:
    """What the stand-ins keep, and how a hook is run on them."""

    def __init__(self, folder):
        # A path with a blank in it, as home folders have.
        self.folder = folder / "with blank"
        self.programs = self.folder / "bin"
        self.temporary = self.folder / "tmp"
        self.programs.mkdir(parents=True)
        self.temporary.mkdir()
        self.state = self.folder / "cloud.json"
        for name in ("az", "azd"):
            program = self.programs / name
            program.write_text(
                f"#!{sys.executable} -IS\nimport sys\n"
                f"sys.path.insert(0, {str(FAKE.parent)!r})\nimport fake_cloud\nfake_cloud.main()\n"
            )
            program.chmod(0o755)
        self.write(
            subscription=SUBSCRIPTION,
            apps=[],
            service_principals=[],
            credentials={},
            deployments=[],
            vaults={"kv-1": {}, "kv-prv-1": {}},
            refreshed=[],
            kept={},
            calls=[],
        )

    def write(self, **content):
        self.state.write_text(json.dumps(content))

    def read(self):
        return json.loads(self.state.read_text())

    def change(self, **content):
        self.write(**{**self.read(), **content})

    def run(self, hook, **environment):
        """Run a hook with what azd has kept so far and *environment*."""
        self.change(calls=[])
        return subprocess.run(
            [sys.executable, "-m", f"infra.hooks.{hook}"],
            cwd=ROOT,
            env={
                "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                "FAKE_CLOUD": str(self.state),
                "TMPDIR": str(self.temporary),
                "AZURE_ENV_NAME": "test",
                "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
                **self.read()["kept"],
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def writes(self):
        """Calls of the last run that changed something in Azure or in Microsoft Entra."""
        return [
            call
            for call in self.read()["calls"]
            if "create" in call or "patch" in call or call[0] == "azd"
        ]


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


def test_the_first_run_registers_the_api_with_its_roles_and_its_scope(cloud):
    done = cloud.run("preprovision")

    assert (done.returncode, done.stderr) == (0, "")
    state = cloud.read()
    (app,) = state["apps"]
    assert app["displayName"] == "Engagement test"
    assert app["signInAudience"] == "AzureADMyOrg"
    assert app["identifierUris"] == [f"api://{app['appId']}"]
    assert [role["value"] for role in app["appRoles"]] == ROLES
    assert app["api"]["requestedAccessTokenVersion"] == 2
    assert [scope["value"] for scope in app["api"]["oauth2PermissionScopes"]] == ["access_as_user"]
    assert state["service_principals"] == [app["appId"]]
    assert state["kept"]["ENTRA_CLIENT_ID"] == app["appId"]
    assert re.fullmatch(r"\d{4}-\d{2}-01", state["kept"]["BUDGET_START_DATE"])


def test_another_run_changes_nothing(cloud):
    cloud.run("preprovision", USE_GRAPH="true")
    before = cloud.read()

    done = cloud.run("preprovision", USE_GRAPH="true", BUDGET_START_DATE="2026-01-01")

    assert done.returncode == 0
    after = cloud.read()
    assert {**after, "calls": []} == {**before, "calls": []}
    assert [call[:2] for call in cloud.writes()] == [["azd", "env"], ["azd", "env"]]


def test_a_registration_whose_id_was_not_kept_is_found_by_its_name(cloud):
    cloud.run("preprovision")
    client_id = cloud.read()["kept"]["ENTRA_CLIENT_ID"]
    cloud.change(kept={})

    cloud.run("preprovision", AZURE_ENV_NAME="test")

    assert [app["appId"] for app in cloud.read()["apps"]] == [client_id]
    assert cloud.read()["kept"]["ENTRA_CLIENT_ID"] == client_id


def test_what_an_administrator_made_by_hand_stays(cloud):
    own = {"id": "r-1", "value": "Own.Role", "isEnabled": True, "origin": "Application"}
    seller = {"id": "r-2", "value": "Engagement.Seller", "isEnabled": True}
    api = {
        "oauth2PermissionScopes": [{"id": "s-1", "value": "own_scope"}],
        "requestedAccessTokenVersion": 1,
        "preAuthorizedApplications": [{"appId": "app-9"}],
    }
    made = {
        "id": "o-1",
        "appId": "c-1",
        "displayName": "By hand",
        "identifierUris": ["api://own"],
        "appRoles": [own, seller],
        "api": api,
    }
    cloud.change(apps=[made], service_principals=["c-1"])

    done = cloud.run("preprovision", ENTRA_CLIENT_ID="c-1")

    assert done.returncode == 0
    (app,) = cloud.read()["apps"]
    assert app["identifierUris"] == ["api://own", "api://c-1"]
    roles = {role["value"]: role["id"] for role in app["appRoles"]}
    assert (roles["Own.Role"], roles["Engagement.Seller"]) == ("r-1", "r-2")
    assert set(roles) == {"Own.Role", *ROLES}
    assert app["api"]["preAuthorizedApplications"] == [{"appId": "app-9"}]
    assert app["api"]["requestedAccessTokenVersion"] == 1
    scopes = [scope["value"] for scope in app["api"]["oauth2PermissionScopes"]]
    assert scopes == ["own_scope", "access_as_user"]


def test_a_complete_registration_is_only_read(cloud):
    """An administrator made it; whoever deploys need not be allowed to change it."""
    cloud.run("preprovision")
    client_id = cloud.read()["kept"]["ENTRA_CLIENT_ID"]

    cloud.run("preprovision", ENTRA_CLIENT_ID=client_id)

    assert {tuple(call[:4]) for call in cloud.writes()} == {
        ("azd", "env", "set", "ENTRA_CLIENT_ID")
    }


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"ENTRA_CLIENT_ID": "c-9"}, "c-9"),
        ({"USE_ENTRA": "yes"}, "USE_ENTRA"),
        ({"AZURE_SUBSCRIPTION_ID": "another"}, "az account set -s another"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_made(cloud, environment, names):
    done = cloud.run("preprovision", **environment)

    assert done.returncode == 1
    assert names in done.stderr
    assert "Traceback" not in done.stderr
    assert cloud.writes() == []


def test_two_registrations_of_one_name_are_not_chosen_between(cloud):
    same = {"displayName": "Engagement test", "appRoles": [], "api": {}}
    cloud.change(apps=[{**same, "id": "1", "appId": "1"}, {**same, "id": "2", "appId": "2"}])

    done = cloud.run("preprovision")

    assert done.returncode == 1
    assert "2 app registrations are called Engagement test" in done.stderr


def test_a_name_with_an_apostrophe_is_quoted(cloud):
    cloud.run("preprovision", AZURE_ENV_NAME="o'neil")
    cloud.change(kept={})

    done = cloud.run("preprovision", AZURE_ENV_NAME="o'neil")

    assert done.returncode == 0
    assert [app["displayName"] for app in cloud.read()["apps"]] == ["Engagement o'neil"]


def test_without_entra_nothing_is_registered(cloud):
    cloud.run("preprovision", USE_ENTRA="false")

    assert cloud.read()["apps"] == []
    assert set(cloud.read()["kept"]) == {"BUDGET_START_DATE"}


def test_mail_through_graph_has_a_registration_without_roles_or_secrets(cloud):
    cloud.run("preprovision", USE_GRAPH="true")

    state = cloud.read()
    mail = next(app for app in state["apps"] if app["displayName"] == "Engagement mail test")
    assert (mail["appRoles"], mail["identifierUris"]) == ([], [])
    assert state["kept"]["GRAPH_CLIENT_ID"] == mail["appId"]
    assert mail["appId"] in state["service_principals"]


def test_a_missing_program_is_named(cloud):
    (cloud.programs / "az").unlink()

    done = cloud.run("preprovision", PATH=str(cloud.programs))

    assert done.returncode == 1
    assert "az is not installed" in done.stderr


def test_a_failing_program_stops_the_hook(cloud):
    (cloud.programs / "az").write_text("#!/bin/sh\necho no network >&2\nexit 7\n")

    done = cloud.run("preprovision")

    assert done.returncode == 1
    assert "no network" in done.stderr
    assert "az account show" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_signing_key_is_one_that_the_app_takes(cloud):
    done = cloud.run("postprovision", **OUTPUTS)

    assert (done.returncode, done.stderr) == (0, "")
    (keys,) = cloud.read()["vaults"]["kv-1"].values()
    config = Config.from_environment(
        {
            "ENGAGEMENT_SIGNING_KEYS": keys,
            "ENGAGEMENT_PUBLIC_URL": "https://links.contoso.example",
            "ENGAGEMENT_DATA": "AccountName=a",
        }
    )
    assert list(config.signing_keys) == [1]
    assert len(config.signing_keys[1]) == 32
    assert cloud.read()["refreshed"] == ["func-public-1", "func-private-1"]


def test_a_secret_is_neither_on_a_command_line_nor_told_nor_left_behind(cloud):
    done = cloud.run(
        "postprovision", **OUTPUTS | {"PRIVATE_VAULT_NAME": "kv-prv-1"}, USE_ADMIN_KEY="true"
    )

    state = cloud.read()
    values = [value for vault in state["vaults"].values() for value in vault.values()]
    assert len(values) == 2
    for value in values:
        assert value not in json.dumps(state["calls"])
        assert value not in done.stdout + done.stderr
    assert list(cloud.temporary.iterdir()) == []


def test_secrets_that_are_there_are_never_replaced(cloud):
    outputs = {**OUTPUTS, "PRIVATE_VAULT_NAME": "kv-prv-1", "USE_ADMIN_KEY": "true"}
    cloud.run("postprovision", **outputs)
    before = cloud.read()["vaults"]

    done = cloud.run("postprovision", **outputs)

    assert done.returncode == 0
    assert cloud.read()["vaults"] == before
    assert cloud.writes() == []


def test_every_deployment_has_keys_of_its_own(tmp_path):
    keys = set()
    for name in ("a", "b"):
        cloud = Cloud(tmp_path / name)
        cloud.run("postprovision", **OUTPUTS)
        keys |= set(cloud.read()["vaults"]["kv-1"].values())

    assert len(keys) == 2


def test_the_password_of_the_mail_server_is_asked_for_until_it_is_there(cloud):
    outputs = {**OUTPUTS, "PRIVATE_VAULT_NAME": "kv-prv-1", "SMTP_USERNAME": "mailer"}

    missing = cloud.run("postprovision", **outputs)
    cloud.change(vaults={"kv-1": {}, "kv-prv-1": {"smtp-password": "p"}})
    there = cloud.run("postprovision", **outputs)

    assert "secretName=smtp-password" in missing.stdout
    assert "vaultName=kv-prv-1" in missing.stdout
    assert "smtp-password" not in there.stdout
    assert "admin-key" not in cloud.read()["vaults"]["kv-prv-1"]


def test_the_private_identity_vouches_for_mail_once(cloud):
    for _ in range(2):
        done = cloud.run("postprovision", **OUTPUTS, GRAPH_CLIENT_ID="c-1")
        assert (done.returncode, done.stderr) == (0, "")

    (credential,) = cloud.read()["credentials"]["c-1"]
    assert credential["subject"] == "principal-1"
    assert credential["issuer"] == "https://login.microsoftonline.com/tenant-1/v2.0"
    assert credential["audiences"] == ["api://AzureADTokenExchange"]


def test_a_registration_that_the_apps_were_not_told_of_is_noticed(cloud):
    known = cloud.run("postprovision", **OUTPUTS | {"API_CLIENT_ID": "c-1"}, ENTRA_CLIENT_ID="c-1")
    unknown = cloud.run("postprovision", **OUTPUTS, ENTRA_CLIENT_ID="c-1")

    assert "azd up once more" not in known.stdout
    assert "azd up once more" in unknown.stdout


def test_azd_runs_hooks_that_exist_on_every_system():
    text = (ROOT / "azure.yaml").read_text()
    runs = re.findall(r"run: (python3?) -m (infra\.hooks\.\w+)", text)

    assert sorted(runs) == [
        (program, f"infra.hooks.{hook}")
        for program in ("python", "python3")
        for hook in ("postprovision", "preprovision")
    ]
    for _, module in runs:
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
