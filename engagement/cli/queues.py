"""``queues``: what waits, and what failed too often to go on waiting (poison).

They work on the storage itself, with the deployment's settings.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from engagement.cli import settings
from engagement.cli.terminal import Terminal, number
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.queue_messages import QueueMessage, QueueMessages
from engagement.storage.queues import PATIENT_SECONDS, Queue
from engagement.storage.wire import Wire

POISON = [keys.poison(name) for name in keys.QUEUES]


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parents = [settings.options(), shared]
    group = commands.add_parser("queues", help="what waits; poison messages")
    actions = group.add_subparsers(metavar="action", required=True)
    parser = actions.add_parser("list", parents=parents, help="lengths and ages")
    parser.set_defaults(run=list_queues)
    parser = actions.add_parser("peek", parents=parents, help="look at the first, taking none")
    parser.add_argument("queue", choices=[*keys.QUEUES, *POISON])
    parser.add_argument(
        "--bodies", action="store_true", help="with what they say, which may be personal"
    )
    parser.set_defaults(run=peek)
    for name, run, text in (
        ("put-back", put_back, "have what failed tried again, five times"),
        ("discard", discard, "throw away what failed, and print it"),
    ):
        parser = actions.add_parser(name, parents=parents, help=text)
        parser.add_argument("queue", choices=keys.QUEUES, help="the queue that it failed in")
        parser.add_argument(
            "--most", metavar="NUMBER", type=int, help="at most so many; all unless given"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.set_defaults(run=run)


@asynccontextmanager
async def opened(options: argparse.Namespace, terminal: Terminal) -> AsyncIterator[Wire]:
    """Open the queues of the deployment that the settings name."""
    account = Account(settings.data_of(settings.read_settings(options, terminal), terminal))
    wire = Wire(account)
    try:
        yield wire
    finally:
        await wire.close()
        await account.close()


async def list_queues(options: argparse.Namespace, terminal: Terminal) -> None:
    """Show each queue with its length and the age of its oldest message."""
    now = datetime.now(UTC)
    rows = []
    async with opened(options, terminal) as wire:
        for name in (*keys.QUEUES, *POISON):
            queue = Queue(wire, name)
            count = await queue.count(PATIENT_SECONDS)
            rows.append((name, count, await queue.oldest(PATIENT_SECONDS)))
    if options.json:
        terminal.show_json(
            [
                {"queue": name, "count": count, "oldest_at": at.isoformat() if at else None}
                for name, count, at in rows
            ]
        )
        return
    ages = [(name, count, age(now - at) if at else None) for name, count, at in rows]
    terminal.table(("queue", "messages", "oldest"), ages)


async def peek(options: argparse.Namespace, terminal: Terminal) -> None:
    """Show the first messages of a queue."""
    async with opened(options, terminal) as wire:
        messages = await QueueMessages(wire, options.queue).peek()
    values = [_value(message, bodies=options.bodies) for message in messages]
    if options.json:
        terminal.show_json(values)
        return
    head = ("id", "inserted", "tries", "bytes")
    terminal.table(head, [[value[name] for name in ("id", *_FIELDS)] for value in values])
    if options.bodies:
        for value in values:
            terminal.show(f"\n{value['id']}\n{value['body']}")


async def put_back(options: argparse.Namespace, terminal: Terminal) -> None:
    """Put poison messages back into their queue; one may be there twice after a crash."""

    async def back(wire: Wire, message: QueueMessage) -> None:
        # Before it is deleted: twice is harmless, as functions may get anything twice.
        await QueueMessages(wire, options.queue).put(message.text)

    count = await _each(options, terminal, back, "Putting back")
    if options.json:
        terminal.show_json({"count": count})
    else:
        terminal.say(f"Put {number(count, 'message')} back into {options.queue}.")


async def discard(options: argparse.Namespace, terminal: Terminal) -> None:
    """Throw poison messages away, and print each, one JSON a line."""

    async def tell(_: Wire, message: QueueMessage) -> None:
        terminal.show(json.dumps(_value(message, bodies=True), ensure_ascii=False))

    count = await _each(options, terminal, tell, "Discarding")
    terminal.say(f"Discarded {number(count, 'message')} of {keys.poison(options.queue)}.")


_FIELDS = ("inserted_at", "tries", "bytes")


def _value(message: QueueMessage, *, bodies: bool) -> dict[str, Any]:
    value = {
        "id": message.id,
        "inserted_at": message.inserted_at.isoformat(),
        "tries": message.tries,
        "bytes": len(message.body.encode()),
    }
    return {**value, "body": message.body} if bodies else value


async def _each(
    options: argparse.Namespace,
    terminal: Terminal,
    work: Callable[[Wire, QueueMessage], Awaitable[None]],
    title: str,
) -> int:
    """Do *work* with each poison message and delete it; return how many there were.

    Those that fail again meanwhile come back at the end, so it stops at the number of the start.
    """
    done = 0
    async with opened(options, terminal) as wire:
        poison = QueueMessages(wire, keys.poison(options.queue))
        most = await Queue(wire, poison.name).count(PATIENT_SECONDS)
        if options.most is not None:
            most = min(most, max(options.most, 0))
        if not most:
            return 0
        terminal.confirm(f"{title} {number(most, 'message')} of {poison.name}.", yes=options.yes)
        with terminal.progress(title, most) as advance:
            async for message in poison.take(most):
                await work(wire, message)
                await poison.delete(message)
                done += 1
                advance(done)
    return done


def age(span: timedelta) -> str:
    """Return a span of time as people say it."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
