"""A consumer of webhooks: a real HTTP server on this machine that notes what it is sent."""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Request:
    """One request as it arrived; names of headers in lower case."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length", "0")))

    @property
    def id(self) -> str:
        """The webhook-id."""
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        """The payload."""
        return json.loads(self.body)


class Receiver:
    """Answers with the next of *answers* (status, headers, body), with 204 when there is none."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.answers: deque[tuple[int, dict[str, str], bytes]] = deque()
        self.host = host
        self.server = ThreadingHTTPServer((host, 0), self._handler())
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.scheme = "https" if tls else "http"
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True)

    def __enter__(self) -> Receiver:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def port(self) -> int:
        """Port that it listens on."""
        port: int = self.server.server_address[1]
        return port

    def url(self, host: str = "", path: str = "/hook") -> str:
        """URL of it, under another host name if one is given."""
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Answer the next request like this."""
        self.answers.append((status, headers or {}, body))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.requests.append(Request(self))
                status, headers, body = (
                    receiver.answers.popleft() if receiver.answers else (204, {}, b"")
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
