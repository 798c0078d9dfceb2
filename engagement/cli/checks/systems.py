"""What is called over the network: the deployment itself, Entra, the mail server, Graph."""

from __future__ import annotations

from urllib.parse import urlsplit

from engagement.cli.checks.finding import Finding, Scene, State
from engagement.errors import ConfigurationError, RemoteError
from engagement.remote.deployment import LOOPBACK, Deployment, Reply, phrase
from engagement.remote.entra import Entra
from engagement.remote.smtp import Smtp

#: No token is so short; whatever is asked for, the pixel answers with its GIF.
PIXEL = "/o/doctor.gif"
PIXEL_BYTES = 43
SMTP_SECONDS = 10.0
AUTHORITY = "https://login.microsoftonline.com"


async def public_url(scene: Scene) -> list[Finding]:
    """Tell whether tracked URLs lead to this app."""
    name = "ENGAGEMENT_PUBLIC_URL"
    if scene.config is None or scene.wrong(name):
        return []
    url = scene.config.public_url
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        return [
            Finding(
                name,
                State.WRONG,
                f"{url} is not https: everybody on the way reads and changes what is followed.",
                "Serve it over https, and name it so here.",
            )
        ]
    found = await _health(name, url)
    if found[0].state is State.OK:
        found += await _pixel(url)
    if parts.hostname in LOOPBACK:
        advice = "Fine on a developer's machine; recipients elsewhere cannot reach it."
        found.append(Finding(name, State.WARNING, f"{url} is this machine.", advice))
    return found


async def private_url(scene: Scene) -> list[Finding]:
    """Tell whether the private app answers, if it was named."""
    return [] if scene.url is None else await _health("private app", scene.url)


async def entra(scene: Scene) -> list[Finding]:
    """Tell whether the keys that sign callers' tokens can be fetched."""
    tenant = scene.settings.get("ENGAGEMENT_ENTRA_TENANT_ID", "").strip()
    if not tenant or scene.wrong("ENGAGEMENT_ENTRA"):
        return []
    authority = scene.settings.get("ENGAGEMENT_ENTRA_AUTHORITY", "").strip() or AUTHORITY
    advice = "See that the tenant's id is right and that Entra can be reached from here."
    try:
        reply = await _get(authority, f"/{tenant}/discovery/v2.0/keys")
    except (RemoteError, ConfigurationError) as error:
        return [Finding("Entra", State.WRONG, str(error), advice)]
    value = reply.value if reply.status == 200 else None
    if not (isinstance(value, dict) and value.get("keys")):
        detail = f"The tenant's keys are not there ({phrase(reply.status)})."
        return [Finding("Entra", State.WRONG, detail, advice)]
    return [Finding("Entra", State.OK, "The keys of the tenant's tokens can be fetched.")]


async def smtp(scene: Scene) -> list[Finding]:
    """Tell whether the mail server lets us in; no mail is sent."""
    if scene.config is None or scene.config.smtp is None or scene.wrong("ENGAGEMENT_SMTP"):
        return []
    server = scene.config.smtp
    try:
        await Smtp(server, timeout=SMTP_SECONDS).check()
    except RemoteError as error:
        advice = "See ENGAGEMENT_SMTP_HOST, _PORT, _SECURITY, _USERNAME and _PASSWORD, and whether "
        return [
            Finding(
                "mail server",
                State.WRONG,
                error.detail,
                f"{advice}{server.host}:{server.port} can be reached from here (Azure lets nobody "
                "out at port 25).",
            )
        ]
    if server.security == "none" and server.host not in LOOPBACK:
        advice = "Set ENGAGEMENT_SMTP_SECURITY to starttls or tls."
        return [Finding("mail server", State.WARNING, "It is reached without TLS.", advice)]
    return [Finding("mail server", State.OK, f"{server.host}:{server.port} lets us in.")]


async def graph(scene: Scene) -> list[Finding]:
    """Tell whether Entra gives the app a token for Microsoft Graph."""
    if scene.config is None or scene.config.graph is None or scene.wrong("ENGAGEMENT_GRAPH"):
        return []
    tenant = scene.config.graph
    if tenant.identity_client_id and not scene.in_azure:
        detail = "The managed identity that vouches for the app exists in Azure only."
        return [Finding("Microsoft Graph", State.SKIPPED, detail)]
    try:
        await Entra(tenant).token()
    except RemoteError as error:
        advice = "See ENGAGEMENT_GRAPH_*, and docs/configuration.md on the app registration."
        return [Finding("Microsoft Graph", State.WRONG, error.detail, advice)]
    return [Finding("Microsoft Graph", State.OK, "Entra gives the app a token.")]


async def _health(name: str, url: str) -> list[Finding]:
    found = []
    try:
        alive, ready = await _get(url, "/healthz"), await _get(url, "/readyz")
    except (RemoteError, ConfigurationError) as error:
        advice = "See that the app runs, that the name leads to it, and that its certificate holds."
        return [Finding(name, State.WRONG, str(error), advice)]
    if _status(alive) == "misconfigured":
        advice = "Run doctor with the settings of that app (--settings)."
        return [Finding(name, State.WRONG, f"{url} says that its settings are wrong.", advice)]
    if alive.status != 200 or _status(alive) != "ok":
        detail = f"{url}/healthz is not answered by this app ({phrase(alive.status)})."
        advice = (
            "See where the name leads: to another site, a proxy's page, an app that is stopped?"
        )
        return [Finding(name, State.WRONG, detail, advice)]
    if ready.status != 200:
        detail = f"{url} serves, but its stores do not answer it ({phrase(ready.status)})."
        advice = "See what is said of tables, blobs and queues, and of the app's own identity."
        return [Finding(name, State.WRONG, detail, advice)]
    found.append(Finding(name, State.OK, f"{url} serves, and its stores answer."))
    return found


async def _pixel(url: str) -> list[Finding]:
    try:
        reply = await _get(url, PIXEL)
    except RemoteError as error:
        return [Finding("pixel", State.WRONG, error.detail, "See that the public app runs.")]
    if reply.status != 200 or len(reply.body) != PIXEL_BYTES:
        detail = f"{url} serves, but not the pixel ({phrase(reply.status)})."
        advice = "The name has to lead to the app of the surface public (or all), with its paths."
        return [Finding("pixel", State.WRONG, detail, advice)]
    return [Finding("pixel", State.OK, "It is served, so tracked URLs lead here.")]


def _status(reply: Reply) -> object:
    return reply.value.get("status") if isinstance(reply.value, dict) else None


async def _get(url: str, path: str) -> Reply:
    # Once: who asks how things are wants no second try.
    deployment = Deployment(url, {}, pauses=())
    try:
        return await deployment.call("GET", path)
    finally:
        await deployment.close()
