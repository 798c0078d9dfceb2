"""The local functions host: an ASGI application that serves a FunctionApp as Azure would."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from devserver import http_messages, queues, timers
from devserver.http_messages import Receive, Scope, Send
from devserver.routes import MethodNotAllowedError, RouteTable
from devserver.runtime import DirectRuntime, Function, Runtime
from devserver.settings import connection_string, host_json, queue_options, resolve, route_prefix

logger = logging.getLogger(__name__)

Loop = Callable[[], Awaitable[None]]


class Host:
    """Serves an app's HTTP functions, and runs its timers and queues while it lives."""

    body_limit = http_messages.BODY_LIMIT

    def __init__(
        self,
        app: func.FunctionApp | Runtime,
        *,
        settings: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Load the app's functions; `options` stands for host.json, by default the project's."""
        self.runtime: Runtime
        self.runtime = DirectRuntime(app) if isinstance(app, func.FunctionApp) else app
        self.settings = settings
        self.options = host_json() if options is None else options
        self.routes: RouteTable[Function] = RouteTable()
        self.loops: list[Loop] = []
        self.tasks: list[asyncio.Future[None]] = []
        adders = {
            "httpTrigger": self.add_route,
            "timerTrigger": self.add_timer,
            "queueTrigger": self.add_queue,
        }
        for function in self.runtime.functions:
            if function.kind not in adders:
                raise ValueError(f"The local host cannot serve a {function.kind}: {function.name}.")
            adders[function.kind](function)

    def add_route(self, function: Function) -> None:
        """Serve an HTTP function."""
        route = function.trigger.get("route")
        template = f"{route_prefix(self.options)}/{function.name if route is None else route}"
        self.routes.add(template, function.trigger.get("methods"), function)

    def add_timer(self, function: Function) -> None:
        """Run a timer function by its schedule."""
        schedule = resolve(function.trigger["schedule"], self.settings)
        timers.check(schedule)
        on_startup = bool(function.trigger.get("runOnStartup"))
        fire = partial(self.call, function)
        self.loops.append(partial(timers.run, schedule, fire, on_startup=on_startup))

    def add_queue(self, function: Function) -> None:
        """Run a queue function for each message of its queue."""
        connection = function.trigger.get("connection") or "Storage"
        listener = queues.QueueListener(
            connection_string(connection, self.settings),
            resolve(function.trigger["queueName"], self.settings),
            partial(self.call, function),
            queue_options(self.options),
        )
        self.loops.append(listener.run)

    async def call(self, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> bool:
        """Run a timer or queue function once; say whether it succeeded."""
        try:
            await self.runtime.invoke(function, data, metadata)
        except Exception:
            logger.exception("function failed", extra={"function": function.name})
            return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the server, as ASGI 3 asks."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["type"] == "http":
            await self.serve(scope, receive, send)
        else:
            raise ValueError("The local host serves HTTP only.")

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

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            function, params = self.routes.find(scope["method"], http_messages.raw_path(scope))
            headers = http_messages.request_headers(scope)
            body = await http_messages.read_body(receive, headers, self.body_limit)
        except MethodNotAllowedError as error:
            allow = ", ".join(error.allowed).encode()
            await http_messages.respond(send, 405, [(b"allow", allow)], b"")
        except LookupError:
            await http_messages.respond(send, 404, [], b"")
        except http_messages.BodyTooLargeError:
            await http_messages.respond(send, 413, [], b"")
        except http_messages.ClientGoneError:
            logger.info("the caller hung up")
        else:
            status, answer, content = await self.answer(function, scope, params, body)
            head = scope["method"] == "HEAD"
            await http_messages.respond(send, status, answer, content, head=head)

    async def answer(
        self, function: Function, scope: Scope, params: Mapping[str, str], body: bytes
    ) -> tuple[int, http_messages.Headers, bytes]:
        """Run an HTTP function; its failure is the log's matter, the caller gets a bare 500."""
        try:
            data = http_messages.request_datum(scope, params, body)
            return http_messages.read_response(await self.runtime.invoke(function, data, {}))
        except Exception:
            logger.exception("function failed", extra={"function": function.name})
            return 500, [], b""
