"""Every check, in the order in which they make sense."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from infra.checks.constants import check_constants
from infra.checks.findings import Finding
from infra.checks.modules import check_modules
from infra.checks.reader import File, read_folder
from infra.checks.rules import (
    apps,
    arguments,
    front_door,
    logs,
    operations,
    project,
    resources,
    roles,
    secrets,
    settings,
    storage,
)
from infra.checks.scenarios import Scenario, scenarios
from infra.checks.symbols import check_functions, check_symbols


def check_folder(folder: Path) -> list[Finding]:
    """Return every finding about the Bicep files of a folder and what stands around them."""
    files = read_folder(folder)
    if "main.bicep" not in files:
        return [Finding("main.bicep", 1, "syntax", "there is no main.bicep")]
    unreadable = [found for file in files.values() for found in file.problems]
    if unreadable:
        return sorted(unreadable)
    findings = set(_written(folder, files))
    findings |= set(_deployed(folder, files))
    return sorted(findings)


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
    played, problems = scenarios(folder, files)
    yield from problems
    for scenario in played:
        yield from _scenario(folder, files, scenario)
    yield from front_door.check([scenario.plan for scenario in played], files)
    yield from project.check(folder, files, played[0].plan)


def _scenario(folder: Path, files: dict[str, File], scenario: Scenario) -> Iterator[Finding]:
    plan = scenario.plan
    yield from arguments.check(plan)
    yield from resources.check(plan, files)
    yield from storage.check(plan, files)
    yield from apps.check(plan, files)
    yield from settings.check(plan, files, folder.parent)
    yield from roles.check(plan, files)
    yield from logs.check(plan, files)
    yield from operations.check(plan, files)
