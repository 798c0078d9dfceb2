"""The local functions host: an ASGI application that serves an app's functions as Azure would."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum
from werkzeug.exceptions import HTTPException

from devserver import http_messages, routes, runtime, timers
from devserver.http_messages import Headers, Receive, Scope, Send
from devserver.queues import QueueListener
from devserver.runtime import Function
from devserver.settings import ROOT

#: What the real host's server takes for a host: it says 400 to anything else, and to two of them.
HOST = re.compile(rb"[!-~]{1,1000}")

logger = logging.getLogger(__name__)


class Host:
    """Serves an app's HTTP functions, and runs its timers and queues while it lives."""

    body_limit = 100 * 1024 * 1024

    def __init__(
        self,
        app: func.FunctionApp | Sequence[Function],
        *,
        settings: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Take an app or its functions; `options` stands for the project's host.json."""
        if options is None:
            options = json.loads((ROOT / "host.json").read_text("utf-8"))
        self.settings = settings
        self.extensions: Mapping[str, Any] = options.get("extensions", {})
        self.routes: list[routes.Route] = []
        self.loops: list[Callable[[], Awaitable[None]]] = []
        self.tasks: list[asyncio.Future[None]] = []
        adders = {
            "httpTrigger": self.add_route,
            "timerTrigger": self.add_timer,
            "queueTrigger": self.add_queue,
        }
        for function in runtime.load(app) if isinstance(app, func.FunctionApp) else app:
            adders[function.trigger["type"]](function)
        self.routes = routes.specific_first(self.routes)

    def add_route(self, function: Function) -> None:
        """Serve an HTTP function."""
        prefix = self.extensions.get("http", {}).get("routePrefix", "api")
        template = f"{prefix}/{function.trigger.get('route', function.name)}"
        self.routes.append(routes.Route(template, function.trigger.get("methods"), function))

    def add_timer(self, function: Function) -> None:
        """Run a timer function by its schedule."""
        schedule = self.resolve(function.trigger["schedule"])
        # A wrong schedule has to fail now, not later in the background.
        timers.next_occurrence(schedule, timers.utc_now())
        on_startup = bool(function.trigger.get("runOnStartup"))
        fire = partial(self.attempt, function)
        self.loops.append(partial(timers.run, schedule, fire, on_startup=on_startup))

    def add_queue(self, function: Function) -> None:
        """Run a queue function for each message of its queue."""
        connection = self.setting(function.trigger["connection"])
        queue, options = function.trigger["queueName"], self.extensions.get("queues", {})
        attempt = partial(self.attempt, function)
        self.loops.append(QueueListener(connection, self.resolve(queue), attempt, options).run)

    def setting(self, name: str) -> str:
        """Give a setting that a trigger names."""
        if not self.settings.get(name):
            raise ValueError(f"A trigger uses the setting {name}, which is not set.")
        return self.settings[name]

    def resolve(self, text: str) -> str:
        """Put the settings into a text that names them as `%NAME%`."""
        return re.sub(r"%(\w+)%", lambda found: self.setting(found[1]), text)

    async def attempt(self, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> bool:
        """Run a timer or queue function once; say whether it succeeded."""
        try:
            await function.call(data, metadata)
        except Exception:
            logger.exception("function failed", extra={"function": function.name})
            return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the server, as ASGI 3 asks."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        else:
            await http_messages.respond(send, *await self.serve(scope, receive))

    async def live(self, receive: Receive, send: Send) -> None:
        """Run the triggers from the server's start to its end."""
        await receive()
        self.tasks = [asyncio.ensure_future(loop()) for loop in self.loops]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def serve(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        """Run the HTTP function of a request; its failure is the log's matter, and a bare 500."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
            return 400, [], b""
        try:
            function, params = routes.find(self.routes, scope["method"], scope["raw_path"])
            body = await http_messages.read_body(receive, self.body_limit)
        except HTTPException as error:
            allow = [value.encode() for name, value in error.get_headers() if name == "Allow"]
            return error.code or 500, [(b"allow", value) for value in allow], b""
        try:
            data = http_messages.request_datum(scope, params, body)
            return http_messages.read_response(await function.call(data, {}))
        except Exception:
            logger.exception("function failed", extra={"function": function.name})
            return 500, [], b""
