"""A strict stand-in for az and azd: keeps what it was told, refuses what it does not know.

Two scripts called ``az`` and ``azd`` call it. FAKE_CLOUD names the file with what it keeps.
"""

import json
import os
import stat
import sys
import uuid
from pathlib import Path

STATE = Path(os.environ["FAKE_CLOUD"])
FLAGS_WITHOUT_VALUE = {"--only-show-errors"}


def main():
    cloud = json.loads(STATE.read_text())
    program = Path(sys.argv[0]).name
    words, options = split(sys.argv[1:])
    cloud["calls"].append([program, *sys.argv[1:]])
    answer = (azd if program == "azd" else az)(cloud, words, options)
    STATE.write_text(json.dumps(cloud))
    if answer is not None:
        sys.stdout.write(json.dumps(answer))


def split(arguments):
    """Words in front, and options with their values."""
    words, options = [], {}
    rest = iter(arguments)
    for argument in rest:
        if argument in FLAGS_WITHOUT_VALUE:
            options[argument] = True
        elif argument.startswith("--"):
            options[argument] = next(rest)
        else:
            words.append(argument)
    return words, options


def azd(cloud, words, options):
    given = {"--environment": os.environ["AZURE_ENV_NAME"]}
    if words[:2] != ["env", "set"] or len(words) != 4 or options != given:
        refuse(cloud)
    cloud["kept"][words[2]] = words[3]


def az(cloud, words, options):
    if options.pop("--output") != "json" or not options.pop("--only-show-errors"):
        refuse(cloud)
    name = "_".join(words).replace("-", "_")
    if name not in COMMANDS:
        refuse(cloud)
    return COMMANDS[name](cloud, options)


def refuse(cloud):
    sys.exit(f"the stand-in does not know: {cloud['calls'][-1]}")


def read(options, name):
    """Content of a file that an option names; nobody else may read it."""
    path = Path(options.pop(name).removeprefix("@"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "others may read it"
    return json.loads(path.read_text())


def none_left(options):
    assert not options, f"unknown options: {options}"


def account_show(cloud, options):
    none_left(options)
    return {"id": cloud["subscription"], "tenantId": "tenant-1"}


def ad_app_list(cloud, options):
    if "--app-id" in options:
        wanted, value = "appId", options.pop("--app-id")
    else:
        wanted, operator, value = options.pop("--filter").split(" ", 2)
        assert (wanted, operator) == ("displayName", "eq")
        value = value.strip("'").replace("''", "'")
    none_left(options)
    return [app for app in cloud["apps"] if app[wanted] == value]


def ad_app_create(cloud, options):
    app = {
        "id": str(uuid.uuid4()),
        "appId": str(uuid.uuid4()),
        "displayName": options.pop("--display-name"),
        "signInAudience": options.pop("--sign-in-audience"),
        "identifierUris": [],
        "appRoles": [],
        "api": {"oauth2PermissionScopes": [], "requestedAccessTokenVersion": None},
    }
    none_left(options)
    cloud["apps"].append(app)
    return app


def ad_sp_list(cloud, options):
    client_id = options.pop("--filter").removeprefix("appId eq '").removesuffix("'")
    none_left(options)
    return [{"appId": client_id}] if client_id in cloud["service_principals"] else []


def ad_sp_create(cloud, options):
    client_id = options.pop("--id")
    none_left(options)
    assert client_id not in cloud["service_principals"], "it exists"
    cloud["service_principals"].append(client_id)
    return {"appId": client_id}


def ad_app_federated_credential_list(cloud, options):
    return cloud["credentials"].get(options.pop("--id"), [])


def ad_app_federated_credential_create(cloud, options):
    credential = read(options, "--parameters")
    cloud["credentials"].setdefault(options.pop("--id"), []).append(credential)
    none_left(options)
    return credential


def deployment_group_create(cloud, options):
    given = read(options, "--parameters")["parameters"]
    values = {name: entry["value"] for name, entry in given.items()}
    assert Path(options.pop("--template-file")).is_file()
    cloud["deployments"].append([options.pop("--resource-group"), options.pop("--name")])
    none_left(options)
    vault = cloud["vaults"][values.pop("vaultName")]
    vault[values.pop("secretName")] = values.pop("secretValue")
    assert not values
    return {"properties": {"provisioningState": "Succeeded"}}


def rest(cloud, options):
    method, url = options.pop("--method"), options.pop("--url")
    path = url.partition("?")[0]
    if method == "patch" and path.startswith("https://graph.microsoft.com/v1.0/applications/"):
        assert options.pop("--headers") == "Content-Type=application/json"
        change = read(options, "--body")
        assert all("origin" not in role for role in change["appRoles"])
        app = next(app for app in cloud["apps"] if app["id"] == path.rsplit("/", 1)[1])
        gone = {role["id"] for role in app["appRoles"]} - {
            role["id"] for role in change["appRoles"]
        }
        assert not gone, "Graph removes no role that is enabled"
        app.update(change)
        # As Graph does when it is read again.
        app["appRoles"] = [{**role, "origin": "Application"} for role in app["appRoles"]]
        answer = None
    elif method == "get" and path.endswith("/secrets"):
        vault = cloud["vaults"][path.split("/")[-2]]
        answer = {"value": [{"name": name} for name in vault]}
    elif method == "post" and path.endswith("/config/configreferences/appsettings/refresh"):
        cloud["refreshed"].append(path.split("/sites/")[1].split("/")[0])
        answer = None
    else:
        refuse(cloud)
    none_left(options)
    return answer


COMMANDS = {
    function.__name__: function
    for function in (
        account_show,
        ad_app_list,
        ad_app_create,
        ad_sp_list,
        ad_sp_create,
        ad_app_federated_credential_list,
        ad_app_federated_credential_create,
        deployment_group_create,
        rest,
    )
}
