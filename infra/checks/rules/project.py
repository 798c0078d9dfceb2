"""What stands around main.bicep: its parameters file, azure.yaml and the hooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infra.checks.findings import Finding
from infra.checks.plan import Plan
from infra.checks.reader import File
from infra.checks.rules.apps import SITE
from infra.checks.scenarios import ENVIRONMENT

_VARIABLE = re.compile(r"\$\{(\w+)(?:=[^}]*)?\}")
#: How a hook keeps a value: on a command line, or by `keep` of infra/hooks/command_lines.py.
_SET = re.compile(r"(?:azd env set[ \"']+|\bkeep\(\s*\w+,\s*\")([A-Z][A-Z0-9_]+)")

_READ = re.compile(r"\benvironment(?:\[|\.get\()[\"']([A-Z][A-Z0-9_]+)")


def check(folder: Path, files: dict[str, File], plan: Plan) -> Iterator[Finding]:
    """Find parameters, services and variables that main.bicep does not know."""
    yield from _parameters(folder / "main.parameters.json", files["main.bicep"])
    yield from _services(folder.parent / "azure.yaml", plan)
    yield from _variables(folder, files["main.bicep"])


def _parameters(path: Path, main: File) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(path.name, 1, "parameters-file", "azd needs main.parameters.json")
        return
    text = path.read_text(encoding="utf-8")
    try:
        given = json.loads(text)["parameters"]
    except (json.JSONDecodeError, KeyError) as error:
        yield Finding(path.name, 1, "parameters-file", f"cannot be read: {error}")
        return
    known = {entry.name: entry for entry in main.parameters}
    for name in given:
        if name not in known:
            message = f"main.bicep has no parameter {name}"
            yield Finding(path.name, _line(text, f'"{name}"'), "parameters-file", message)
    for name, parameter in known.items():
        if parameter.default is None and name not in given:
            yield Finding(path.name, 1, "parameters-file", f"main.bicep needs {name}")


def _services(path: Path, plan: Plan) -> Iterator[Finding]:
    where = f"../{path.name}"
    if not path.is_file():
        yield Finding(where, 1, "azure-yaml", "azd needs azure.yaml")
        return
    text = path.read_text(encoding="utf-8")
    project: dict[str, Any] = yaml.safe_load(text)
    services = project.get("services", {})
    tags = {str(one.property("tags.azd-service-name")) for one in plan.of_type(SITE)}
    for name, service in services.items():
        if name not in tags:
            message = f"no app is tagged azd-service-name: {name}"
            yield Finding(where, _line(text, f"{name}:"), "azure-yaml", message)
        if service.get("host") != "function" or service.get("language") not in ("python", "py"):
            message = f"{name} is of host function and language python"
            yield Finding(where, _line(text, f"{name}:"), "azure-yaml", message)
    for tag in sorted(tags - set(services)):
        yield Finding(where, 1, "azure-yaml", f"no service is called {tag}, as an app is tagged")
    for run in _scripts(project.get("hooks", {})):
        if not (path.parent / run).is_file():
            line = _line(text, run.removesuffix(".py").replace("/", "."))
            yield Finding(where, line, "azure-yaml", f"there is no script {run}")


def _scripts(value: Any) -> Iterator[str]:
    """Yield the path of each script that hooks run."""
    if isinstance(value, dict):
        run = value.get("run")
        module = re.fullmatch(r"python3? -m ([\w.]+)", run) if isinstance(run, str) else None
        if module:
            yield module[1].replace(".", "/") + ".py"
        elif isinstance(run, str) and re.fullmatch(r"\S+\.(sh|ps1|py)", run):
            yield run
        for inner in value.values():
            yield from _scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scripts(inner)


def _variables(folder: Path, main: File) -> Iterator[Finding]:
    """Find variables that a hook sets and nothing reads, or reads and nothing sets."""
    path = folder / "main.parameters.json"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    known = {match[1] for match in _VARIABLE.finditer(text)} | set(ENVIRONMENT)
    known |= {output.name for output in main.outputs}
    scripts = sorted((folder / "hooks").glob("*")) if (folder / "hooks").is_dir() else []
    sources = {script: script.read_text(encoding="utf-8") for script in scripts if script.is_file()}
    complaints = (
        (_SET, "is set and read by nothing: it is not in main.parameters.json"),
        (_READ, "is read, but no output, parameter or azd sets it"),
    )
    for script, source in sources.items():
        for pattern, complaint in complaints:
            for match in pattern.finditer(source):
                if match[1] not in known:
                    line = source.count("\n", 0, match.start()) + 1
                    message = f"{match[1]} {complaint}"
                    yield Finding(f"hooks/{script.name}", line, "hook-variable", message)


def _line(text: str, part: str) -> int:
    return text.count("\n", 0, max(text.find(part), 0)) + 1
