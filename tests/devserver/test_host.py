"""The host serves HTTP functions as Azure does."""

import asyncio
import logging
import threading

import azure.functions as func
import httpx
import pytest
import uvicorn

from devserver.host import Host

OPTIONS = {"extensions": {"http": {"routePrefix": ""}}}


def sample_app():
    app = func.FunctionApp()

    @app.route("echo/{name}/{rest?}", methods=["GET", "HEAD", "POST"])
    async def echo(req: func.HttpRequest) -> func.HttpResponse:
        lines = [req.method, req.url, repr(dict(req.params)), repr(dict(req.route_params))]
        body = "\n".join(lines).encode("utf-8", "backslashreplace") + b"\n" + req.get_body()
        return func.HttpResponse(body, status_code=202, headers={"X-Got": req.headers["x-sent"]})

    @app.route("thread")
    def thread(req: func.HttpRequest) -> str:
        return str(threading.current_thread() is threading.main_thread())

    @app.route("cookies")
    async def cookies(req: func.HttpRequest) -> func.HttpResponse:
        answer = func.HttpResponse(status_code=204)
        answer.headers.add("Set-Cookie", "a=1; Path=/")
        answer.headers.add("Set-Cookie", "b=2; HttpOnly")
        return answer

    @app.route("boom")
    async def boom(req: func.HttpRequest) -> func.HttpResponse:
        raise RuntimeError("it broke")

    @app.route("header")
    async def header(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(headers={"X-Name": "Zoë"})

    @app.route("nothing")
    async def nothing(req: func.HttpRequest) -> func.HttpResponse:
        return None

    return app


@pytest.fixture
def host():
    return Host(sample_app(), settings={}, options=OPTIONS)


@pytest.fixture
async def client(host):
    transport = httpx.ASGITransport(host)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://host.example", headers={"X-Sent": "hello"}
    ) as client:
        yield client


async def test_a_function_gets_the_request_and_its_answer_goes_out(client):
    answer = await client.post("/echo/ann?a=1", content=b"body")
    assert answer.status_code == 202
    assert answer.headers["x-got"] == "hello"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "POST",
        "http://host.example/echo/ann?a=1",
        "{'a': '1'}",
        "{'name': 'ann'}",
        "body",
    ]


async def test_repeated_parameters_are_joined_and_empty_ones_dropped_as_by_the_real_host(client):
    answer = await client.get("/echo/ann?a=1&A=2&b=&c&d=x%20y+z")
    assert "{'a': '1,2', 'd': 'x y z'}" in answer.text


@pytest.mark.parametrize("odd", ["%ff", "%00", "%", "%zz", "%2e%2e", "%f0%9f%98%80", "'\"<>"])
async def test_odd_encodings_reach_the_function(client, odd):
    answer = await client.get(f"http://host.example/echo/{odd}?x={odd}")
    assert answer.status_code == 202


async def test_head_carries_the_headers_of_get_and_no_body(client):
    got, head = await client.get("/echo/ann"), await client.head("/echo/ann")
    assert head.status_code == got.status_code
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(got.content) + len("HEAD") - len("GET")


async def test_an_unknown_path_is_404_and_a_wrong_method_405(client):
    unknown, wrong = await client.get("/unknown"), await client.delete("/echo/ann")
    assert (unknown.status_code, unknown.content) == (404, b"")
    assert (wrong.status_code, wrong.content) == (405, b"")
    assert wrong.headers["allow"] == "GET, HEAD, POST"


async def test_a_sync_function_runs_in_a_thread_of_its_own(client):
    assert (await client.get("/thread")).text == "False"


async def test_cookies_stay_apart(client):
    answer = await client.get("/cookies")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("path", ["/boom", "/header", "/nothing"])
async def test_a_failing_function_is_a_bare_500_and_a_traceback_in_the_log(client, path, caplog):
    with caplog.at_level(logging.ERROR):
        answer = await client.get(path)
    assert (answer.status_code, answer.content) == (500, b"")
    assert caplog.records[-1].exc_info is not None


async def test_the_route_prefix_comes_from_host_json():
    host = Host(sample_app(), settings={}, options={})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(host), base_url="http://host.example"
    ) as client:
        assert (await client.get("/api/thread")).status_code == 200
        assert (await client.get("/thread")).status_code == 404


async def chunks(count, size):
    for _ in range(count):
        yield b"x" * size


async def test_a_body_at_the_limit_passes(host, client):
    host.body_limit = 1000
    answer = await client.post("/echo/ann", content=b"x" * 1000)
    assert answer.content.endswith(b"x" * 1000)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_413(host, client, chunked):
    host.body_limit = 1000
    content = chunks(11, 100) if chunked else b"x" * 1001
    answer = await client.post("/echo/ann", content=content)
    assert (answer.status_code, answer.content) == (413, b"")


async def test_an_endless_body_is_refused_before_its_end(host, client):
    host.body_limit = 1000
    answer = await client.post("/echo/ann", content=chunks(10**9, 100))
    assert answer.status_code == 413


def test_a_parameter_that_is_not_the_binding_is_refused():
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
    async def tick(other: func.TimerRequest) -> None: ...

    with pytest.raises(ValueError, match="argument name is 'timer'"):
        Host(app, settings={}, options={})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "DATA, which is not set"),
        ({"DATA": "x"}, "QUEUE, which is not set"),
    ],
)
def test_a_missing_setting_is_named(settings, says):
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="DATA")
    async def take(message: func.QueueMessage) -> None: ...

    with pytest.raises(ValueError, match=says):
        Host(app, settings=settings, options={})


async def test_uvicorn_serves_it_and_runs_its_timers_while_it_lives():
    app, seen = func.FunctionApp(), asyncio.Event()

    @app.route("ok")
    async def ok(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("ok")

    @app.timer_trigger(arg_name="timer", schedule="%EVERY%")
    async def tick(timer: func.TimerRequest) -> None:
        seen.set()

    host = Host(app, settings={"EVERY": "* * * * * *"}, options=OPTIONS)
    config = uvicorn.Config(
        host, port=0, lifespan="on", log_config=None, server_header=False, ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait_for(seen.wait(), 10)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/ok")
    server.should_exit = True
    await serving
    assert answer.text == "ok"
    assert set(answer.headers) == {"date", "content-type", "content-length"}
    assert all(task.done() for task in host.tasks)
