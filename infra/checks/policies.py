"""Checkov over the deployment as it would be made.

Not over the Bicep files: its Bicep parser leaves out a whole file for one function that it does not
know, without failing; its checks stumble over expressions, and take a parameter for no value. So
the plan of the first two scenarios is written down as templates, where every value is one, and what
checkov saw is compared with what was written.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Any

from infra.checks.findings import Finding
from infra.checks.plan import Plan
from infra.checks.reader import read_folder
from infra.checks.scenarios import Scenario, scenarios

_HERE = Path(__file__).parent
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True, slots=True)
class Skip:
    """A policy of checkov that some resources do not follow, and why."""

    check: str
    #: str, type and name as checkov writes them, ``*`` for anything
    resource: str
    reason: str


def skips() -> list[Skip]:
    """Read the skips of `checkov-skips.toml`."""
    entries = tomllib.loads((_HERE / "checkov-skips.toml").read_text(encoding="utf-8"))["skip"]
    return [Skip(**entry) for entry in entries]


def check_policies(folder: Path, python: Path) -> list[Finding]:
    """Return what checkov, run by the Python of its own environment, finds and does not see."""
    played = list(islice(scenarios(folder, read_folder(folder)), 2))
    found: set[Finding] = set()
    with tempfile.TemporaryDirectory() as name:
        templates = Path(name)
        for number, scenario in enumerate(played):
            (templates / f"{number}.json").write_text(json.dumps(template(scenario.plan)))
        said = _run(python, templates)
    written = {f"{number}.json": len(_made(one.plan)) for number, one in enumerate(played)}
    found |= set(_unseen(said, written))
    found |= set(_failed(said, played))
    return sorted(found)


def template(plan: Plan) -> dict[str, Any]:
    """Return the resources of a plan as a template of Azure Resource Manager."""
    resources = [
        {"type": one.type, "apiVersion": one.declared.version, **one.body, "name": one.name}
        for one in _made(plan)
    ]
    text = json.dumps(resources, default=str)
    return {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "resources": json.loads(text)}


def _made(plan: Plan) -> list[Any]:
    return [one for one in plan.resources if not one.existing]


def _run(python: Path, templates: Path) -> dict[str, Any]:
    command = [str(python), str(_HERE / "run_checkov.py"), str(templates)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _unseen(said: dict[str, Any], written: dict[str, int]) -> Iterator[Finding]:
    """Find what checkov passed over in silence."""
    for problem in (*said["parsing_errors"], *said["crashed"]):
        yield Finding("main.bicep", 1, "checkov-blind", f"not checked: {problem}")
    seen = {Path(path).name: count for path, count in said["resources"].items()}
    if seen != written:
        message = f"checkov saw {seen} resources of {written}"
        yield Finding("main.bicep", 1, "checkov-blind", message)
    if not said["passed"]:
        yield Finding("main.bicep", 1, "checkov-blind", "no check of checkov passed anything")


def _failed(said: dict[str, Any], played: list[Scenario]) -> Iterator[Finding]:
    """Find policies that do not hold and are not skipped, and skips that nothing needs."""
    known = skips()
    made = [one for scenario in played for one in _made(scenario.plan)]
    places = {f"{one.type}.{one.name}": one for one in made}
    needed: set[Skip] = set()
    for check, title, resource in said["failed"]:
        fitting = [
            skip for skip in known if skip.check == check and fnmatch(resource, skip.resource)
        ]
        needed.update(fitting)
        if not fitting:
            planned = places.get(resource)
            path, line = (planned.path, planned.line) if planned else ("main.bicep", 1)
            yield Finding(path, line, "checkov", f"{check}: {title} ({resource})")
    for skip in known:
        if skip not in needed:
            message = f"nothing needs the skip of {skip.check} for {skip.resource}: remove it"
            yield Finding("checks/checkov-skips.toml", 1, "checkov-skip", message)
