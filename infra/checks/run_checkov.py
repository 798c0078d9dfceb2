"""Runs checkov over a folder of templates and prints what it saw, as JSON.

Started by `policies.py` with the Python of checkov's own environment, so nothing of this repository
is imported here. Checkov's platform, guidelines and updates are never asked: sockets are shut.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from typing import Any


def no_network(*_arguments: object) -> None:
    """Stand in for connecting."""
    raise OSError("checkov must not reach the network")


class Failures(logging.Handler):
    """Keeps what checkov only logs: checks that failed by themselves and so said nothing."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.messages.append(record.getMessage().splitlines()[0])


def main(folder: str) -> None:
    """Print what checkov could not read, the resources that it saw, and the checks that failed."""
    socket.socket.connect = no_network  # type: ignore[method-assign]
    failures = Failures()
    logging.getLogger().addHandler(failures)
    from checkov.arm.runner import Runner
    from checkov.runner_filter import RunnerFilter

    runner = Runner()
    report = runner.run(root_folder=folder, runner_filter=RunnerFilter(framework=["arm"]))
    seen: dict[str, list[dict[str, Any]]] = {
        str(path): template["resources"] for path, template in runner.definitions.items()
    }
    records = report.failed_checks
    print(
        json.dumps(
            {
                "parsing_errors": report.parsing_errors,
                "crashed": failures.messages,
                "resources": {path: len(resources) for path, resources in seen.items()},
                "passed": len(report.passed_checks),
                "failed": [[one.check_id, one.check_name, one.resource] for one in records],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
