"""F17: a setting is missing or wrong, and the app says so to its operator and loses nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from deployment import ADMIN_KEY, ROOT, SIGNING_KEY, settings
from functions.strangers import IMAGE
from hypothesis import given
from hypothesis import strategies as st
from log_scan import scan
from problem import assert_problem

from devserver.backing import free_port
from engagement.config import Config
from engagement.errors import ConfigurationError
from engagement.storage.account import Account
from engagement.storage.wire import Wire

SECRET = "a-value-that-nobody-may-read"
REFERENCE = f"@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/{SECRET})"
DATA = (
    "AccountName=a;AccountKey=aaaa;BlobEndpoint=http://127.0.0.1:1/a;"
    "TableEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:2/a"
)
WRONG = {
    "missing": ("ENGAGEMENT_SIGNING_KEYS", ""),
    "malformed": ("ENGAGEMENT_SIGNING_KEYS", f"1:{SECRET}"),
    "not resolved": ("ENGAGEMENT_SIGNING_KEYS", REFERENCE),
    "not resolved, and not needed": ("ENGAGEMENT_ADMIN_KEY", f" {REFERENCE}"),
    "no connection": ("ENGAGEMENT_DATA", f"AccountName={SECRET}"),
    "no key": ("ENGAGEMENT_DATA", DATA.replace("=aaaa", f"={SECRET}!")),
    "not a connection": ("ENGAGEMENT_DATA", SECRET),
    "not a URL": ("ENGAGEMENT_PUBLIC_URL", f"https://[{SECRET}"),
    "not a surface": ("ENGAGEMENT_SURFACE", SECRET),
}


class Misconfigured:
    """The app in a process of its own, as the host starts it, with a setting that is wrong."""

    def __init__(self, url, process):
        self.url, self.process = url, process
        self.http = httpx.Client(trust_env=False, timeout=30)

    def ask(self, method, path, **options):
        """Send a request."""
        return self.http.request(method, self.url + path, **options)

    def end(self):
        """Stop it and return what it printed."""
        self.process.terminate()
        return self.process.communicate(timeout=30)[0]


@contextmanager
def started(*options, **wrong):
    """Serve the app with settings that are wrong; nothing else is started."""
    port = free_port()
    smtp = {"ENGAGEMENT_SMTP_HOST": "127.0.0.1", "ENGAGEMENT_SMTP_SECURITY": "none"}
    environment = {**os.environ, **settings(DATA), **smtp, **wrong}
    # With an empty setting the local host would fill in one of its own.
    command = [sys.executable, "-c", SERVE, str(port), *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    app = Misconfigured(f"http://127.0.0.1:{port}", process)
    try:
        app.first = answered(app)
        yield app
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        app.http.close()


SERVE = """
import asyncio, logging, os, sys
import uvicorn
from devserver import worker
from devserver.host import Host

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")

async def main():
    if "--worker" in sys.argv:
        functions = await worker.load()
    else:
        import function_app
        functions = function_app.app
    host = Host(functions, settings=os.environ)
    print("loops", len(host.loops), flush=True)
    await uvicorn.Server(uvicorn.Config(host, port=int(sys.argv[1]), log_config=None)).serve()

asyncio.run(main())
"""


def answered(app):
    """Wait for its first answer."""
    end = time.monotonic() + 60
    while True:
        assert app.process.poll() is None, app.process.stdout.read()
        try:
            return app.ask("GET", "/healthz")
        except httpx.TransportError:
            assert time.monotonic() < end, "it did not start"
            time.sleep(0.05)


def assert_neutral(answer):
    """Check that a recipient is asked to try again, and told nothing."""
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert int(answer.headers["retry-after"]) > 0
    assert "no-store" in answer.headers["cache-control"]
    assert "ENGAGEMENT" not in answer.text
    assert "config" not in answer.text.lower()


@pytest.mark.parametrize("name", WRONG)
def test_F17_with_a_wrong_setting_the_pixel_answers_and_the_log_names_the_setting(name):
    setting, value = WRONG[name]
    with started(**{setting: value}) as app:
        assert (app.first.status_code, app.first.json()) == (503, {"status": "misconfigured"})
        ready = app.ask("GET", "/readyz")
        assert (ready.status_code, ready.json()) == (503, {"status": "misconfigured"})
        pixel = app.ask("GET", f"/o/{'A' * 60}.gif")
        assert (pixel.status_code, pixel.content) == (200, IMAGE)
        printed = app.end()

    told = [json.loads(x) for x in re.findall(r'\{"event": "misconfigured".*\}', printed)]
    # Once when it was loaded, and once within a function, as the host drops the first.
    assert len(told) == 2
    assert all(setting in line["reason"] for line in told)
    assert SECRET not in printed
    assert scan("\n".join(map(json.dumps, told)), SECRET, ADMIN_KEY, SIGNING_KEY) == []
    # No timer and no queue is taken from.
    assert "loops 0" in printed


def test_F17_every_route_answers_so_that_its_caller_comes_again():
    with started(ENGAGEMENT_SIGNING_KEYS="") as app:
        for path in (f"/c/{'A' * 60}", f"/a/{'A' * 60}/offer.pdf", "/c/x"):
            assert_neutral(app.ask("GET", path))
            assert app.ask("HEAD", path).status_code == 503
            assert app.ask("POST", path).status_code == 405
        for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
            answer = app.ask(method, "/api/v1/organizations/demo/messages", json={})
            assert_problem(answer, 503)
            assert "ENGAGEMENT" not in answer.text
        assert app.ask("POST", f"/o/{'A' * 60}.gif").status_code == 405


@pytest.mark.parametrize(("surface", "served"), [("public", (200, 404)), ("private", (404, 503))])
def test_F17_each_surface_serves_what_is_its_own(surface, served):
    with started(ENGAGEMENT_SURFACE=surface, ENGAGEMENT_PUBLIC_URL="") as app:
        pixel = app.ask("GET", f"/o/{'A' * 60}.gif")
        api = app.ask("GET", "/api/v1/organizations/demo/settings")
        assert (pixel.status_code, api.status_code) == served
        assert app.first.status_code == 503


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the worker library needs Python 3.13")
def test_F17_microsofts_worker_loads_the_app_with_a_wrong_setting():
    with started("--worker", ENGAGEMENT_SIGNING_KEYS=REFERENCE) as app:
        assert app.first.json() == {"status": "misconfigured"}
        assert app.ask("GET", f"/o/{'A' * 60}.gif").content == IMAGE
        assert_neutral(app.ask("GET", f"/c/{'A' * 60}"))
        assert_problem(app.ask("GET", "/api/v1/organizations/demo/settings"), 503)


SETTINGS = sorted(
    name
    for name in json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    if name.startswith("ENGAGEMENT_")
)
#: No environment holds NUL.
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
PIECES = st.sampled_from(
    ["https://", "[", "]", ":", "1:", ",", "9" * 50, "==", ";", "AccountKey=", "@", "é", " ", "%"]
)


@given(
    st.sampled_from(SETTINGS),
    VALUES | st.lists(PIECES, max_size=5).map("".join) | st.lists(VALUES | PIECES).map("".join),
)
def test_F17_any_value_of_any_setting_is_taken_or_refused_by_name(name, value):
    graph = {
        "ENGAGEMENT_GRAPH_TENANT_ID": "contoso.example",
        "ENGAGEMENT_GRAPH_CLIENT_ID": "c-2",
        "ENGAGEMENT_GRAPH_CLIENT_SECRET": "s",
    }
    refusal = "ENGAGEMENT_"
    try:
        config = Config.from_environment({**settings(DATA), **graph, name: value})
        Wire(Account(config.data))
    except ConfigurationError as error:
        refusal = str(error)
    assert "ENGAGEMENT_" in refusal
    assert len(value) < 12 or value not in refusal
