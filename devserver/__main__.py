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

import httpx
import uvicorn

from devserver import demo, state, worker
from devserver.backing import Azurite, BackingError, Child, Inbox, connection_string
from devserver.host import Host
from devserver.settings import ROOT

READY_SECONDS = 30.0
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
    listener = socket.socket()
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        sys.exit(f"Port {port} is in use: stop what serves there, or choose another with PORT=.")
    return listener


def start_backing(port: int, stack: contextlib.ExitStack) -> Inbox | None:
    """Start what the caller has not set, and set the app's environment."""
    folder = state.state_folder(port)
    azurite = Azurite(folder / "azurite", (10000, 10001, 10002))
    inbox = Inbox(folder, (1080, 1025))
    wanted: list[Child] = []
    wanted += [] if os.environ.get("ENGAGEMENT_DATA") else [azurite]
    wanted += [] if os.environ.get("ENGAGEMENT_SMTP_HOST") else [inbox]
    for child in wanted:
        stack.callback(child.stop)
        child.start()
    for child in wanted:
        child.wait()
    mail = inbox if inbox in wanted else None
    data, smtp_port = azurite.connection_string, mail.smtp_port if mail else None
    state.apply(state.environment(port, state.kept_keys(folder), data, smtp_port))
    return mail


async def load(*, through_worker: bool) -> Host:
    """Load function_app.py, now that its environment is set."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    if through_worker:
        return Host(await worker.load(ROOT), settings=os.environ)
    return Host(importlib.import_module("function_app").app, settings=os.environ)


async def until_ready(url: str, serving: asyncio.Task[None]) -> None:
    """Wait for the app's own word that it serves."""
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while not serving.done():
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(f"{url}/healthz")
                if answer.status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise BackingError("The functions did not start.")


def announce(port: int, made: demo.Demo | None, inbox: Inbox | None) -> None:
    """Print what the person at the terminal goes on with."""
    url = f"http://localhost:{port}"
    lines = {"API": f"{url}/api/v1", "Admin key": os.environ["ENGAGEMENT_ADMIN_KEY"]}
    if made:
        timeline = f"{url}{demo.PATH}/messages/{made.message_id}/timeline"
        lines |= {
            "Organization": demo.ORGANIZATION,
            "API key": made.api_key,
            "Message": made.message_id,
            "Timeline": f"curl -H 'X-Api-Key: {made.api_key}' {timeline}",
        }
    if inbox:
        lines["Inbox"] = inbox.url
    lines["Stop"] = "Ctrl-C"
    print("\nEngagement is running.\n")
    for name, value in lines.items():
        print(f"  {name + ':':14} {value}")
    print(flush=True)


async def serve(options: argparse.Namespace, listener: socket.socket, inbox: Inbox | None) -> None:
    """Serve until a signal comes."""
    host = await load(through_worker=options.worker)
    config = uvicorn.Config(
        host,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = Server(config)
    stop_on_signals()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        url = f"http://127.0.0.1:{options.port}"
        await until_ready(url, serving)
        admin_key = os.environ["ENGAGEMENT_ADMIN_KEY"]
        made = None if options.no_demo else await demo.make(url, admin_key)
        announce(options.port, made, inbox)
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
        await sys.modules["function_app"].services.close()


def stop_on_signals() -> None:
    """Let Ctrl-C and SIGTERM end the serving, and nothing else."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop(*_: object) -> None:
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def interrupt(*_: object) -> None:
    """Treat SIGTERM before the serving begins like Ctrl-C."""
    raise KeyboardInterrupt


def run(options: argparse.Namespace) -> None:
    """Run everything until it is stopped."""
    if options.worker and sys.version_info < (3, 13):
        sys.exit("--worker needs Python 3.13 or newer, as Microsoft's worker library does.")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(options.port))
        inbox = start_backing(options.port, stack)
        asyncio.run(serve(options, listener, inbox))


def check_worker(port: int) -> int:
    """Load the app with the worker; nothing is started and nothing kept."""
    data = connection_string((10000, 10001, 10002))
    state.apply(state.environment(port, state.new_keys(), data, 1025))
    return asyncio.run(worker.check(ROOT))


def main() -> int:
    """Run the command; give its exit status."""
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for name in ("azure", "httpx", "azure_functions_runtime", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if options.check_worker:
            return check_worker(options.port)
        run(options)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped.")
    except (BackingError, demo.DemoError, worker.WorkerError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
