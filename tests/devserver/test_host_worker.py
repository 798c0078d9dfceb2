"""Microsoft's worker library loads an app and calls its functions."""

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

CHECK = """
import asyncio, pathlib, sys
from devserver import worker
sys.exit(asyncio.run(worker.check(pathlib.Path(sys.argv[1]))))
"""
SERVE = """
import asyncio, pathlib, sys
import httpx
from devserver import worker
from devserver.host import Host

async def main():
    options = {"extensions": {"http": {"routePrefix": ""}}}
    host = Host(await worker.load(pathlib.Path(sys.argv[1])), settings={}, options=options)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(host), base_url="http://host.example"
    ) as client:
        for path in ("hello/ann", "sync", "boom"):
            answer = await client.get(path)
            print(answer.status_code, answer.text, flush=True)
    timer = next(one for one in host.loops)
    task = asyncio.ensure_future(timer())
    await asyncio.wait([task], timeout=1)
    task.cancel()

asyncio.run(main())
"""

needs_worker = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="Microsoft's worker library exists for Python 3.13 and newer"
)


def run(code, folder, source):
    (folder / "function_app.py").write_text(source, encoding="utf-8")
    # In a process of its own: the library holds one app per process.
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )


@needs_worker
def test_the_check_names_the_functions_that_the_worker_finds(tmp_path):
    done = run(CHECK, tmp_path, GOOD)
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["httpTrigger", "boom", "boom"],
        ["httpTrigger", "hello", "hello/{name}"],
        ["httpTrigger", "sync", "sync"],
        ["timerTrigger", "tick"],
    ]


@needs_worker
def test_the_check_tells_what_only_the_worker_refuses(tmp_path):
    done = run(CHECK, tmp_path, BAD)
    assert done.returncode == 1
    assert "cannot load the tick function" in done.stdout


@needs_worker
def test_an_app_that_cannot_be_imported_fails_the_check(tmp_path):
    done = run(CHECK, tmp_path, "raise RuntimeError('no configuration')")
    assert done.returncode == 1
    assert "no configuration" in done.stdout


@needs_worker
def test_the_host_serves_through_the_worker(tmp_path):
    done = run(SERVE, tmp_path, GOOD)
    assert done.stdout.splitlines() == ["200 hello ann", "200 sync", "500 ", "tick False"]
    assert "it broke" in done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the library is there")
def test_an_older_python_is_told_so(tmp_path):
    done = run(CHECK, tmp_path, GOOD)
    assert done.returncode == 1
    assert "needs Python 3.13" in done.stdout
