"""Commands, run as a person or a script would, in this process."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from deployment import ADMIN_KEY

from engagement.cli.main import main
from engagement.cli.terminal import Terminal


class Keyboard(io.StringIO):
    """A person at the keyboard."""

    def isatty(self):
        return True


@dataclass
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """Run a command; *typed* is what a person answers, *piped* what a script feeds in."""

    def run_command(*arguments, typed=None, piped="", **environment):
        stdin = io.StringIO(piped) if typed is None else Keyboard(typed)
        out, err = io.StringIO(), io.StringIO()
        code = main([str(one) for one in arguments], Terminal(stdin, out, err, environment))
        # argparse writes for itself.
        written = capsys.readouterr()
        return Outcome(code, out.getvalue() + written.out, err.getvalue() + written.err)

    return run_command


@pytest.fixture
def admin(run, deployment):
    """Run a command as the administrator of the deployment."""

    def run_command(*arguments, **options):
        options = {
            "ENGAGEMENT_URL": deployment.url,
            "ENGAGEMENT_ADMIN_KEY": ADMIN_KEY,
            **options,
        }
        return run(*arguments, **options)

    return run_command
