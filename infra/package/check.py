"""Whether the package loads as Azure loads it, and what its public surface takes with it."""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold_start import FLOOR, PUBLIC, SETTINGS, medians, table
from infra.package.archive import PackageError

ROOT = Path(__file__).resolve().parent.parent.parent

#: What strangers may call; whatever else there is belongs to the private surface.
PUBLIC_FUNCTIONS = {
    ("httpTrigger", "healthz", "healthz"),
    ("httpTrigger", "readyz", "readyz"),
    ("httpTrigger", "robots", "robots.txt"),
    ("httpTrigger", "pixel", "o/{file}"),
    ("httpTrigger", "click", "c/{token}"),
    ("httpTrigger", "attachment", "a/{token}/{*name}"),
}
PROBES = {one for one in PUBLIC_FUNCTIONS if one[1] in {"healthz", "readyz"}}

#: What the public surface must not load when it starts, nor for its first pixel and click: heavy
#: packages, and rules, stores and systems that only the private one works with. In Azure it loads
#: what signs it in (azure.identity, which brings azure.core and aiohttp) before it asks a store.
FOREIGN = (
    "aiohttp",
    "aiosmtplib",
    "azure.core",
    "azure.data",
    "azure.identity",
    "azure.storage",
    "crawleruseragents",
    "holidays",
    "jinja2",
    "jwt",
    "msal",
    "phonenumbers",
    "engagement.cli",
    "engagement.domain.alerts",
    "engagement.domain.delivery",
    "engagement.domain.organizations",
    "engagement.domain.reports",
    "engagement.domain.templates",
    "engagement.domain.webhooks",
    "engagement.remote",
    "engagement.wiring.private",
)
#: The only modules of these layers that the public surface has a use for.
PUBLIC_MODULES = {
    "engagement.functions": {"access", "probes", "public", "web"},
    "engagement.services": {"limiting", "observing", "recording", "tallying", "tracking"},
}

#: A start of the public surface may take so many times what azure.functions takes; it was 1.9.
#: Times of one run on one machine can be compared, those of two cannot.
MOST_TIMES = 3.0
AIM_MS = 400
RUNS = 5


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the worker found in the package."""

    functions: set[tuple[str, str, str]]
    modules: frozenset[str]


def check(package: Path, python: str) -> None:
    """Check *package* with the environment of *python*; raises PackageError."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
        unpacked = Path(folder).resolve()
        _check_functions(unpacked, python)
        _check_start(unpacked, python)


def strays(modules: Iterable[str]) -> list[str]:
    """Return those of *modules* that the public surface must not load when it starts."""
    return [name for name in modules if _is_stray(name)]


def _is_stray(name: str) -> bool:
    layer, _, module = name.rpartition(".")
    if layer in PUBLIC_MODULES and module not in PUBLIC_MODULES[layer]:
        return True
    return any(name == part or name.startswith(f"{part}.") for part in FOREIGN)


def _check_functions(folder: Path, python: str) -> None:
    public, private, whole = (
        _load(folder, python, surface) for surface in ("public", "private", "all")
    )
    if public.functions != PUBLIC_FUNCTIONS:
        odd = sorted(public.functions ^ PUBLIC_FUNCTIONS)
        raise PackageError(f"The public surface has other functions than it should: {odd}")
    if public.functions & private.functions != PROBES:
        raise PackageError("The surfaces share more than the probes, or not those.")
    if public.functions | private.functions != whole.functions:
        odd = sorted(whole.functions ^ (public.functions | private.functions))
        raise PackageError(f"These are on both surfaces together or on neither of them: {odd}")
    if found := strays(public.modules):
        raise PackageError(f"The public surface loads what it has no use for: {found}")
    for name, loaded in (("public", public), ("private", private)):
        print(f"{name}: {len(loaded.functions)} functions, loaded by Microsoft's worker library")


def _load(folder: Path, python: str, surface: str) -> Loaded:
    """Load the app of *folder* in the worker library."""
    probe = Path(__file__).with_name("probe.py")
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR"}}
    done = subprocess.run(  # noqa: S603 - the interpreter is the caller's
        [python, "-I", "-B", str(probe), str(ROOT)],
        cwd=folder,
        env={**kept, **SETTINGS, "ENGAGEMENT_SURFACE": surface},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise PackageError(f"The {surface} surface does not load:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    outside = [file for file in found["files"] if not Path(file).is_relative_to(folder)]
    if outside:
        raise PackageError(f"These are not from the package: {outside}")
    return Loaded({tuple(one) for one in found["functions"]}, frozenset(found["modules"]))


def _check_start(folder: Path, python: str) -> None:
    measured = medians([FLOOR, PUBLIC], RUNS, python, folder)
    if found := strays(measured[PUBLIC].names):
        raise PackageError(f"The public surface loads what it has no use for: {found}")
    times = measured[PUBLIC].cpu / measured[FLOOR].cpu
    print(f"\nA start, medians of {RUNS} processes in turns:\n\n{table(measured)}\n")
    print(
        f"The public surface takes {measured[PUBLIC].cpu:.0f} ms of CPU (aim: {AIM_MS} on a machine"
        f" with nothing else to do), {times:.2f} times azure.functions (at most {MOST_TIMES})."
    )
    if times > MOST_TIMES:
        raise PackageError("The public surface takes too long to start.")
