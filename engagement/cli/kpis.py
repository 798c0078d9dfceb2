"""``kpis recompute``: the days of a period, one after the other."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import Any

from engagement.cli import connection
from engagement.cli.connection import Connection, an_id, connected, organization_path
from engagement.cli.terminal import WRONG_USE, CommandError, Terminal


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    group = commands.add_parser("kpis", help="recompute those of a period")
    actions = group.add_subparsers(metavar="action", required=True)
    parser = actions.add_parser(
        "recompute",
        parents=[connection.options(), shared],
        help="recompute each day of a period; needs a key of the organization",
    )
    parser.add_argument("organization", type=an_id)
    for name, text in (("from", "first day, such as 2026-11-01"), ("to", "last day")):
        parser.add_argument(
            f"--{name}", dest=f"{name}_", metavar="DAY", type=a_day, required=True, help=text
        )
    parser.set_defaults(run=recompute)


def a_day(text: str) -> date:
    """Read a day from the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day looks like 2026-11-01") from None


async def recompute(options: argparse.Namespace, terminal: Terminal) -> None:
    """Recompute the days; what is done stays done if it ends before."""
    count = (options.to_ - options.from_).days + 1
    if count < 1:
        raise CommandError("The last day is before the first.", WRONG_USE)
    days = [options.from_ + timedelta(days=number) for number in range(count)]
    done: list[dict[str, Any]] = []
    async with connected(options, terminal, organization=True) as deployment:
        try:
            with terminal.progress("Recomputing days", count) as advance:
                for day in days:
                    done.append(await _recompute(deployment, options.organization, day))
                    advance(len(done), day.isoformat())
        except BaseException:
            if done:
                terminal.say(f"Done up to {done[-1]['on']}; go on with --from {days[len(done)]}.")
            raise
    if options.json:
        terminal.show_json(done)
        return
    head = ("day", "messages", "sent", "opened", "replied")
    fields = ("sent_count", "opened_count", "replied_count")
    terminal.table(
        head,
        [(d["on"], d["message_count"], *(d["totals"][field] for field in fields)) for d in done],
    )


async def _recompute(deployment: Connection, organization: str, day: date) -> dict[str, Any]:
    after, count = None, 0
    while True:
        path = organization_path(organization, "kpis", "recompute", continuation=after)
        value: dict[str, Any] = await deployment.ask("POST", path, {"on": day.isoformat()})
        count += value["message_count"]
        after = value["continuation"]
        if after is None:
            return {"on": value["on"], "message_count": count, "totals": value["totals"]}
