"""Names: each one used is declared once, each one declared is used, functions exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from infra.checks.expressions import Call, Expression, Lambda, Loop, Name, children, walk
from infra.checks.findings import Finding
from infra.checks.functions import ARGUMENTS, DECORATORS, KEY_FUNCTIONS
from infra.checks.reader import PRIMITIVES, File


def check_symbols(file: File) -> Iterator[Finding]:
    """Find unknown, unused and repeated names of one file."""
    yield from _repeated(file)
    declared = {entry.name for entry in file.declarations()}
    used: set[str] = set()
    for expression in file.expressions():
        for name in free_names(expression):
            used.add(name.name)
            if name.name not in declared:
                message = f"{name.name} is declared nowhere in this file"
                yield Finding(file.path, name.line, "unknown-symbol", message)
    for entry in (*file.parameters, *file.variables):
        if entry.name not in used:
            yield Finding(file.path, entry.line, "unused", f"nothing uses {entry.name}: remove it")
    yield from _types(file)


def check_functions(file: File) -> Iterator[Finding]:
    """Find calls of unknown functions, and calls with too few or too many arguments."""
    decorators = {id(call) for entry in file.parameters for call in entry.decorators}
    defaults = {
        id(part) for entry in file.parameters if entry.default for part in walk(entry.default)
    }
    for top in file.expressions():
        for call in walk(top):
            if isinstance(call, Call) and (call.of is None or id(call) in decorators):
                known = DECORATORS if id(call) in decorators else ARGUMENTS
                yield from _call(file, call, known)
                if call.function in ("utcNow", "newGuid") and id(call) not in defaults:
                    message = f"{call.function} may stand in a parameter's default only"
                    yield Finding(file.path, call.line, "function-place", message)


def free_names(expression: Expression, bound: frozenset[str] = frozenset()) -> Iterator[Name]:
    """Every name in an expression but those of its own loops and lambdas."""
    if isinstance(expression, Name):
        if expression.name not in bound:
            yield expression
        return
    inner = bound
    if isinstance(expression, Loop):
        yield from free_names(expression.source, bound)
        yield from free_names(expression.body, bound | set(expression.names))
        return
    if isinstance(expression, Lambda):
        inner = bound | set(expression.parameters)
    for child in children(expression):
        yield from free_names(child, inner)


def _call(file: File, call: Call, known: dict[str, tuple[int, int]]) -> Iterator[Finding]:
    if call.function not in known:
        if not KEY_FUNCTIONS.fullmatch(call.function):
            message = f"no function {call.function} is known; see infra/checks/functions.py"
            yield Finding(file.path, call.line, "unknown-function", message)
        return
    fewest, most = known[call.function]
    if not fewest <= len(call.arguments) <= most:
        message = f"{call.function} takes {fewest} to {most} arguments, not {len(call.arguments)}"
        yield Finding(file.path, call.line, "function-arguments", message)


def _repeated(file: File) -> Iterator[Finding]:
    groups = (file.declarations(), file.outputs)
    for group in groups:
        counts = Counter(entry.name for entry in group)
        for entry in group:
            if counts[entry.name] > 1:
                message = f"{entry.name} is declared {counts[entry.name]} times"
                yield Finding(file.path, entry.line, "duplicate-symbol", message)


def _types(file: File) -> Iterator[Finding]:
    typed = [(entry.type, entry.line) for entry in file.parameters]
    typed += [(entry.type, entry.line) for entry in file.outputs]
    for kind, line in typed:
        if kind not in PRIMITIVES:
            message = f"{kind} is not one of {', '.join(PRIMITIVES)}"
            yield Finding(file.path, line, "conservative-syntax", message)
