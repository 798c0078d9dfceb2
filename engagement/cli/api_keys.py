"""``keys``: the API keys of an organization."""

from __future__ import annotations

import argparse
from typing import Any

from engagement.cli import connection
from engagement.cli.connection import Connection, an_id, connected, organization_path
from engagement.cli.terminal import CommandError, Terminal


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    group = commands.add_parser("keys", help="list, issue, revoke, rotate API keys")
    actions = group.add_subparsers(metavar="action", required=True)
    for name, run, text in (
        ("list", list_keys, "list them, without their secrets"),
        ("issue", issue, "issue another one and print it"),
        ("revoke", revoke, "revoke one at once"),
        ("rotate", rotate, "issue another one, and revoke the old one when the CRM has it"),
    ):
        parser = actions.add_parser(name, parents=[connection.options(), shared], help=text)
        parser.add_argument("organization", type=an_id)
        if name in ("revoke", "rotate"):
            parser.add_argument("key", type=an_id, help="its id, as list shows it")
            parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.set_defaults(run=run)


async def list_keys(options: argparse.Namespace, terminal: Terminal) -> None:
    """List the keys, oldest first."""
    async with connected(options, terminal) as deployment:
        items = await _items(deployment, options.organization)
    if options.json:
        terminal.show_json(items)
    else:
        rows = [(item["key_id"], item["created_at"]) for item in items]
        terminal.table(("key", "created"), rows)


async def issue(options: argparse.Namespace, terminal: Terminal) -> None:
    """Issue a key and print it, alone."""
    async with connected(options, terminal) as deployment:
        await _issue(deployment, options, terminal)


async def revoke(options: argparse.Namespace, terminal: Terminal) -> None:
    """Revoke a key."""
    async with connected(options, terminal) as deployment:
        items = await _items(deployment, options.organization)
        _check_known(items, options)
        last = " It is the last one: only the administrator can issue another." * (len(items) == 1)
        terminal.confirm(
            f"Whoever uses key {options.key} is refused from now on.{last}", yes=options.yes
        )
        await _revoke(deployment, options, terminal)


async def rotate(options: argparse.Namespace, terminal: Terminal) -> None:
    """Issue a key, have the caller changed, revoke the old one."""
    async with connected(options, terminal) as deployment:
        _check_known(await _items(deployment, options.organization), options)
        if not options.yes and not terminal.stdin.isatty():
            # Before anything is issued that nobody would go on with.
            terminal.confirm(f"Key {options.key} is revoked at the end.", yes=False)
        await _issue(deployment, options, terminal)
        try:
            terminal.confirm(
                f"Give the new key to the caller. Key {options.key} holds until you go on.",
                yes=options.yes,
            )
            await _revoke(deployment, options, terminal)
        except CommandError as error:
            raise CommandError(
                f"{error}\nBoth keys hold: revoke {options.key} when nobody uses it any more.",
                error.code,
            ) from error


async def _items(deployment: Connection, organization: str) -> list[dict[str, Any]]:
    answer = await deployment.ask("GET", organization_path(organization, "api-keys"))
    items: list[dict[str, Any]] = answer["items"]
    return items


def _check_known(items: list[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.key not in {item["key_id"] for item in items}:
        raise CommandError(f"{options.organization} has no key {options.key}.")


async def _issue(deployment: Connection, options: argparse.Namespace, terminal: Terminal) -> None:
    path = organization_path(options.organization, "api-keys")
    # Not sent twice: a key whose answer got lost would be one that nobody knows.
    value = await deployment.ask("POST", path, repeatable=False)
    if options.json:
        terminal.show_json(value)
        return
    terminal.say(f"Key {value['key_id']} is issued. It is shown only now.")
    terminal.show(value["api_key"])


async def _revoke(deployment: Connection, options: argparse.Namespace, terminal: Terminal) -> None:
    await deployment.ask("DELETE", organization_path(options.organization, "api-keys", options.key))
    terminal.say(f"Key {options.key} is revoked.")
