"""Values handed to parameters: of the declared type, within what the decorators allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from infra.checks.azure import Unknown
from infra.checks.expressions import Array, Literal
from infra.checks.findings import Finding
from infra.checks.plan import Argument, Plan
from infra.checks.reader import File, Output, Parameter

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def check_defaults(file: File) -> Iterator[Finding]:
    """Find defaults that the parameter itself does not take."""
    for parameter in file.parameters:
        if isinstance(parameter.default, Literal) and parameter.default.value != "":
            line, value = parameter.default.line, parameter.default.value
            yield from _check(Argument(parameter, file.path, line, value))


def check(plan: Plan) -> Iterator[Finding]:
    """Find values that a parameter does not take."""
    for argument in plan.arguments:
        if not isinstance(argument.value, Unknown):
            yield from _check(argument)


def _check(argument: Argument) -> Iterator[Finding]:
    parameter, value = argument.parameter, argument.value
    shown = "its value" if parameter.decorator("secure") else repr(value)
    if not _TYPES.get(parameter.type, lambda _: True)(value):
        message = f"{parameter.name} is a {parameter.type}, not {shown}"
        yield Finding(argument.path, argument.line, "parameter-type", message)
        return
    allowed = _literals(parameter)
    if allowed and value not in allowed:
        message = f"{parameter.name} must be one of {allowed}, not {shown}"
        yield Finding(argument.path, argument.line, "parameter-value", message)
    size = value if parameter.type == "int" else len(value) if hasattr(value, "__len__") else None
    for name, fits in _BOUNDS.items():
        bound = _bound(parameter, name)
        if size is not None and bound is not None and not fits(size, bound):
            message = f"{parameter.name}: @{name}({bound}) does not hold for {shown}"
            yield Finding(argument.path, argument.line, "parameter-value", message)


_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "minValue": lambda size, bound: size >= bound,
    "maxValue": lambda size, bound: size <= bound,
    "minLength": lambda size, bound: size >= bound,
    "maxLength": lambda size, bound: size <= bound,
}


def _bound(parameter: Parameter | Output, name: str) -> int | None:
    call = parameter.decorator(name)
    value = call.arguments[0] if call and call.arguments else None
    return value.value if isinstance(value, Literal) and isinstance(value.value, int) else None


def _literals(parameter: Parameter | Output) -> list[Any]:
    call = parameter.decorator("allowed")
    listed = call.arguments[0] if call and call.arguments else None
    items = listed.items if isinstance(listed, Array) else ()
    return [item.value for item in items if isinstance(item, Literal)]
