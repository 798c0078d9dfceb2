"""Checks the deployment: ``python -m infra.checks``; the exit code says whether all is well."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.checks.checking import check_folder
from infra.checks.definitions import WITHOUT_DEFINITION
from infra.checks.policies import check_policies
from infra.checks.reader import read_folder


def main(arguments: list[str]) -> int:
    """Print every finding and what was not checked; return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m infra.checks", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1])
    parser.add_argument("--checkov", type=Path, help="Python of the environment of checkov")
    options = parser.parse_args(arguments)
    findings = check_folder(options.folder)
    if options.checkov and not findings:
        findings = check_policies(options.folder, options.checkov)
    for finding in findings:
        print(finding)
    files = read_folder(options.folder)
    used = {f"{one.type}@{one.version}" for file in files.values() for one in file.resources}
    for name in sorted(used & set(WITHOUT_DEFINITION)):
        print(f"not checked against its definition: {name}: {WITHOUT_DEFINITION[name]}")
    print(f"{len(files)} Bicep files, {len(findings)} finding{'' if len(findings) == 1 else 's'}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
