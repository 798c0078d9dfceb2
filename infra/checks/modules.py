"""Modules: their files exist, and what is handed to them and taken from them is declared there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from infra.checks.expressions import Expression, Index, Member, Name, Object, walk
from infra.checks.findings import Finding
from infra.checks.reader import File, Module


def target_of(file: File, module: Module) -> str:
    """Return the path of a module's file, from the folder that is checked."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(file.path), module.path))


def check_modules(file: File, files: dict[str, File]) -> Iterator[Finding]:
    """Find modules that do not fit their files."""
    for module in file.modules:
        if module.path.startswith(("br:", "br/", "ts:", "ts/")):
            message = "registry modules need a network to build: declare the resources here"
            yield Finding(file.path, module.line, "registry-module", message)
        elif target_of(file, module) not in files:
            message = f"there is no file {module.path}"
            yield Finding(file.path, module.line, "module-path", message)
        else:
            target = files[target_of(file, module)]
            yield from _parameters(file, module, target)
            yield from _scope(file, module, target)
    yield from _outputs(file, files)
    yield from _orphans(file, files)


def _parameters(file: File, module: Module, target: File) -> Iterator[Finding]:
    given = module.body.get("params")
    properties = given.properties if isinstance(given, Object) else ()
    known = {entry.name: entry for entry in target.parameters}
    for entry in properties:
        if entry.name not in known:
            message = f"{target.path} has no parameter {entry.name}"
            yield Finding(file.path, entry.line, "unknown-parameter", message)
    names = {entry.name for entry in properties}
    for name, parameter in known.items():
        if parameter.default is None and name not in names:
            message = f"{target.path} needs the parameter {name}"
            yield Finding(file.path, module.line, "missing-parameter", message)


def _scope(file: File, module: Module, target: File) -> Iterator[Finding]:
    if target.target_scope != file.target_scope and module.body.get("scope") is None:
        message = f"{target.path} is for a {target.target_scope}: give the module a scope"
        yield Finding(file.path, module.line, "module-scope", message)


def _outputs(file: File, files: dict[str, File]) -> Iterator[Finding]:
    modules = {module.name: module for module in file.modules}
    for top in file.expressions():
        for expression in walk(top):
            name = _module_of(expression)
            if name not in modules or not isinstance(expression, Member):
                continue
            target = files.get(target_of(file, modules[name]))
            if target and expression.name not in {entry.name for entry in target.outputs}:
                message = f"{target.path} has no output {expression.name}"
                yield Finding(file.path, expression.line, "unknown-output", message)


def _module_of(expression: Expression) -> str | None:
    """Return the module whose output an expression is, as in ``module.outputs.name``."""
    if not isinstance(expression, Member) or not isinstance(expression.of, Member):
        return None
    source = expression.of.of
    while isinstance(source, Index):
        source = source.of
    return source.name if expression.of.name == "outputs" and isinstance(source, Name) else None


def _orphans(file: File, files: dict[str, File]) -> Iterator[Finding]:
    used = {target_of(other, module) for other in files.values() for module in other.modules}
    if file.path not in used and file.path != "main.bicep":
        yield Finding(file.path, 1, "unused", "no module uses this file: remove it")
