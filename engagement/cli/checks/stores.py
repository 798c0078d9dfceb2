"""Tables, blobs, queues: whether they let us in, what waits in them, what time it is there."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from engagement.cli.checks.finding import Finding, Scene, State
from engagement.cli.queues import age
from engagement.cli.terminal import number
from engagement.errors import StorageError
from engagement.storage import keys
from engagement.storage.probes import NO_SIGN_IN, Probes
from engagement.storage.queue_messages import RefusedError
from engagement.storage.queues import PATIENT_SECONDS, Queue

#: Clocks that differ by more are worth a look; Azure refuses requests from 15 minutes on.
NOTICED, REFUSED = timedelta(seconds=60), timedelta(minutes=15)
#: Older than this, nobody is taking from a queue.
OLD = timedelta(minutes=10)
DATA = "ENGAGEMENT_DATA"


async def identity(scene: Scene) -> list[Finding]:
    """Tell whose roles are tried."""
    if scene.account is None or scene.account.data.connection_string or scene.in_azure:
        return []
    detail = "Roles are tried as whoever is signed in here; those of the app's own identity cannot."
    return [Finding("identity", State.SKIPPED, detail)]


async def tables(scene: Scene) -> list[Finding]:
    """Try to write, read and remove a row."""
    return await _tried(scene, "tables", Probes.tables, "Storage Table Data Contributor")


async def blobs(scene: Scene) -> list[Finding]:
    """Try to write, read and remove a blob."""
    return await _tried(scene, "blobs", Probes.blobs, "Storage Blob Data Contributor")


async def queues(scene: Scene) -> list[Finding]:
    """Try to put, take and delete a message."""
    return await _tried(scene, "queues", Probes.queues, "Storage Queue Data Contributor")


async def delegation_key(scene: Scene) -> list[Finding]:
    """Try to get what signs URLs of large attachments."""
    if scene.account is not None and scene.account.data.connection_string:
        return []

    async def ask(probes: Probes) -> None:
        await probes.delegation_key(scene.now)

    return await _tried(scene, "signed URLs", ask, "Storage Blob Delegator")


async def clock(scene: Scene) -> list[Finding]:
    """Compare this machine's clock with the store's."""
    if scene.account is None or scene.wire is None:
        return []
    begun = time.monotonic()
    before = datetime.now(UTC)
    try:
        there = await Probes(scene.account, scene.wire).clock()
    except StorageError:
        there = None
    if there is None:
        return [Finding("clock", State.SKIPPED, "The store did not say what time it is.")]
    # It was said at some time between question and answer, and is cut to whole seconds.
    took = timedelta(seconds=time.monotonic() - begun)
    skew = max(there - (before + took), before - (there + timedelta(seconds=1)), timedelta())
    shown = f"This clock and the store's differ by {age(skew)}"
    if skew > REFUSED:
        advice = "Set it by NTP: Azure refuses requests of clocks that are 15 minutes off."
        return [Finding("clock", State.WRONG, f"{shown}.", advice)]
    if skew > NOTICED:
        advice = "Set it by NTP: verdicts go by seconds since the hand-over."
        return [Finding("clock", State.WARNING, f"{shown}.", advice)]
    return [Finding("clock", State.OK, "It agrees with the store's to a minute.")]


async def waiting(scene: Scene) -> list[Finding]:
    """Tell what has waited too long, and what is poison."""
    if scene.wire is None:
        return []
    found = []
    for name in keys.QUEUES:
        found += await _queue(scene, name, keys.poison(name))
    return found


async def _queue(scene: Scene, name: str, poison: str) -> list[Finding]:
    assert scene.wire is not None  # noqa: S101 - the caller looked
    shown = f"queue {name}"
    try:
        count = await Queue(scene.wire, name).count(PATIENT_SECONDS)
        failed = await Queue(scene.wire, poison).count(PATIENT_SECONDS)
        since = await Queue(scene.wire, name).oldest(PATIENT_SECONDS)
    except StorageError as error:
        return [Finding(shown, State.SKIPPED, error.detail)]
    oldest = scene.now - since if since else timedelta()
    found = []
    if oldest > OLD:
        found.append(
            Finding(
                shown,
                State.WARNING,
                f"{number(count, 'message')} waiting, the oldest for {age(oldest)}.",
                "See that the private app runs and that its queue functions are not disabled.",
            )
        )
    if failed:
        found.append(
            Finding(
                shown,
                State.WARNING,
                f"{number(failed, 'message')} failed five times, now in {poison}.",
                f"python -m engagement queues peek {poison} shows them; mend the cause, then "
                f"queues put-back {name}, or discard.",
            )
        )
    return found or [Finding(shown, State.OK, f"{number(count, 'message')} waiting, none failed.")]


async def _tried(
    scene: Scene, name: str, probe: Callable[[Probes], Awaitable[None]], role: str
) -> list[Finding]:
    if scene.account is None or scene.wire is None:
        return [Finding(name, State.SKIPPED, f"{DATA} does not say where they are.")]
    try:
        await probe(Probes(scene.account, scene.wire))
    except RefusedError as error:
        advice = _advice(error, role, by_key=bool(scene.account.data.connection_string))
        return [Finding(name, State.WRONG, error.detail, advice)]
    except StorageError as error:
        return [
            Finding(
                name,
                State.WRONG,
                error.detail,
                f"See that the address in {DATA} is right, that it can be reached from here, and "
                "on a developer's machine that Azurite runs.",
            )
        ]
    return [Finding(name, State.OK, "Reading and writing works.")]


def _advice(error: RefusedError, role: str, *, by_key: bool) -> str:
    if error.code == NO_SIGN_IN:
        return "Nobody is signed in: run az login, in the tenant of the deployment."
    if error.code == "KeyBasedAuthenticationNotPermitted":
        return f"The account takes no keys: set {DATA}__tableServiceUri and the others instead."
    if error.refusal in (401, 403) and by_key:
        return f"The account's name or key in {DATA} is wrong, or this machine's clock is."
    if error.refusal in (401, 403):
        return (
            f"Give the identity the role {role} on the storage account, which takes up to ten "
            "minutes to hold, and see that the account's firewall lets this machine in."
        )
    return "Try again; if it stays, look at the storage account's health in the portal."
