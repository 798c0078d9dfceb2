"""The command lines that the hooks call: az, which is signed in, and azd, which keeps values."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class HookError(Exception):
    """Provisioning cannot go on; says what to do."""


def az(*arguments: str) -> Any:
    """Run ``az`` and return what it answered, read from JSON; raises HookError if it fails."""
    answer = _run("az", *arguments, "--output", "json", "--only-show-errors")
    return json.loads(answer) if answer.strip() else None


def keep(environment_name: str, name: str, value: str) -> None:
    """Keep a value in one of azd's environments, from which later steps and runs get it."""
    _run("azd", "env", "set", name, value, "--environment", environment_name)


@contextmanager
def passed(content: Any) -> Iterator[str]:
    """Yield an argument that stands for *content*, in a file that only this user can read.

    What is on a command line, every user of the machine can see; and cmd.exe reads quotes its way.
    """
    handle, name = tempfile.mkstemp(suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
        yield f"@{name}"
    finally:
        Path(name).unlink()


def say(text: str) -> None:
    """Tell whoever deploys; never a secret."""
    print(text, flush=True)


def _run(program: str, *arguments: str) -> str:
    # By its whole path: on Windows az is a file az.cmd, which is not found by its name alone.
    path = shutil.which(program)
    if path is None:
        raise HookError(f"{program} is not installed; docs/deploying.md says where to get it.")
    done = subprocess.run([path, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        shown = " ".join((program, *arguments[:3]))
        raise HookError(f"{shown} failed with {done.returncode}; its reason is above.")
    return done.stdout
