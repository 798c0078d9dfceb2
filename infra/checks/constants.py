"""What must be known before anything is deployed: names, scopes, conditions and loops.

The compiler refuses anything else there (BCP120, BCP177, BCP178, BCP181, BCP182).
"""

from __future__ import annotations

from collections.abc import Iterator

from infra.checks.expressions import Condition, Expression, Index, Loop, Member, Name, children
from infra.checks.findings import Finding
from infra.checks.reader import File, Module, Resource

#: What of a resource is known at the start.
_KNOWN = ("id", "name", "type", "apiVersion")


def check_constants(file: File) -> Iterator[Finding]:
    """Find names, scopes, conditions and loops that need what only a deployment tells."""
    for entry in file.built():
        for what, expression in _early(entry):
            found = _late(file, expression, frozenset())
            if found:
                message = f"the {what} of {entry.name} needs {found}, unknown before deployment"
                yield Finding(file.path, expression.line, "unknown-at-start", message)


def _early(entry: Resource | Module) -> Iterator[tuple[str, Expression]]:
    value = entry.value
    while isinstance(value, Loop | Condition):
        yield (("loop", value.source) if isinstance(value, Loop) else ("condition", value.test))
        value = value.body
    for name in ("name", "scope"):
        given = entry.body.get(name)
        if given is not None:
            yield name, given


def _late(file: File, expression: Expression, seen: frozenset[str]) -> str | None:
    """Return the first part of an expression that only a deployment tells."""
    resources = {entry.name for entry in file.resources}
    modules = {entry.name for entry in file.modules}
    if isinstance(expression, Member):
        base = expression.of
        while isinstance(base, Index):
            base = base.of
        if isinstance(base, Name):
            known = _KNOWN if base.name in resources else ("name",)
            if base.name in resources | modules and expression.name not in known:
                return f"{base.name}.{expression.name}"
    if isinstance(expression, Name) and expression.name not in seen:
        for variable in file.variables:
            if variable.name == expression.name:
                return _late(file, variable.value, seen | {expression.name})
    found = (_late(file, child, seen) for child in children(expression))
    return next((part for part in found if part), None)
