"""Fuzz every target for its share of some seconds, and compare links with parse5: ``make fuzz``.

    python -m fuzzing SECONDS [NAME …]

What reaches new code is kept in build/fuzz, so that the next run goes on from there; so is an input
that broke a promise, which belongs among the seeds of its target once the fault is mended.
"""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from fuzzing.targets import TARGETS

FOLDER = Path(__file__).parent.parent.parent / "build" / "fuzz"
DIFFERENTIAL = "differential"
#: Shares of the time; a target has one.
DIFFERENTIAL_SHARES = 6
#: Lines of a failure that are shown.
SHOWN = 25


def main() -> int:
    """Try everything, or what is named; 1 if anything was found."""
    seconds, names = float(sys.argv[1]), sys.argv[2:] or [*TARGETS, DIFFERENTIAL]
    FOLDER.mkdir(parents=True, exist_ok=True)
    shares = sum(DIFFERENTIAL_SHARES if name == DIFFERENTIAL else 1 for name in names)
    found = [name for name in names if not _tried(name, seconds / shares)]
    print(f"found in: {', '.join(found)}" if found else "nothing found")
    return 1 if found else 0


def _tried(name: str, share: float) -> bool:
    """Fuzz one target and tell what came of it; False if something was found."""
    if name == DIFFERENTIAL:
        command = ["fuzzing.differential", f"{share * DIFFERENTIAL_SHARES:.0f}"]
        return subprocess.run([sys.executable, "-m", *command], check=False).returncode == 0
    options = [name, str(FOLDER), f"-max_total_time={max(share, 1):.0f}"]
    done = subprocess.run(
        [sys.executable, "-m", "fuzzing.guided", *options],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = done.stdout + done.stderr
    tries = re.search(r"number_of_executed_units: (\d+)", said)
    print(f"{name}: {int(tries[1]) if tries else 0:,} inputs", flush=True)
    if done.returncode:
        print(f"{name} ended with {done.returncode}:")
        print("\n".join(line[:300] for line in said.splitlines()[-SHOWN:]), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
