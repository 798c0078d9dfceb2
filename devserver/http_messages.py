"""HTTP in and out: what a function gets of a request, and what a caller gets of its answer."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from azure.functions.meta import Datum
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read a whole body; the server drops what is left of one that is too long."""
    body, more = bytearray(), True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientDisconnected
        body += event.get("body", b"")
        if len(body) > limit:
            raise RequestEntityTooLarge
        more = event.get("more_body", False)
    return bytes(body)


def strings(pairs: Iterable[tuple[str, str]]) -> dict[str, Datum]:
    """Join the values of repeated names with commas, as the real host hands them over."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in pairs:
        spelling, before = found.get(name.lower(), (name, None))
        found[name.lower()] = spelling, value if before is None else f"{before},{value}"
    return {name: Datum(value, "string") for name, value in found.values()}


def request_datum(scope: Scope, params: Mapping[str, str], body: bytes) -> Datum:
    """Put a request into the form that the worker gets from the real host."""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    ]
    # ASGI has names in lower case.
    named = dict(headers)
    if scope["client"] and "x-forwarded-for" not in named:
        # Azure's front end says who called; a caller that says it plays the front end.
        headers.append(("X-Forwarded-For", ":".join(map(str, scope["client"]))))
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    url = f"{scope['scheme']}://{named.get('host', 'localhost')}{path}"
    return Datum(
        type="http",
        value={
            "method": Datum(scope["method"], "string"),
            "url": Datum(f"{url}?{query}" if query else url, "string"),
            "headers": strings(headers),
            # Like the real host, this drops parameters without a value.
            "query": strings(parse_qsl(query) if query else ()),
            "params": strings(params.items()),
            "body": Datum(body, "bytes"),
        },
    )


def read_response(answer: Datum | None) -> tuple[int, Headers, bytes]:
    """Take status, headers and body out of what a function returned."""
    if answer is not None and answer.type == "string":
        return 200, [(b"content-type", b"text/plain; charset=utf-8")], answer.value.encode()
    if answer is None or answer.type != "http":
        raise TypeError("An HTTP function must return a func.HttpResponse or a text.")
    value = answer.value
    fields = [(name.lower(), datum.value) for name, datum in value["headers"].items()]
    for cookie in value["cookies"] or []:
        fields += [("set-cookie", item.OutputString()) for item in cookie.values()]
    # Kestrel refuses to write anything but ASCII: a function that sends it fails in Azure.
    headers = [(name.encode("ascii"), text.encode("ascii")) for name, text in fields]
    return int(value["status_code"].value), headers, bytes(value["body"].value)


async def respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a response; the server itself leaves the body out where HEAD was asked."""
    if status in (204, 304):
        body = b""
    elif b"content-length" not in dict(headers):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
