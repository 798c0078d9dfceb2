"""``doctor``: looks at everything that a deployment stands on, and says what to do."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from engagement.cli import settings as sources
from engagement.cli.checks import machine, settings, stores, systems
from engagement.cli.checks.finding import Check, Finding, Scene, State
from engagement.cli.connection import URL, app_url
from engagement.cli.terminal import DONE, FAILED, Terminal
from engagement.errors import ConfigurationError
from engagement.remote.sign_in import SignIn
from engagement.storage.account import Account
from engagement.storage.wire import Wire

CHECKS: tuple[Check, ...] = (
    machine.python,
    machine.packages,
    settings.settings,
    settings.values,
    settings.names,
    settings.administrator_key,
    settings.signing_keys,
    systems.public_url,
    systems.private_url,
    stores.clock,
    stores.identity,
    stores.tables,
    stores.blobs,
    stores.delegation_key,
    stores.queues,
    stores.waiting,
    machine.spill,
    systems.entra,
    systems.smtp,
    systems.graph,
)


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        parents=[sources.options(), shared],
        help="check settings, roles, queues, clocks, and say what to do",
        description="Looks at everything that a deployment stands on. It writes and removes a "
        "row, a blob and a message of its own (doctorprobes), and sends no mail.",
    )
    parser.add_argument("--url", help=f"of the private app, to ask it as well ({URL})")
    parser.set_defaults(run=doctor)


async def doctor(options: argparse.Namespace, terminal: Terminal) -> int:
    """Run every check; return 1 if something is wrong."""
    findings: list[Finding] = []
    if options.settings is None:
        terminal.say("Looking at the settings of this environment; --settings FILE names others.")
    async with _scene(options, terminal) as scene:
        with terminal.progress("Looking", len(CHECKS)) as advance:
            done = 0

            async def look(check: Check) -> list[Finding]:
                nonlocal done
                found = await _examined(check, scene)
                done += 1
                advance(done, check.__name__)
                return found

            for found in await asyncio.gather(*(look(check) for check in CHECKS)):
                findings += found
    if options.json:
        terminal.show_json([asdict(finding) for finding in findings])
    else:
        _show(findings, terminal)
    return FAILED if any(finding.state is State.WRONG for finding in findings) else DONE


async def _examined(check: Check, scene: Scene) -> list[Finding]:
    name = check.__name__.replace("_", " ")
    try:
        return await check(scene)
    except Exception as error:  # noqa: BLE001 - the others are looked at all the same
        # Without its text, which may quote anything.
        detail = f"The check itself failed ({type(error).__name__})."
        return [Finding(name, State.WRONG, detail, "This is a fault of ours: please report it.")]


@asynccontextmanager
async def _scene(options: argparse.Namespace, terminal: Terminal) -> AsyncIterator[Scene]:
    values = dict(sources.read_settings(options, terminal))
    unresolved: dict[str, str] = {}
    if options.settings is not None:
        # The app is given secrets in place of references; whoever reads a list is not.
        sign_in = SignIn()
        try:
            values, unresolved = await sources.resolved(values, sign_in)
        finally:
            await sign_in.close()
    config, problems = settings.read_config(values)
    account, wire = None, None
    try:
        account = Account(sources.data_of(values, terminal))
        wire = Wire(account)
    except (ConfigurationError, ValueError) as error:
        problems.setdefault(stores.DATA, str(error))
    try:
        yield Scene(
            settings=values,
            unresolved=unresolved,
            config=config,
            problems=problems,
            account=account if wire else None,
            wire=wire,
            url=app_url(options.url or terminal.environment.get(URL, "").strip()) or None,
            in_azure=bool(terminal.environment.get(sources.IN_AZURE)),
            now=datetime.now(UTC),
        )
    finally:
        if wire is not None:
            await wire.close()
        if account is not None:
            await account.close()


def _show(findings: list[Finding], terminal: Terminal) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        terminal.show(f"{finding.state:8} {finding.check:{width}}  {finding.detail}")
        if finding.advice:
            terminal.show(f"{'':8} {'':{width}}  → {finding.advice}")
    counts = {state: sum(one.state is state for one in findings) for state in State}
    wrong, warnings = counts[State.WRONG], counts[State.WARNING]
    terminal.say(f"{wrong} wrong, {warnings} to look at, {counts[State.OK]} well.")
