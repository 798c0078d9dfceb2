"""Reads the command line and runs the command."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence

from engagement.cli import (
    api_keys,
    dead_letters,
    doctor,
    kpis,
    organizations,
    queues,
    signing_keys,
    verdicts,
)
from engagement.cli.terminal import (
    DONE,
    FAILED,
    STOPPED,
    TRY_AGAIN,
    WRONG_USE,
    CommandError,
    Terminal,
)
from engagement.errors import ConfigurationError, EngagementError, StorageError

COMMANDS = (
    organizations,
    api_keys,
    kpis,
    verdicts,
    dead_letters,
    queues,
    signing_keys,
    doctor,
)
EPILOG = """\
results go to the standard output, everything else to the standard error

exit codes:
  0    done
  1    refused, or the doctor found something wrong
  2    wrong use of the command line
  3    no answer, or not now: try again
  130  stopped by Ctrl-C
"""


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    made = argparse.ArgumentParser(
        prog="python -m engagement",
        description="Administers a deployment of Engagement.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # After the command, as people add it there.
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="write results as JSON, for scripts")
    commands = made.add_subparsers(metavar="command", required=True)
    for command in COMMANDS:
        command.add(commands, shared)
    return made


def main(arguments: Sequence[str], terminal: Terminal) -> int:
    """Run a command and return its exit code."""
    # What they log is told by errors, in fewer words.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    try:
        options = parser().parse_args(arguments)
    except SystemExit as exit_:
        # argparse has said what is wrong, or helped.
        return int(exit_.code or DONE)
    try:
        code: int | None = asyncio.run(options.run(options, terminal))
    except KeyboardInterrupt:
        terminal.say("Stopped.")
        return STOPPED
    except (CommandError, ConfigurationError, EngagementError, ModuleNotFoundError) as error:
        text, code = _failure(error)
        terminal.say(text)
    return code or DONE


def _failure(error: Exception) -> tuple[str, int]:
    """Return what to tell of an error, and the exit code."""
    if isinstance(error, CommandError):
        return str(error), error.code
    if isinstance(error, ConfigurationError):
        return str(error), WRONG_USE
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed: pip install -r requirements-cli.txt", FAILED
    return str(error), TRY_AGAIN if isinstance(error, StorageError) else FAILED
