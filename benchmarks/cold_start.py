"""What loading the app costs a new instance.

Each subject is imported by fresh processes, in turns, so that whatever else the machine does hits
all of them alike; the medians stand in the table. CPU is that of the imports alone: the
interpreter's own start, the Functions host, the disk and the network come on top and differ by
machine, so only the relations carry over.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Part, ratios

ROOT = Path(__file__).parent.parent

#: What a deployment sets; nothing is called, so none of it has to exist.
SETTINGS = {
    "ENGAGEMENT_PUBLIC_URL": "https://links.contoso.example",
    "ENGAGEMENT_SIGNING_KEYS": f"1:{'A' * 43}",
    "ENGAGEMENT_DATA__tableServiceUri": "https://contoso.table.core.windows.net",
    "ENGAGEMENT_DATA__blobServiceUri": "https://contoso.blob.core.windows.net",
    "ENGAGEMENT_DATA__queueServiceUri": "https://contoso.queue.core.windows.net",
}

#: Milliseconds that the public surface may take beyond azure.functions, on a quiet machine.
MOST_MS = 200

FLOOR = "azure.functions"
CLIENT = "azure.functions, aiohttp"
PUBLIC = "the app, public surface"
PRIVATE = "the app, private surface"
SDKS = "azure.functions, Azure SDKs"

AZURE = "azure.data.tables.aio, azure.storage.blob.aio, azure.storage.queue.aio, azure.identity.aio"

#: Subject to what is imported and the surface.
SUBJECTS = {
    FLOOR: ("azure.functions", "public"),
    CLIENT: ("azure.functions, aiohttp", "public"),
    PUBLIC: ("azure.functions, function_app", "public"),
    PRIVATE: ("azure.functions, function_app", "private"),
    SDKS: (f"azure.functions, {AZURE}", "public"),
}

PROBE = """
import json, os, resource, sys, time
sys.path.insert(0, "")
before, began = len(sys.modules), time.process_time()
import {modules}
took = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if os.path.exists("/proc/self/status"):
    # Linux lets a process begin with the peak of the one that started it, but not here.
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps([took * 1000, len(sys.modules) - before, peak / 1024, sorted(sys.modules)]))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one process spent."""

    #: float, milliseconds of user and system time
    cpu: float
    #: int, modules on top of those of the interpreter
    modules: int
    #: float, MiB that the process held at its most
    peak: float
    #: frozenset of str, every module that it held in the end
    names: frozenset[str]


def load(subject: str, python: str = sys.executable, folder: Path = ROOT) -> Load:
    """Import a subject in a fresh process whose code is in *folder*."""
    modules, surface = SUBJECTS[subject]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")}
    done = subprocess.run(  # noqa: S603 - the interpreter is the caller's
        [python, "-P", "-c", PROBE.format(modules=modules)],
        cwd=folder,
        env={**kept, **SETTINGS, "ENGAGEMENT_SURFACE": surface},
        check=True,
        capture_output=True,
        text=True,
    )
    cpu, count, peak, names = json.loads(done.stdout.splitlines()[-1])
    return Load(cpu, count, peak, frozenset(names))


def medians(
    subjects: list[str], runs: int, python: str = sys.executable, folder: Path = ROOT
) -> dict[str, Load]:
    """Return the median of each subject over *runs* processes, taken in turns."""
    taken = takes(subjects, runs, python, folder)
    return {subject: _median(loads) for subject, loads in taken.items()}


def takes(
    subjects: list[str], runs: int, python: str = sys.executable, folder: Path = ROOT
) -> dict[str, list[Load]]:
    """Return what each of *runs* processes spent on each subject, taken in turns.

    One process more goes before them, so that the byte code is written and the files are cached.
    """
    taken: dict[str, list[Load]] = {subject: [] for subject in subjects}
    for number in range(runs + 1):
        for subject in subjects:
            one = load(subject, python, folder)
            if number:
                taken[subject].append(one)
    return taken


def _median(loads: list[Load]) -> Load:
    return Load(
        cpu=statistics.median(one.cpu for one in loads),
        modules=loads[0].modules,
        peak=statistics.median(one.peak for one in loads),
        names=loads[0].names,
    )


def table(measured: dict[str, Load]) -> str:
    """Return the measured subjects as a table in Markdown, beside the first of them."""
    floor = next(iter(measured.values())).cpu
    rows = [
        "| imported | CPU ms | beyond the first | modules | peak MiB |",
        "| --- |" + " --- |" * 4,
    ]
    rows += [
        f"| {subject} | {one.cpu:.0f} | {one.cpu - floor:.0f} | {one.modules} | {one.peak:.0f} |"
        for subject, one in measured.items()
    ]
    return "\n".join(rows)


def measure(rounds: int) -> Part:
    """Measure every subject in turns; a round is a fresh process of each."""
    taken = takes(list(SUBJECTS), rounds)
    floor, public, private = (taken[subject] for subject in (FLOOR, PUBLIC, PRIVATE))
    figures = [
        Figure(
            "start: import of the public surface beyond azure.functions",
            tuple(ours.cpu - least.cpu for ours, least in zip(public, floor, strict=True)),
            "ms",
            at_most=MOST_MS,
        ),
        Figure(
            "start: import of the public surface beside that of the Azure SDKs",
            ratios([one.cpu for one in public], [one.cpu for one in taken[SDKS]]),
        ),
        Figure("memory: public surface", tuple(one.peak for one in public), "MiB"),
        Figure("memory: private surface", tuple(one.peak for one in private), "MiB"),
    ]
    text = f"Medians of {rounds} processes in turns, byte code written before.\n\n"
    data = {
        subject: [{"cpu_ms": one.cpu, "modules": one.modules, "peak_mib": one.peak} for one in each]
        for subject, each in taken.items()
    }
    medians = {subject: _median(loads) for subject, loads in taken.items()}
    return Part(text + table(medians), figures, data)
