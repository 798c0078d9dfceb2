"""`make run`: the functions, their storage, a mail inbox and a demo, with one command."""

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
from importlib import import_module

import httpx
import uvicorn

from devserver import demo, worker
from devserver.backing import Azurite, Inbox, connection_string
from devserver.host import Host
from devserver.settings import (
    ROOT,
    StartError,
    keep_keys,
    keep_settings,
    kept_keys,
    new_keys,
    set_environment,
    settings_file,
    state_folder,
)

STOP_SECONDS = 5
#: Name of the demo's API key among the kept keys.
DEMO_KEY = "demo_api_key"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devserver", description=__doc__)
    port = os.environ.get("PORT") or "7071"
    parser.add_argument("--port", default=port, help="of the functions (7071, or PORT)")
    parser.add_argument("--worker", action="store_true", help="run through Microsoft's worker")
    parser.add_argument("--check-worker", action="store_true", help="only load the app with it")
    parser.add_argument("--no-demo", action="store_true", help="make no demo organization")
    options = parser.parse_args()
    options.port = port_number(options.port)
    return options


def port_number(text: str) -> int:
    """Read a port; raises StartError."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= 65535:
        raise StartError(f"PORT has to be a number from 1 to 65535, and {text!r} is not.")
    return number


def listen(port: int) -> socket.socket:
    """Open the port; raises StartError."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"Port {port} is in use: stop what serves there, or choose"
        else:
            problem = f"Port {port} cannot be opened ({os.strerror(error.errno or 0)}): choose"
        raise StartError(f"{problem} another with PORT=.") from error
    # Else a body waits 40 ms for the acknowledgement of its headers: asyncio sets this on sockets
    # that it has made itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def make_demo(port: int) -> tuple[str, str]:
    """Make the demo with the API key of earlier starts; give the key and the message's id."""
    folder = state_folder(port)
    keys = kept_keys(folder)
    made = await demo.make(
        f"http://127.0.0.1:{port}", os.environ["ENGAGEMENT_ADMIN_KEY"], keys.get(DEMO_KEY)
    )
    keep_keys(folder, {**keys, DEMO_KEY: made[0]})
    return made


def start_backing(port: int, stack: contextlib.ExitStack) -> Inbox | None:
    """Start what the caller has not set, and set the app's environment."""
    folder, inbox = state_folder(port), None
    azurite = Azurite(folder / "azurite")
    if not os.environ.get("ENGAGEMENT_DATA"):
        stack.enter_context(azurite)
    if not os.environ.get("ENGAGEMENT_SMTP_HOST"):
        inbox = stack.enter_context(Inbox(folder))
    smtp_port = inbox.ports[1] if inbox else None
    set_environment(port, kept_keys(folder), azurite.connection_string, smtp_port)
    keep_settings(port)
    return inbox


def announce(port: int, made: tuple[str, str] | None, inbox: Inbox | None) -> None:
    """Print what the person at the terminal goes on with."""
    url = f"http://localhost:{port}"
    lines = {"API": f"{url}/api/v1", "Admin key": os.environ["ENGAGEMENT_ADMIN_KEY"]}
    if made:
        api_key, message = made
        timeline = f"{url}{demo.PATH}/messages/{message}/timeline"
        lines |= {
            "Organization": demo.ORGANIZATION,
            "API key": api_key,
            "Message": message,
            "Timeline": f"curl -H 'X-Api-Key: {api_key}' {timeline}",
            "Alerts": f"curl -H 'X-Api-Key: {api_key}' '{url}{demo.PATH}/alerts?user_id=u-17'",
        }
    lines["Settings"] = str(settings_file(port).relative_to(ROOT))
    if inbox:
        lines["Inbox"] = f"http://localhost:{inbox.ports[0]}"
    print("\nEngagement is running.\n")
    for name, value in lines.items():
        print(f"  {name + ':':14} {value}")
    print(flush=True)


async def serve(options: argparse.Namespace, listener: socket.socket, inbox: Inbox | None) -> None:
    """Serve until Ctrl-C or SIGTERM, which the server hands on when it has ended."""
    try:
        functions = await worker.load() if options.worker else import_module("function_app").app
        host = Host(functions, settings=os.environ)
        config = uvicorn.Config(
            host,
            log_config=None,
            # Nobody would see its lines, and the host itself says who called.
            access_log=False,
            proxy_headers=False,
            server_header=False,
            # An open page must not keep Ctrl-C waiting.
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            # The port is open already: what is asked before the server looks waits for it.
            made = None if options.no_demo else await make_demo(options.port)
            announce(options.port, made, inbox)
            await serving
        finally:
            server.should_exit = True
            await serving
    finally:
        # The worker imports it by this name as well; where that failed, nothing was opened.
        if (app := sys.modules.get("function_app")) and app.services:
            await app.services.close()


def run(options: argparse.Namespace) -> None:
    """Run everything until it is stopped."""
    with contextlib.ExitStack() as stack:
        # Before anything else, so that no two instances share the state of a port.
        listener = stack.enter_context(listen(options.port))
        inbox = start_backing(options.port, stack)
        asyncio.run(serve(options, listener, inbox))


def check_worker(port: int) -> None:
    """Print the functions that the worker finds; nothing is started and nothing kept."""
    set_environment(port, new_keys(), connection_string((10000, 10001, 10002)), 1025)
    for function in sorted(asyncio.run(worker.load()), key=lambda one: one.name):
        kind, route = function.trigger["type"], function.trigger.get("route", "")
        print(f"{kind:14} {function.name} {route}".rstrip())


def main() -> int:
    """Run the command; give its exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for name in ("azure", "httpx", "azure_functions_runtime", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # SIGTERM does what Ctrl-C does, also where a shell started this with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        options = arguments()
        if options.check_worker:
            check_worker(options.port)
        else:
            run(options)
    except KeyboardInterrupt:
        print("Stopped.")
    except (StartError, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
