"""Measure all or some of it, in one run: `make bench`, `make bench PARTS="rewriting growth"`.

Prints the tables in Markdown and writes build/bench.json and build/bench.svg. What a figure says,
and what it does not, stands in benchmarks/README.md.
"""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.chart import draw
from benchmarks.figures import Figure, Part, table_of

#: Parts, each a module with `measure(rounds) -> Part`, in the order in which they run.
PARTS = ("public_path", "appending", "tokens", "growth", "rewriting", "cold_start")

BUILD = Path(__file__).parent.parent / "build"


def main() -> int:
    """Measure and print; 1 if a figure missed its aim."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--rounds", type=int, default=5, help="of each subject, in turns (5)")
    options = parser.parse_args()
    for name in options.parts:
        if name not in PARTS:
            parser.error(f"there is no part {name}; there are {', '.join(PARTS)}")
    measured = {name: _measured(name, options.rounds) for name in options.parts or PARTS}
    figures = [figure for part, _ in measured.values() for figure in part.figures]
    print(f"\n## Figures and aims\n\n{table_of(figures)}")
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(report_of(measured), indent=2) + "\n", "utf-8")
    draw(figures, BUILD / "bench.svg")
    return 0 if all(figure.met is not False for figure in figures) else 1


def _measured(name: str, rounds: int) -> tuple[Part, float]:
    busy = _busy_cores()
    measure: Callable[[int], Part] = import_module(f"benchmarks.{name}").measure
    part = measure(rounds)
    print(f"\n## {name}\n\nOthers kept {busy:.1f} cores busy before it.\n\n{part.text}", flush=True)
    return part, busy


def report_of(measured: Mapping[str, tuple[Part, float]]) -> dict[str, Any]:
    """Return what build/bench.json holds, of parts and the cores that others kept busy before."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "parts": {
            name: {
                "busy_cores_before": round(busy, 2),
                "figures": [_as_json(figure) for figure in part.figures],
                "data": part.data,
            }
            for name, (part, busy) in measured.items()
        },
    }


def _as_json(figure: Figure) -> dict[str, Any]:
    return {**asdict(figure), "value": figure.value, "met": figure.met}


def _busy_cores() -> float:
    """Return how many cores are busy with something else, looked at for a second."""
    first = _processor_seconds()
    time.sleep(1)
    return _processor_seconds() - first


def _processor_seconds() -> float:
    """Return the seconds that all processes together have had since the machine's start."""
    fields = Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:]
    idle = int(fields[3]) + int(fields[4])
    return (sum(map(int, fields[:8])) - idle) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
