"""Serve a factory of this package with uvicorn, its fast parser and loop, and several workers.

python -m benchmarks.public.serve host:host PORT WORKERS
"""

from __future__ import annotations

import socket
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess


def main() -> None:
    """Serve until SIGTERM."""
    app, port, workers = sys.argv[1:]
    config = uvicorn.Config(
        f"benchmarks.public.{app}",
        factory=True,
        port=int(port),
        workers=int(workers),
        http="httptools",
        loop="uvloop",
        lifespan="on",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # A worker that a busy machine keeps waiting is no dead one.
        timeout_worker_healthcheck=60,
    )
    listener = config.bind_socket()
    # Else a body waits 40 ms for the acknowledgement of its headers, as nobody sets this where
    # workers share a socket: https://github.com/Kludex/uvicorn/issues/3149
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    Multiprocess(config, sockets=[listener]).run()


if __name__ == "__main__":
    main()
