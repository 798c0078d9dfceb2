"""HTTP in and out: what a function gets of a request, and what a caller gets of its answer."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from azure.functions.meta import Datum

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODY_LIMIT = 100 * 1024 * 1024
# Kestrel refuses to write these in a header; a function that sends them fails in Azure.
UNSAFE_IN_HEADER = re.compile(r"[^\t\x20-\x7e]")


class BodyTooLargeError(Exception):
    """The request's body is longer than the host takes."""


class ClientGoneError(Exception):
    """The caller hung up before the body was complete."""


def joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Join the values of repeated names with commas, as the real host hands them over."""
    together: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for name, value in pairs:
        together.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return {name: ",".join(values) for name, values in together.items()}


def query_params(query: bytes) -> dict[str, str]:
    """Read a query string; the real host drops parameters without a value."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace")
    return {name: value for name, value in joined(pairs).items() if value}


def request_headers(scope: Scope) -> dict[str, str]:
    """Give the headers of a request by their lower-case names."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return joined([(name.lower(), value) for name, value in pairs])


def raw_path(scope: Scope) -> bytes:
    """Give the path as it came over the wire."""
    return bytes(scope.get("raw_path") or scope["path"].encode())


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """Read a whole body, or raise BodyTooLargeError without keeping what is too much."""
    declared = int(headers.get("content-length") or 0)
    if declared > limit and "expect" in headers:
        raise BodyTooLargeError
    body, size, more = bytearray(), 0, True
    # Somewhat beyond the limit is read and dropped, so that a caller that
    # writes before it reads gets the answer and no broken connection.
    while more and size <= 2 * limit:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = event.get("body", b"")
        size += len(chunk)
        if max(size, declared) <= limit:
            body += chunk
        else:
            body.clear()
        more = event.get("more_body", False)
    if max(size, declared) > limit:
        raise BodyTooLargeError
    return bytes(body)


def request_datum(scope: Scope, params: Mapping[str, str], body: bytes) -> Datum:
    """Put a request into the form that the worker gets from the real host."""
    headers, query = request_headers(scope), scope.get("query_string", b"")
    host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("localhost", 80)))
    url = f"{scope['scheme']}://{host}{raw_path(scope).decode('latin-1')}"
    return Datum(
        type="http",
        value={
            "method": Datum(scope["method"], "string"),
            "url": Datum(url + (f"?{query.decode('latin-1')}" if query else ""), "string"),
            "headers": strings(headers),
            "query": strings(query_params(query)),
            "params": strings(params),
            "body": Datum(body, "bytes"),
        },
    )


def strings(values: Mapping[str, str]) -> dict[str, Datum]:
    """Wrap each value of a mapping."""
    return {name: Datum(value, "string") for name, value in values.items()}


def encode_headers(headers: Mapping[str, str]) -> Headers:
    """Write headers as bytes; ValueError for what the real host would refuse."""
    for name, value in headers.items():
        if UNSAFE_IN_HEADER.search(value):
            raise ValueError(f"The header {name} holds a character that no header may hold.")
    return [
        (name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()
    ]


def read_response(answer: Datum | None) -> tuple[int, Headers, bytes]:
    """Take status, headers and body out of what a function returned."""
    if answer is not None and answer.type == "string":
        return 200, [(b"content-type", b"text/plain; charset=utf-8")], answer.value.encode()
    if answer is None or answer.type != "http":
        raise TypeError("An HTTP function must return a func.HttpResponse or a text.")
    value = answer.value
    headers = encode_headers({name: datum.value for name, datum in value["headers"].items()})
    for cookie in value["cookies"] or []:
        headers += [
            (b"set-cookie", item.OutputString().encode("ascii")) for item in cookie.values()
        ]
    return int(value["status_code"].value), headers, bytes(value["body"].value)


async def respond(
    send: Send, status: int, headers: Headers, body: bytes, *, head: bool = False
) -> None:
    """Send a response; one to HEAD tells the body's length and holds no body."""
    bodiless = status in (204, 304)
    own_length = [pair for pair in headers if pair[0] == b"content-length"]
    headers = [pair for pair in headers if pair[0] not in (b"content-length", b"transfer-encoding")]
    if head and own_length:
        headers += own_length
    elif not bodiless:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head or bodiless else body})
