"""Every route of the API, taken from the app itself, and who may call it."""

from __future__ import annotations

import re

import azure.functions as func
from deployment import build_app, settings

from engagement.config import Config
from engagement.wiring import build_services

#: Nothing answers there: routes are known without any store.
NOWHERE = (
    "AccountName=a;AccountKey=aaaa;"
    "TableEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:2/a"
)
#: What names nothing wherever it stands in a path.
NOTHING = "0" * 24


def api_functions(services):
    """(method, template, function) of every route that is not for anyone."""
    for function in build_app(services).get_functions():
        trigger = function.get_trigger().get_dict_repr()
        handler = function.get_user_function()
        if trigger["type"] == "httpTrigger" and handler.access != "anyone":
            for method in trigger["methods"]:
                yield method.value, f"/{trigger['route']}", handler


def api_routes():
    """(method, template, access) of every such route."""
    services = build_services(Config.from_environment(settings(NOWHERE)))
    return [
        (method, template, handler.access.value)
        for method, template, handler in api_functions(services)
    ]


def request_to(method, template, headers, **values):
    """A request as the worker hands it to a route's function."""
    parameters = {name: values.get(name, NOTHING) for name in re.findall(r"\{(\w+)\}", template)}
    url = f"http://127.0.0.1{template.format_map(parameters)}"
    return func.HttpRequest(
        method, url, headers=headers, params={}, route_params=parameters, body=b""
    )


def path_of(template, organization_id, **values):
    """A path of a route; what *values* do not name is nothing that exists."""
    values = {"organization_id": organization_id, **values}
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], NOTHING), template)
