"""Every check, in the order in which they make sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from infra.checks.constants import check_constants
from infra.checks.findings import Finding
from infra.checks.modules import check_modules
from infra.checks.plan import Plan
from infra.checks.reader import File, read_folder
from infra.checks.rules import (
    apps,
    arguments,
    front_door,
    logs,
    network,
    operations,
    project,
    resources,
    roles,
    secrets,
    settings,
    storage,
)
from infra.checks.scenarios import scenarios
from infra.checks.symbols import check_functions, check_symbols


def check_folder(folder: Path) -> list[Finding]:
    """Return every finding about the Bicep files of a folder and what stands around them."""
    return sorted(set(findings(folder)))


def findings(folder: Path) -> Iterator[Finding]:
    """Yield findings as they are made, some of them more than once."""
    files = read_folder(folder)
    if "main.bicep" not in files:
        yield Finding("main.bicep", 1, "syntax", "there is no main.bicep")
        return
    unreadable = [found for file in files.values() for found in file.problems]
    yield from unreadable
    if not unreadable:
        yield from _written(folder, files)
        yield from _deployed(folder, files)


def _written(folder: Path, files: dict[str, File]) -> Iterator[Finding]:
    """Check what is written, file by file."""
    for file in files.values():
        yield from check_symbols(file)
        yield from check_functions(file)
        yield from check_modules(file, files)
        yield from check_constants(file)
        yield from secrets.check(file, files)
        yield from arguments.check_defaults(file)
        yield from resources.check_module_names(file)
    yield from secrets.check_parameters_file(folder, files)


def _deployed(folder: Path, files: dict[str, File]) -> Iterator[Finding]:
    """Check what would come of it."""
    plans: list[Plan] = []
    told: set[Finding] = set()
    for scenario in scenarios(folder, files):
        for problem in scenario.plan.problems:
            if problem not in told:
                told.add(problem)
                yield replace(problem, message=f"{problem.message} ({scenario.name})")
        if not plans:
            yield from project.check(folder, files, scenario.plan)
        yield from _planned(folder, files, scenario.plan)
        plans.append(scenario.plan)
    yield from front_door.check(plans, files)


def _planned(folder: Path, files: dict[str, File], plan: Plan) -> Iterator[Finding]:
    """Check one plan."""
    yield from arguments.check(plan)
    yield from resources.check(plan, files)
    yield from storage.check(plan, files)
    yield from apps.check(plan, files)
    yield from settings.check(plan, files, folder.parent)
    yield from roles.check(plan, files)
    yield from logs.check(plan, files)
    yield from operations.check(plan, files)
    yield from network.check(plan, files)
