"""A server on this machine that stands for somebody else's, in a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from typing import Any, Self

from aiohttp import web


class Fake:
    """What fakes have in common; each opens its ports in :meth:`start`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.runners: list[web.AppRunner] = []

    def __enter__(self) -> Self:
        self.thread.start()
        self._run(self.start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def start(self) -> None:
        """Open the ports."""
        raise NotImplementedError

    async def serve(self, app: web.Application, tls: ssl.SSLContext | None = None) -> str:
        """Serve an application on any port and return its scheme and host."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        return f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _stop(self) -> None:
        for runner in self.runners:
            await runner.cleanup()
        # Those that hang would hang for ever.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
