"""Entry point of the Functions host: configuration, wiring, triggers."""

import gc
import os

import azure.functions as func

from engagement import telemetry
from engagement.config import Config
from engagement.errors import ConfigurationError
from engagement.functions import blueprints
from engagement.wiring import build_services

telemetry.tame_libraries()

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
services = None
try:
    services = build_services(Config.from_environment(os.environ))
    for blueprint in blueprints(services):
        app.register_functions(blueprint)
except ConfigurationError as error:
    from engagement.functions import misconfigured

    surface = os.environ.get("ENGAGEMENT_SURFACE", "all")
    app.register_functions(misconfigured.blueprint(error, surface))

# What is loaded by now stays: while all of it is looked through for garbage, nobody is answered.
gc.freeze()
