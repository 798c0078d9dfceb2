"""``organizations``: create, rename, delete, settings."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from engagement.cli import connection
from engagement.cli.connection import an_id, connected, organization_path, success
from engagement.cli.terminal import FAILED, WRONG_USE, CommandError, Terminal

SHOWN_ONCE = "This is its API key. It is shown only now: keep it where the CRM finds it."


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parents = [connection.options(), shared]
    group = commands.add_parser("organizations", help="create, rename, delete, settings")
    actions = group.add_subparsers(metavar="action", required=True)
    for name, run, text in (
        ("create", create, "create one and print its first API key"),
        ("rename", rename, "give one another name"),
    ):
        parser = actions.add_parser(name, parents=parents, help=text)
        parser.add_argument("organization", type=an_id, help="its id, as in the API's paths")
        parser.add_argument("--name", required=True, help="what people call it")
        parser.set_defaults(run=run)
    parser = actions.add_parser("delete", parents=parents, help="delete one with all it holds")
    parser.add_argument("organization", type=an_id)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=delete)
    _add_settings(actions, parents)


def _add_settings(actions: Any, parents: list[argparse.ArgumentParser]) -> None:
    group = actions.add_parser("settings", help="show them, or change some")
    settings = group.add_subparsers(metavar="action", required=True)
    parser = settings.add_parser("show", parents=parents, help="print them as JSON")
    parser.add_argument("organization", type=an_id)
    parser.set_defaults(run=show_settings)
    parser = settings.add_parser("set", parents=parents, help="change those that a file names")
    parser.add_argument("organization", type=an_id)
    parser.add_argument("file", help="JSON with some of what show prints; - is the standard input")
    parser.set_defaults(run=set_settings)


async def create(options: argparse.Namespace, terminal: Terminal) -> None:
    """Create an organization; one that is there already is left alone."""
    path = organization_path(options.organization)
    async with connected(options, terminal) as deployment:
        found = await deployment.reply("GET", f"{path}/settings")
        if found.status == 200:
            raise CommandError("This organization exists already; rename gives it another name.")
        if found.status != 404:
            success(found)
        value = await deployment.ask("PUT", path, {"name": options.name})
    if "api_key" not in value:
        raise CommandError(
            "The organization is there, but the answer with its API key got lost: list its keys, "
            "revoke the one that nobody knows, and issue another.",
            FAILED,
        )
    if options.json:
        terminal.show_json(value)
        return
    terminal.say(f"Created {value['id']} ({value['name']}), key {value['key_id']}. {SHOWN_ONCE}")
    terminal.show(value["api_key"])


async def rename(options: argparse.Namespace, terminal: Terminal) -> None:
    """Rename an organization that exists."""
    path = organization_path(options.organization)
    async with connected(options, terminal) as deployment:
        # PUT would create it.
        await deployment.ask("GET", f"{path}/settings")
        value = await deployment.ask("PUT", path, {"name": options.name})
    if options.json:
        terminal.show_json(value)
    else:
        terminal.say(f"{value['id']} is called {value['name']} now.")


async def delete(options: argparse.Namespace, terminal: Terminal) -> None:
    """Delete an organization with everything in it."""
    path = organization_path(options.organization)
    async with connected(options, terminal) as deployment:
        # Before anybody confirms something that is not there.
        await deployment.ask("GET", f"{path}/settings")
        terminal.confirm(
            f"This deletes {options.organization} with all its messages, timelines and keys. "
            "Links in its mail lead nowhere from then on. It cannot be undone.",
            yes=options.yes,
            answer=options.organization,
        )
        await deployment.ask("DELETE", path)
    terminal.say(f"{options.organization} is deleted.")


async def show_settings(options: argparse.Namespace, terminal: Terminal) -> None:
    """Print the settings."""
    path = organization_path(options.organization, "settings")
    async with connected(options, terminal) as deployment:
        terminal.show_json(await deployment.ask("GET", path))


async def set_settings(options: argparse.Namespace, terminal: Terminal) -> None:
    """Change those settings that a file names, and print all."""
    if options.file == "-" and options.key_stdin:
        raise CommandError("The standard input is either the key or the settings.", WRONG_USE)
    changes = _changes(options.file, terminal)
    path = organization_path(options.organization, "settings")
    async with connected(options, terminal) as deployment:
        value = await deployment.ask("PATCH", path, changes)
    terminal.say("Changed; every instance knows within a minute.")
    terminal.show_json(value)


def _changes(file: str, terminal: Terminal) -> Any:
    try:
        return json.loads(terminal.read() if file == "-" else Path(file).read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", WRONG_USE) from error
    except ValueError as error:
        raise CommandError(f"{file} is no JSON: {error}", WRONG_USE) from error
