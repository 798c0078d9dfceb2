"""Make the labelled set: timelines of people and of machines.

    python benchmarks/labelled/build.py [FOLDER]

FOLDER (default: build/user-agents) holds three packages, which the committed files make needless
unless the set itself is to be changed:

    pip download --no-deps --dest build/user-agents crawler-user-agents==1.67.0
    pip download --no-deps --dest build/user-agents fake-useragent==2.2.0
    npm pack --pack-destination build/user-agents user-agents@2.1.198

Deterministic: the same packages give the same files. Each timeline has a random generator of its
own, seeded by its class and number, so that a class can be changed or added without touching the
others.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.labelled.agents import fingerprint, read_agents  # noqa: E402  needs the path above
from benchmarks.labelled.machines import MACHINES, UNKNOWN  # noqa: E402
from benchmarks.labelled.people import PEOPLE, Maker  # noqa: E402
from benchmarks.labelled.scene import Scene  # noqa: E402
from benchmarks.labelled.sources import SOURCES  # noqa: E402

SEED = 2026
FILES: dict[str, tuple[str, dict[str, tuple[int, Maker]]]] = {
    "people": ("p", PEOPLE),
    "machines": ("m", MACHINES),
    "unknown": ("u", UNKNOWN),
}


def main() -> None:
    """Write the files beside this one."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/user-agents")
    agents = read_agents(folder)
    for name, (letter, classes) in FILES.items():
        lines = []
        for class_name, (count, make) in classes.items():
            names = [f"{class_name}-{number:04d}" for number in range(1, count + 1)]
            # Hashes decide, but so that the halves of a class are of one size.
            measured = set(sorted(names, key=fingerprint)[::2])
            for name_of_one in names:
                split = "measure" if name_of_one in measured else "tune"
                # Not for secrets: it has to give the same numbers every time.
                scene = Scene(random.Random(f"{SEED}/{name_of_one}"), agents[split])  # noqa: S311
                make(scene)
                lines.append(_line(f"{letter}-{name_of_one}", class_name, split, scene))
        (HERE / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def _line(identity: str, class_name: str, split: str, scene: Scene) -> str:
    timeline: dict[str, Any] = {
        "id": identity,
        "class": class_name,
        "source": SOURCES[class_name],
        "split": split,
        "hits": sorted(scene.hits, key=lambda hit: hit["after_seconds"]),
    }
    return json.dumps(timeline, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
