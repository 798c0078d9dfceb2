"""Microsoft's worker library loads an app and calls its functions."""

import os
import subprocess
import sys

import pytest

from devserver.settings import ROOT

GOOD = """
import azure.functions as func
app = func.FunctionApp()

@app.route("hello/{name}", methods=["GET"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello " + req.route_params["name"])

@app.route("sync")
def sync(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("sync")

@app.route("boom")
async def boom(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("it broke")

@app.timer_trigger(arg_name="timer", schedule="0 0 0 * * *", run_on_startup=True)
async def tick(timer: func.TimerRequest) -> None:
    print("tick", timer.past_due, flush=True)
"""
# The plain SDK is content with this; the worker is not.
BAD = GOOD.replace("timer: func.TimerRequest", "timer: func.TimerRequest | None")

SERVE = """
import asyncio
import httpx
from devserver import worker
from devserver.host import Host

async def main():
    options = {"extensions": {"http": {"routePrefix": ""}}}
    host = Host(await worker.load(), settings={}, options=options)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(host), base_url="http://host.example"
    ) as client:
        for path in ("hello/ann", "sync", "boom"):
            answer = await client.get(path)
            print(answer.status_code, answer.text, flush=True)
    await asyncio.wait([asyncio.ensure_future(loop()) for loop in host.loops], timeout=1)

asyncio.run(main())
"""

needs_worker = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="Microsoft's worker library exists for Python 3.13 and newer"
)


def run(folder, source, *arguments):
    (folder / "function_app.py").write_text(source, encoding="utf-8")
    # In a process of its own: the library holds one app per process.
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def check(folder, source):
    return run(folder, source, "-m", "devserver", "--check-worker")


@needs_worker
def test_the_check_names_the_functions_that_the_worker_finds(tmp_path):
    done = check(tmp_path, GOOD)
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["httpTrigger", "boom", "boom"],
        ["httpTrigger", "hello", "hello/{name}"],
        ["httpTrigger", "sync", "sync"],
        ["timerTrigger", "tick"],
    ]


@needs_worker
def test_the_check_tells_what_only_the_worker_refuses(tmp_path):
    done = check(tmp_path, BAD)
    assert done.returncode == 1
    assert "cannot load the tick function" in done.stderr


@needs_worker
def test_an_app_that_cannot_be_imported_fails_the_check(tmp_path):
    done = check(tmp_path, "raise RuntimeError('no configuration')")
    assert done.returncode == 1
    assert "no configuration" in done.stderr


@needs_worker
def test_the_host_serves_through_the_worker(tmp_path):
    done = run(tmp_path, GOOD, "-c", SERVE)
    assert done.stdout.splitlines() == ["200 hello ann", "200 sync", "500 ", "tick False"]
    assert "it broke" in done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the library is there")
def test_an_older_python_is_told_so(tmp_path):
    done = check(tmp_path, GOOD)
    assert done.returncode == 1
    assert "needs Python 3.13" in done.stderr
