"""``dead-letters replay``: deliver again what a webhook's endpoint missed."""

from __future__ import annotations

import argparse
import re
from typing import Any

from engagement.cli import connection
from engagement.cli.connection import an_id, connected, organization_path
from engagement.cli.terminal import Terminal, number

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    group = commands.add_parser("dead-letters", help="deliver to a webhook again")
    actions = group.add_subparsers(metavar="action", required=True)
    parser = actions.add_parser(
        "replay",
        parents=[connection.options(), shared],
        help="deliver what was given up since a time; needs a key of the organization",
    )
    parser.add_argument("organization", type=an_id)
    parser.add_argument("webhook", type=an_id, help="its id")
    parser.add_argument(
        "--since", metavar="TIME", type=a_time, required=True, help="such as 2026-11-25T00:00:00Z"
    )
    parser.set_defaults(run=replay)


def a_time(text: str) -> str:
    """Read a time from the command line."""
    if not TIME.fullmatch(text):
        raise argparse.ArgumentTypeError("a time looks like 2026-11-25T00:00:00Z")
    return text


async def replay(options: argparse.Namespace, terminal: Terminal) -> None:
    """Replay until nothing is left of the time."""
    path = organization_path(options.organization, "webhooks", options.webhook, "replay")
    count, complete = 0, False
    async with connected(options, terminal, organization=True) as deployment:
        with terminal.progress("Replaying dead letters", None) as advance:
            while not complete:
                value = await deployment.ask("POST", path, {"since": options.since})
                count, complete = count + value["replayed_count"], value["complete"]
                advance(count)
    if options.json:
        terminal.show_json({"replayed_count": count})
    else:
        terminal.say(f"Sent {number(count, 'event')} on the way again.")
