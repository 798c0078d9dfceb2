"""Resources: as Microsoft defines their types, and each name once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from infra.checks.definitions import check_resource
from infra.checks.expressions import Literal, Name
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File


def check_module_names(file: File) -> Iterator[Finding]:
    """Find modules of one name in one scope, which would overwrite each other's deployments."""
    names: set[tuple[object, object]] = set()
    for module in file.modules:
        name, scope = module.body.get("name"), module.body.get("scope")
        if isinstance(name, Literal):
            key = (name.value, scope.name if isinstance(scope, Name) else None)
            if key in names:
                message = f"two modules are called {name.value}"
                yield Finding(file.path, name.line, "duplicate-resource", message)
            names.add(key)


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find what Azure would refuse of a resource by itself, and resources of one name."""
    counts = Counter(one.id.lower() for one in plan.resources if not one.existing)
    for resource in plan.resources:
        if resource.existing:
            continue
        for rule, path, message in check_resource(resource):
            yield finding(files, resource, path, rule, message)
        if resource.type.count("/") != resource.name.count("/") + 1:
            message = f"{resource.type} needs {resource.type.count('/')} names: give it a parent"
            yield finding(files, resource, "name", "resource-name", message)
        if counts[resource.id.lower()] > 1:
            message = f"two resources are {resource.name}"
            yield finding(files, resource, "name", "duplicate-resource", message)
