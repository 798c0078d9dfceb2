"""``signing-keys``: make, list, rotate, revoke what signs links and webhooks' secrets."""

from __future__ import annotations

import argparse
import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engagement.cli.key_lists import chosen
from engagement.cli.key_lists import options as where
from engagement.cli.terminal import WRONG_USE, CommandError, Terminal
from engagement.domain.signing_key import (
    FROM,
    HIGHEST_ID,
    KEY_BYTES,
    SigningKey,
    beginnings,
    read_signing_keys,
    signing_id,
    write_signing_keys,
)

#: Azure looks at a Key Vault reference again within 24 hours:
#: https://learn.microsoft.com/azure/app-service/app-service-key-vault-references#rotation
DELAY = timedelta(hours=25)
NOW = "now"


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    group = commands.add_parser("signing-keys", help="make, list, rotate, revoke signing keys")
    actions = group.add_subparsers(metavar="action", required=True)
    parser = actions.add_parser("new", parents=[shared], help="print a list with one new key")
    parser.set_defaults(run=new)
    parents = [where(), shared]
    parser = actions.add_parser("list", parents=parents, help="show ids and states, never keys")
    parser.set_defaults(run=list_keys)
    parser = actions.add_parser("rotate", parents=parents, help="add a key that signs later")
    parser.add_argument(
        "--at",
        metavar="TIME",
        type=a_moment,
        help=f"UTC time from which it signs, such as 2026-11-23T12:00Z, or {NOW}; "
        "in 25 hours unless given",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=rotate)
    parser = actions.add_parser("revoke", parents=parents, help="take one off the list")
    parser.add_argument("key", type=int, help="its id")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=revoke)


def a_moment(text: str) -> datetime:
    """Read a UTC time from the command line."""
    if text == NOW:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromisoformat(text if FROM.fullmatch(text) else "")
    except ValueError:
        raise argparse.ArgumentTypeError("a time looks like 2026-11-23T12:00Z") from None


async def new(options: argparse.Namespace, terminal: Terminal) -> None:
    """Print the list of a deployment that has none yet."""
    value = write_signing_keys([SigningKey(1, secrets.token_bytes(KEY_BYTES))])
    if options.json:
        terminal.show_json({"signing_keys": value})
    else:
        terminal.show(value)


async def list_keys(options: argparse.Namespace, terminal: Terminal) -> None:
    """Show what is on the list."""
    now = datetime.now(UTC)
    async with chosen(options, terminal) as kept:
        keys = read_signing_keys(await kept.read())
    rows = [
        {
            "id": key.id,
            "fingerprint": fingerprint(key),
            "state": state(key, keys, now),
            "from": key.begins_at.isoformat() if key.begins_at else None,
        }
        for key in sorted(keys.values(), key=lambda key: key.id)
    ]
    if options.json:
        terminal.show_json(rows)
    else:
        head = ("id", "fingerprint", "state", "from")
        terminal.table(head, [[row[name] for name in head] for row in rows])


async def rotate(options: argparse.Namespace, terminal: Terminal) -> None:
    """Add a key with the next id, which signs when every instance knows it."""
    now = datetime.now(UTC)
    begins_at = options.at or (now + DELAY).replace(second=0, microsecond=0)
    if begins_at < now - timedelta(minutes=5):
        raise CommandError("A key cannot begin to sign in the past.", WRONG_USE)
    async with chosen(options, terminal) as kept:
        keys = read_signing_keys(await kept.read())
        waiting = [key for key in keys.values() if not key.begun(now)]
        if waiting:
            raise CommandError(
                f"Key {waiting[0].id} waits until {_minute(waiting[0].begins_at)} already; let it "
                "begin, or revoke it."
            )
        highest = max(keys)
        if highest == HIGHEST_ID:
            raise CommandError(f"There is no id above {HIGHEST_ID}.")
        key = SigningKey(highest + 1, secrets.token_bytes(KEY_BYTES), begins_at)
        if begins_at < now + timedelta(hours=24):
            terminal.confirm(
                f"Key {key.id} signs from {_minute(begins_at)}. Instances that have not read the "
                "list by then answer its links as unknown ones, and Azure may take 24 hours to "
                "have them read it, restarted or not: have both apps read it at once "
                '(docs/deploying.md, "Changing a secret").',
                yes=options.yes,
            )
        await kept.write(write_signing_keys([*keys.values(), key]))
    terminal.say(
        f"Key {key.id} ({fingerprint(key)}) verifies as soon as an instance knows it, and signs "
        f"from {_minute(begins_at)}.\n{kept.afterwards} Keep the keys before it: links in sent "
        "mail need them."
    )


async def revoke(options: argparse.Namespace, terminal: Terminal) -> None:
    """Take a key off the list, and with it everything that it signed."""
    now = datetime.now(UTC)
    async with chosen(options, terminal) as kept:
        keys = dict(read_signing_keys(await kept.read()))
        if options.key not in keys:
            raise CommandError(f"There is no key {options.key}.")
        if len(keys) == 1:
            raise CommandError("This is the only key: without one nothing is signed. Rotate first.")
        if signing_id(keys, beginnings(keys.values()), now) == options.key:
            raise CommandError(
                f"Key {options.key} signs now. Rotate first (--at {NOW} if it is known to a "
                "stranger), and revoke it when the new one signs."
            )
        terminal.confirm(_warning(keys[options.key], now), yes=options.yes)
        del keys[options.key]
        await kept.write(write_signing_keys(keys.values()))
    terminal.say(f"Key {options.key} is off the list. {kept.afterwards}")


def fingerprint(key: SigningKey) -> str:
    """Return what tells keys apart and gives none away."""
    return hashlib.sha256(key.key).hexdigest()[:12]


def state(key: SigningKey, keys: Mapping[int, SigningKey], now: datetime) -> str:
    """Return what a key does now."""
    if signing_id(keys, beginnings(keys.values()), now) == key.id:
        return "signs"
    return "verifies" if key.begun(now) else "waits"


def _warning(key: SigningKey, now: datetime) -> str:
    if not key.begun(now):
        return f"Key {key.id} has signed nothing yet; it will not begin."
    return (
        f"Revoking key {key.id} cannot be made good by another key:\n"
        "- every link, pixel and attachment in mail that it signed answers as an unknown one;\n"
        "- secrets of webhooks derived from it are gone: their deliveries fail until each is "
        "rotated (rotate-secret)."
    )


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
