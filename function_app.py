"""Entry point of the Functions host: configuration, wiring, triggers."""

import logging
import os

import azure.functions as func

from engagement.config import Config
from engagement.functions import blueprints
from engagement.wiring import build_services

# The SDKs log every request that they send.
logging.getLogger("azure.core").setLevel(logging.WARNING)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
services = build_services(Config.from_environment(os.environ))
for blueprint in blueprints(services):
    app.register_functions(blueprint)
