"""`make run`: the functions, their storage, a mail inbox and a demo, with one command."""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from devserver import demo, worker
from devserver.backing import Azurite, Child, Inbox, connection_string
from devserver.host import Host
from devserver.settings import StartError, kept_keys, new_keys, set_environment, state_folder

# An open page must not keep Ctrl-C waiting.
STOP_SECONDS = 5


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devserver", description=__doc__)
    port = os.environ.get("PORT") or "7071"
    parser.add_argument("--port", type=int, default=port, help="of the functions (7071, or PORT)")
    parser.add_argument("--worker", action="store_true", help="run through Microsoft's worker")
    parser.add_argument("--check-worker", action="store_true", help="only load the app with it")
    parser.add_argument("--no-demo", action="store_true", help="make no demo organization")
    return parser.parse_args()


class Server(uvicorn.Server):
    """A server that leaves the signals to this program, which has more to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(port: int) -> socket.socket:
    """Take the port before anything else, so that no two instances share its state."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise StartError(f"Port {port} cannot be used ({error}): choose another, PORT=.") from error


def start_backing(port: int, stack: contextlib.ExitStack) -> Inbox | None:
    """Start what the caller has not set, and set the app's environment."""
    folder = state_folder(port)
    azurite = Azurite(folder / "azurite", (10000, 10001, 10002))
    inbox = None if os.environ.get("ENGAGEMENT_SMTP_HOST") else Inbox(folder, (1080, 1025))
    wanted: list[Child] = [inbox] if inbox else []
    wanted += [] if os.environ.get("ENGAGEMENT_DATA") else [azurite]
    for child in wanted:
        stack.callback(child.stop)
        child.start()
    for child in wanted:
        child.wait()
    smtp_port = inbox.ports[1] if inbox else None
    set_environment(port, kept_keys(folder), azurite.connection_string, smtp_port)
    return inbox


async def load(*, through_worker: bool) -> Host:
    """Load function_app.py, now that its environment is set."""
    functions = (
        await worker.load() if through_worker else importlib.import_module("function_app").app
    )
    return Host(functions, settings=os.environ)


async def close_services() -> None:
    """Close what the app has opened; the worker imports it under the same name."""
    app = sys.modules.get("function_app")
    # An app that failed while it was imported is not there, and has opened nothing.
    if app is not None:
        await app.services.close()


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
        }
    if inbox:
        lines["Inbox"] = f"http://localhost:{inbox.ports[0]}"
    lines["Stop"] = "Ctrl-C"
    print("\nEngagement is running.\n")
    for name, value in lines.items():
        print(f"  {name + ':':14} {value}")
    print(flush=True)


async def serve(options: argparse.Namespace, listener: socket.socket, inbox: Inbox | None) -> None:
    """Serve until a signal comes."""
    config = uvicorn.Config(
        await load(through_worker=options.worker),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        # The port is open already: what is asked before the server looks waits for it.
        url, admin_key = f"http://127.0.0.1:{options.port}", os.environ["ENGAGEMENT_ADMIN_KEY"]
        made = None if options.no_demo else await demo.make(url, admin_key)
        announce(options.port, made, inbox)
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


async def serve_and_close(
    options: argparse.Namespace, listener: socket.socket, inbox: Inbox | None
) -> None:
    """Let Ctrl-C and SIGTERM end the serving and nothing else; then close the app."""
    serving = asyncio.create_task(serve(options, listener, inbox))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    try:
        await serving
    finally:
        await close_services()


def run(options: argparse.Namespace) -> None:
    """Run everything until it is stopped."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(options.port))
        inbox = start_backing(options.port, stack)
        asyncio.run(serve_and_close(options, listener, inbox))


def check_worker(port: int) -> None:
    """Print the functions that the worker finds; nothing is started and nothing kept."""
    set_environment(port, new_keys(), connection_string((10000, 10001, 10002)), 1025)
    for function in sorted(asyncio.run(worker.load()), key=lambda one: one.name):
        kind, route = function.trigger["type"], function.trigger.get("route", "")
        print(f"{kind:14} {function.name} {route}".rstrip())


def main() -> int:
    """Run the command; give its exit status."""
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for name in ("azure", "httpx", "azure_functions_runtime", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Before the serving begins, SIGTERM is like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.check_worker:
            check_worker(options.port)
        else:
            run(options)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped.")
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
