"""``verdicts score``: history, judged again by today's rules."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from engagement.cli import connection
from engagement.cli.connection import an_id, connected, organization_path
from engagement.cli.terminal import Terminal, number


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    group = commands.add_parser("verdicts", help="judge history again")
    actions = group.add_subparsers(metavar="action", required=True)
    parser = actions.add_parser(
        "score",
        parents=[connection.options(), shared],
        help="judge all that was kept by the rules that hold now",
    )
    parser.add_argument("organization", type=an_id)
    parser.add_argument("--continuation", help="where an earlier run says to go on")
    parser.set_defaults(run=score)


async def score(options: argparse.Namespace, terminal: Terminal) -> None:
    """Score the whole history, a minute's worth a call."""
    messages, restated, rules = 0, 0, ""
    changes = Counter[tuple[str, str]]()
    after: str | None = options.continuation
    async with connected(options, terminal) as deployment:
        try:
            # How many messages there are nobody has counted.
            with terminal.progress("Judging messages", None) as advance:
                while True:
                    path = organization_path(
                        options.organization, "verdicts", "score", continuation=after
                    )
                    value = await deployment.ask("POST", path)
                    messages += value["message_count"]
                    restated += value["restated_count"]
                    rules, after = value["rules"], value["continuation"]
                    for one in value["changes"]:
                        changes[one["from"], one["to"]] += one["count"]
                    advance(messages, f"{changes.total()} verdicts changed")
                    if after is None:
                        break
        except BaseException:
            if after:
                terminal.say(f"What is done is done; go on with --continuation {after}")
            raise
    _show(options, terminal, (rules, messages, restated), changes)


def _show(
    options: argparse.Namespace,
    terminal: Terminal,
    totals: tuple[str, int, int],
    changes: Counter[tuple[str, str]],
) -> None:
    rules, messages, restated = totals
    rows = [(before, now, count) for (before, now), count in sorted(changes.items())]
    if options.json:
        items = [dict(zip(("from", "to", "count"), row, strict=True)) for row in rows]
        value = {"rules": rules, "message_count": messages, "restated_count": restated}
        terminal.show_json({**value, "changed_count": changes.total(), "changes": items})
        return
    terminal.say(
        f"{number(messages, 'message')} judged by rules {rules}: "
        f"{number(changes.total(), 'verdict')} changed, {restated} stand for other reasons."
    )
    if rows:
        terminal.table(("was", "is", "interactions"), rows)
