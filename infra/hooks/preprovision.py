"""Before Azure is touched: the app registrations, and what a first deployment has to remember.

azd runs this with the values of its environment as environment variables. It may be run again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime

from infra.hooks.command_lines import HookError, az, keep, say
from infra.hooks.registration import add_service_principal, complete_api, register


def prepare(environment: Mapping[str, str], today: date) -> None:
    """Register what is to be registered; raises HookError."""
    _check_subscription(environment)
    name = environment["AZURE_ENV_NAME"]
    if _on(environment, "USE_ENTRA", default="true"):
        app = register(f"Engagement {name}", environment.get("ENTRA_CLIENT_ID"))
        complete_api(app)
        add_service_principal(app["appId"])
        keep(name, "ENTRA_CLIENT_ID", app["appId"])
        say(f"The API's app registration is {app['displayName']}, client id {app['appId']}.")
    if _on(environment, "USE_GRAPH", default="false"):
        app = register(f"Engagement mail {name}", environment.get("GRAPH_CLIENT_ID"))
        add_service_principal(app["appId"])
        keep(name, "GRAPH_CLIENT_ID", app["appId"])
        say(f"Mail is sent as {app['displayName']}, client id {app['appId']}.")
        say("An administrator has to let it send: docs/deploying.md, Microsoft Graph.")
    if not environment.get("BUDGET_START_DATE"):
        # A budget keeps the start that it was made with, so that it is chosen once.
        keep(name, "BUDGET_START_DATE", f"{today:%Y-%m}-01")


def _check_subscription(environment: Mapping[str, str]) -> None:
    """App registrations are made in the tenant of az; azd deploys to a subscription of its own."""
    wanted = environment.get("AZURE_SUBSCRIPTION_ID")
    used = az("account", "show")["id"]
    if wanted and used != wanted:
        raise HookError(f"az works on subscription {used}: run az account set -s {wanted}")


def _on(environment: Mapping[str, str], name: str, *, default: str) -> bool:
    value = environment.get(name) or default
    if value not in ("true", "false"):
        raise HookError(f"{name} must be true or false: azd env set {name} {default}")
    return value == "true"


if __name__ == "__main__":
    try:
        prepare(os.environ, datetime.now(UTC).date())
    except HookError as error:
        sys.exit(str(error))
