"""A deployment to test against: the real app, served by the local host, on real stores."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import httpx
import uvicorn
from description import check_described

from devserver import runtime
from devserver.backing import free_port
from devserver.host import Host
from engagement.config import Config
from engagement.functions import blueprints
from engagement.services import Services
from engagement.wiring import build_services

ROOT = Path(__file__).parent.parent
ADMIN_KEY = "an-admin-key-for-tests"
SIGNING_KEY = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
PUBLIC_URL = "http://links.contoso.example"
PATIENCE = 60.0
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def settings(data: str, **more: str) -> dict[str, str]:
    """Settings of a deployment for tests."""
    return {
        "ENGAGEMENT_DATA": data,
        "ENGAGEMENT_ADMIN_KEY": ADMIN_KEY,
        "ENGAGEMENT_SIGNING_KEYS": f"1:{SIGNING_KEY}",
        "ENGAGEMENT_PUBLIC_URL": PUBLIC_URL,
        # Any deployment of a run may take what another has queued for a receiver on this machine.
        "ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE": "true",
        # Tests ask more in a minute than people do.
        "ENGAGEMENT_API_LIMIT": "0",
        "ENGAGEMENT_BAD_TOKEN_LIMIT": "0",
        **more,
    }


def build_app(services: Services) -> func.FunctionApp:
    """Build the app as function_app.py does, without its global."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for blueprint in blueprints(services):
        app.register_functions(blueprint)
    return app


class Served:
    """Something that answers at a URL, and ways to call it."""

    url: str
    environment: dict[str, str]

    def __init__(self) -> None:
        self.http = httpx.Client(
            trust_env=False, timeout=60, event_hooks={"response": [check_described]}
        )

    def get(self, url: str, **options: Any) -> httpx.Response:
        """Fetch a tracked URL, or a path, as a stranger would."""
        return self.request("GET", url, **options)

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a stranger's request to a tracked URL, or a path."""
        path = url.removeprefix(PUBLIC_URL)
        headers = {"User-Agent": FIREFOX, "X-Forwarded-For": reader_of(url)}
        headers.update(options.pop("headers", {}))
        return self.http.request(method, f"{self.url}{path}", headers=headers, **options)

    def admin(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call the API as the administrator."""
        headers = {"X-Api-Key": ADMIN_KEY, **options.pop("headers", {})}
        return self.http.request(method, f"{self.url}/api/v1{path}", headers=headers, **options)

    def new_crm(self, *, delivery_window: int = 0) -> Crm:
        """Create an organization and return its CRM.

        Tests open what was sent a moment ago; without a *delivery_window* that is a person.
        """
        organization_id = f"org-{uuid.uuid4().hex[:12]}"
        answer = self.admin("PUT", f"/organizations/{organization_id}", json={"name": "Contoso"})
        assert answer.status_code == 201, answer.text
        crm = Crm(self, organization_id, answer.json()["api_key"])
        if delivery_window != 10:
            crm.set({"verdicts": {"delivery_window_seconds": delivery_window}})
        return crm


class Deployment(Served):
    """A deployment in this process, on a thread of its own.

    *queues* are settings of host.json that a test wants otherwise, *clock* tells when things are
    handed over and counted.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        **queues: Any,
    ) -> None:
        super().__init__()
        self.environment = dict(environment)
        self.services = build_services(Config.from_environment(environment), clock)
        options = json.loads((ROOT / "host.json").read_text())
        options["extensions"]["queues"] |= queues
        # Without timers, which look at every organization there is: tests call what they call.
        functions = runtime.load(build_app(self.services))
        served = [each for each in functions if each.trigger["type"] != "timerTrigger"]
        host = Host(served, settings=environment, options=options)
        config = uvicorn.Config(
            host, port=0, lifespan="on", log_config=None, access_log=False, server_header=False
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.url = ""

    def __enter__(self) -> Deployment:
        self.thread.start()
        wait_until(lambda: self.server.started or not self.thread.is_alive())
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a service's work in the deployment's own event loop."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.server.serve()
        await self.services.close()


class HostProcess(Served):
    """A deployment in a process of its own, started as ``make run`` does."""

    #: the module that is run
    program = "devserver"

    def __init__(self, environment: Mapping[str, str], *options: str) -> None:
        super().__init__()
        self.environment = dict(environment)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.state = ROOT / ".local" / str(port)
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.program, "--no-demo", "--port", str(port), *options],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> HostProcess:
        wait_until(self._serves)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.kill()
        shutil.rmtree(self.state, ignore_errors=True)

    def kill(self) -> None:
        """End the process as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _serves(self) -> bool:
        assert self.process.poll() is None, "the host ended before it served"
        try:
            return self.http.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False


class Crm:
    """What the CRM of one organization does, over the HTTP API."""

    def __init__(self, deployment: Served, organization_id: str, api_key: str) -> None:
        self.deployment = deployment
        self.organization_id = organization_id
        self.api_key = api_key

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call a route below the organization."""
        headers = {"X-Api-Key": self.api_key, **options.pop("headers", {})}
        url = f"{self.deployment.url}/api/v1/organizations/{self.organization_id}{path}"
        return self.deployment.http.request(method, url, headers=headers, **options)

    def set(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Change settings."""
        return ok(self.call("PATCH", "/settings", json=changes))

    def draft(self, **fields: Any) -> dict[str, Any]:
        """Make a draft."""
        return ok(self.call("POST", "/messages", json=draft_of(**fields)))

    def template(self, template_id: str) -> dict[str, Any]:
        """Register a template that is counted, and whose content the CRM keeps."""
        return ok(self.call("PUT", f"/templates/{template_id}", json={"name": template_id}))

    def attach(
        self,
        message_id: str,
        name: str = "offer.pdf",
        data: bytes = b"%PDF-1.7 offer",
        *,
        followed: bool = True,
        content_type: str = "application/pdf",
    ) -> dict[str, Any]:
        """Attach a file to a draft."""
        return ok(
            self.call(
                "POST",
                f"/messages/{message_id}/attachments",
                params={"name": name, "followed": str(followed).lower()},
                content=data,
                headers={"Content-Type": content_type},
            )
        )

    def send(self, message_id: str, delivery: str = "crm", **options: Any) -> dict[str, Any]:
        """Send a draft."""
        path = f"/messages/{message_id}/send"
        return ok(self.call("POST", path, json={"delivery": delivery}, **options))

    def message(self, message_id: str) -> dict[str, Any]:
        """Read a message."""
        return ok(self.call("GET", f"/messages/{message_id}"))

    def kpis(self, message_id: str) -> dict[str, Any]:
        """Read the KPIs of a message."""
        kpis: dict[str, Any] = self.message(message_id)["kpis"]
        return kpis

    def timeline(self, message_id: str) -> list[dict[str, Any]]:
        """Read the whole timeline of a message."""
        items: list[dict[str, Any]] = []
        page = ok(self.call("GET", f"/messages/{message_id}/timeline"))
        items += page["items"]
        while page["continuation"]:
            page = ok(
                self.call(
                    "GET",
                    f"/messages/{message_id}/timeline",
                    params={"continuation": page["continuation"]},
                )
            )
            items += page["items"]
        return items

    def sent(self, **fields: Any) -> SentMessage:
        """Draft and send a message by crm."""
        return SentMessage(self, self.send(self.draft(**fields)["id"]))

    def sent_with_attachment(self, **options: Any) -> SentMessage:
        """Draft a message, attach a followed file, send it by crm."""
        message_id = self.draft()["id"]
        self.attach(message_id, **options)
        return SentMessage(self, self.send(message_id))


class SentMessage:
    """A message that went out, as its recipients see it."""

    def __init__(self, crm: Crm, value: dict[str, Any]) -> None:
        self.crm = crm
        self.id: str = value["id"]
        self.value = value
        self.html: str = value["copies"][0]["html_body"] or ""

    def urls(self, kind: str, copy: int = 0) -> list[str]:
        """Tracked URLs of a kind: o, c or a."""
        html = self.value["copies"][copy]["html_body"]
        found = (part.split('"')[0] for part in html.split(f'"{PUBLIC_URL}/{kind}/')[1:])
        return [f"{PUBLIC_URL}/{kind}/{rest}" for rest in found]

    @property
    def pixel(self) -> str:
        """URL of the pixel in the first copy."""
        return self.urls("o")[0]

    @property
    def link(self) -> str:
        """URL of the first tracked link in the first copy."""
        return self.urls("c")[0]

    @property
    def file(self) -> str:
        """URL of the first followed attachment in the first copy."""
        return self.urls("a")[0]

    @property
    def kpis(self) -> dict[str, Any]:
        """The message's KPIs now."""
        return self.crm.kpis(self.id)

    @property
    def timeline(self) -> list[dict[str, Any]]:
        """The message's timeline now."""
        return self.crm.timeline(self.id)

    def acts(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What is stored of what was done: the timeline, of one *kind*, without inferred opens."""
        return [
            item
            for item in self.timeline
            if item["reasons"] != ["inferred"] and kind in (None, item["type"])
        ]


def reader_of(url: str) -> str:
    """Address of whoever reads the message of a tracked URL.

    Readers of many messages are at many addresses; the tests', on one machine, would be a gateway.
    """
    # These characters of a token say which organization and message it is of.
    message = url.removeprefix(PUBLIC_URL)[3:32]
    digest = hashlib.sha256(message.encode()).digest()
    return f"10.{digest[0]}.{digest[1]}.{digest[2]}"


def draft_of(**fields: Any) -> dict[str, Any]:
    """A draft that may be followed."""
    return {
        "subject": "Contract for signature",
        "html_body": '<p>See <a href="https://contoso.example/offer?a=1&amp;b=2">the offer</a></p>',
        "text_body": None,
        "sender": {"user_id": "u-17", "email": "seller@contoso.example", "name": "Kim Seller"},
        "recipients": [recipient("ann@fabrikam.example", name="Ann")],
        **fields,
    }


def recipient(email: str, role: str = "to", kind: str = "contact", **more: Any) -> dict[str, Any]:
    """A recipient with a record."""
    return {"role": role, "email": email, "record": {"type": kind, "id": f"r-{email}"}, **more}


def ok(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of an answer that must be a success."""
    assert answer.is_success, f"{answer.status_code}: {answer.text}"
    value: dict[str, Any] = answer.json()
    return value


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make several calls at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def wait_until(condition: Any, patience: float = PATIENCE) -> None:
    """Wait for something that another thread or process does, *patience* seconds at the most."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
