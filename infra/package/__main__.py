"""Make the package that is deployed, and check it: `make package`, `make package-check`."""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import argparse
import os
import sys

from infra.package.archive import PackageError, build
from infra.package.check import ROOT, check

TARGET = ROOT / "build" / "engagement.zip"


def main() -> int:
    """Run the command; give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument(
        "--check",
        metavar="PYTHON",
        help="also load it with this interpreter, in whose environment is what Azure installs",
    )
    options = parser.parse_args()
    try:
        names = build(ROOT, TARGET)
        print(
            f"{TARGET.relative_to(ROOT)}: {len(names)} files, {TARGET.stat().st_size // 1024} KiB"
        )
        if options.check:
            # Not resolved: the link is what names the environment.
            check(TARGET, os.path.abspath(options.check))  # noqa: PTH100
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
