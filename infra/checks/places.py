"""Where in a file a property of a resource is written."""

from __future__ import annotations

from infra.checks.azure import Planned
from infra.checks.expressions import Call, Expression, Name, Object, Ternary
from infra.checks.findings import Finding
from infra.checks.reader import File


def finding(
    files: dict[str, File], resource: Planned, path: str, rule: str, message: str
) -> Finding:
    """Return a finding at the property of a resource, as near as it is written in its file."""
    file = files[resource.path]
    variables = {entry.name: entry.value for entry in file.variables}
    line, here = resource.line, [resource.declared.body]
    for part in path.split(".") if path else ():
        found = [
            entry
            for one in here
            for inner in _objects(one, variables)
            for entry in inner.properties
            if entry.name == part
        ]
        if not found:
            break
        line, here = found[0].line, [entry.value for entry in found]  # type: ignore[misc]
    return Finding(resource.path, line, rule, f"{resource.symbol}: {message}")


def _objects(
    expression: Expression, variables: dict[str, Expression], depth: int = 0
) -> list[Object]:
    """Return the objects that an expression may be, as far as its file shows."""
    if depth > 9:
        return []
    if isinstance(expression, Object):
        return [expression]
    parts: tuple[Expression, ...] = ()
    if isinstance(expression, Name) and expression.name in variables:
        parts = (variables[expression.name],)
    elif isinstance(expression, Call):
        parts = expression.arguments
    elif isinstance(expression, Ternary):
        parts = (expression.yes, expression.no)
    return [found for part in parts for found in _objects(part, variables, depth + 1)]
