"""Checks the deployment: ``python -m infra.checks [folder]``; the exit code counts."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.checks.checking import check_folder
from infra.checks.definitions import WITHOUT_DEFINITION
from infra.checks.reader import read_folder


def main(arguments: list[str]) -> int:
    """Print every finding and what was not checked; return 1 if anything was found."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    findings = check_folder(folder)
    for finding in findings:
        print(finding)
    used = {
        f"{one.type}@{one.version}"
        for file in read_folder(folder).values()
        for one in file.resources
    }
    for name in sorted(used & set(WITHOUT_DEFINITION)):
        print(f"not checked against its definition: {name}: {WITHOUT_DEFINITION[name]}")
    files, count = len(read_folder(folder)), len(findings)
    print(f"{files} Bicep files, {count} finding{'' if count == 1 else 's'}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
