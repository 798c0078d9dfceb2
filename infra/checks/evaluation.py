"""Gives expressions their values, as a deployment would; references are asked of the caller."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from infra.checks.azure import Unknown
from infra.checks.expressions import (
    Array,
    Binary,
    Call,
    Expression,
    Index,
    Lambda,
    Literal,
    Loop,
    Member,
    Name,
    Object,
    Ternary,
    Text,
    Unary,
)
from infra.checks.functions import KEY_FUNCTIONS, PURE


class EvaluationError(Exception):
    """An expression that a deployment would fail on."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Names(Protocol):
    """Who knows the values of names, and where files are loaded from."""

    folder: Path

    def value(self, name: str, line: int) -> Any:
        """Return the value of a parameter, variable, resource or module."""

    def member(self, of: Any, name: str, line: int) -> Any:
        """Return a member of a resource or module."""

    def asked(self, function: str, arguments: list[Any], line: int) -> Any:
        """Return what Azure answers to a function."""


_FAILURES = (TypeError, ValueError, KeyError, IndexError, AttributeError)

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "=~": lambda one, two: one.lower() == two.lower(),
    "!~": lambda one, two: one.lower() != two.lower(),
}


def evaluate(expression: Expression, names: Names, local: Mapping[str, Any]) -> Any:
    """Return the value of an expression; raises EvaluationError where a deployment would fail."""
    evaluator = _EVALUATORS.get(type(expression))
    if evaluator is None:
        raise EvaluationError(expression.line, "a value is expected here")
    try:
        return evaluator(expression, names, local)
    except _FAILURES as error:
        raise EvaluationError(expression.line, f"{type(error).__name__}: {error}") from error


def bind(parameters: tuple[str, ...], item: Any, at: int) -> dict[str, Any]:
    """Return the names of a loop or lambda with the values of one round."""
    return dict(zip(parameters, (item, at), strict=False))


def _literal(expression: Literal, _names: Names, _local: Mapping[str, Any]) -> Any:
    return expression.value


def _text(expression: Text, names: Names, local: Mapping[str, Any]) -> str:
    values = [evaluate(part, names, local) for part in expression.parts]
    return "".join(
        str(value) if isinstance(value, Unknown) else PURE["string"](value) for value in values
    )


def _object(expression: Object, names: Names, local: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(evaluate(entry.key, names, local)): evaluate(entry.value, names, local)
        for entry in expression.properties
    }


def _array(expression: Array, names: Names, local: Mapping[str, Any]) -> list[Any]:
    return [evaluate(item, names, local) for item in expression.items]


def _name(expression: Name, names: Names, local: Mapping[str, Any]) -> Any:
    if expression.name in local:
        return local[expression.name]
    return names.value(expression.name, expression.line)


def _member(expression: Member, names: Names, local: Mapping[str, Any]) -> Any:
    of = evaluate(expression.of, names, local)
    if of is None and expression.safe:
        return None
    if isinstance(of, Unknown):
        return Unknown(f"{of.text}.{expression.name}")
    if isinstance(of, dict):
        if expression.name not in of and not expression.safe:
            raise EvaluationError(expression.line, f"there is no property {expression.name}")
        return of.get(expression.name)
    return names.member(of, expression.name, expression.line)


def _index(expression: Index, names: Names, local: Mapping[str, Any]) -> Any:
    of = evaluate(expression.of, names, local)
    index = evaluate(expression.index, names, local)
    if isinstance(of, Unknown) or isinstance(index, Unknown):
        return Unknown(f"{of}[{index}]")
    return of[index]


def _unary(expression: Unary, names: Names, local: Mapping[str, Any]) -> Any:
    value = evaluate(expression.operand, names, local)
    if isinstance(value, Unknown):
        return value
    if expression.operator == "!" and not isinstance(value, bool):
        raise EvaluationError(expression.line, f"! needs a bool, not {value!r}")
    return not value if expression.operator == "!" else -value


def _binary(expression: Binary, names: Names, local: Mapping[str, Any]) -> Any:
    left = evaluate(expression.left, names, local)
    sign = expression.operator
    if sign == "??":
        return evaluate(expression.right, names, local) if left is None else left
    if sign in ("&&", "||") and left is (sign == "||"):
        return left
    right = evaluate(expression.right, names, local)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Unknown(f"{left} {sign} {right}")
    if sign in ("&&", "||"):
        if not isinstance(left, bool) or not isinstance(right, bool):
            raise EvaluationError(expression.line, f"{sign} needs two bools")
        return right
    return _OPERATORS[sign](left, right)


def _ternary(expression: Ternary, names: Names, local: Mapping[str, Any]) -> Any:
    test = evaluate(expression.test, names, local)
    if not isinstance(test, bool | Unknown):
        raise EvaluationError(expression.line, f"the condition is no bool but {test!r}")
    return evaluate(expression.yes if test else expression.no, names, local)


def _loop(expression: Loop, names: Names, local: Mapping[str, Any]) -> Any:
    source = evaluate(expression.source, names, local)
    if isinstance(source, Unknown):
        return source
    if not isinstance(source, list):
        raise EvaluationError(expression.line, "a loop goes over an array")
    rounds = (bind(expression.names, item, at) for at, item in enumerate(source))
    return [evaluate(expression.body, names, {**local, **one}) for one in rounds]


def _call(expression: Call, names: Names, local: Mapping[str, Any]) -> Any:
    if KEY_FUNCTIONS.fullmatch(expression.function):
        return Unknown(f"{expression.function}()")
    if expression.function.startswith("load"):
        return _load(expression, names)
    if expression.function in ("map", "filter", "toObject"):
        return _with_lambda(expression, names, local)
    arguments = [evaluate(argument, names, local) for argument in expression.arguments]
    if expression.function in PURE:
        if any(isinstance(argument, Unknown) for argument in arguments):
            return Unknown(f"{expression.function}({', '.join(map(str, arguments))})")
        return PURE[expression.function](*arguments)
    return names.asked(expression.function, arguments, expression.line)


def _with_lambda(expression: Call, names: Names, local: Mapping[str, Any]) -> Any:
    source, *lambdas = expression.arguments
    items = evaluate(source, names, local)
    if isinstance(items, Unknown):
        return items
    results = [
        [_apply(one, item, at, names, local) for one in lambdas] for at, item in enumerate(items)
    ]
    if expression.function == "map":
        return [result[0] for result in results]
    if expression.function == "filter":
        return [item for item, result in zip(items, results, strict=True) if result[0] is True]
    return {
        result[0]: result[1] if len(lambdas) > 1 else item
        for item, result in zip(items, results, strict=True)
    }


def _apply(one: Expression, item: Any, at: int, names: Names, local: Mapping[str, Any]) -> Any:
    if not isinstance(one, Lambda):
        raise EvaluationError(one.line, "a lambda is expected here")
    return evaluate(one.body, names, {**local, **bind(one.parameters, item, at)})


def _load(expression: Call, names: Names) -> Any:
    source = expression.arguments[0]
    path = names.folder / str(source.value if isinstance(source, Literal) else "")
    if not path.is_file():
        raise EvaluationError(expression.line, f"there is no file to load: {path.name}")
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if expression.function == "loadJsonContent" else text


_EVALUATORS: dict[type[Expression], Callable[[Any, Names, Mapping[str, Any]], Any]] = {
    Literal: _literal,
    Text: _text,
    Object: _object,
    Array: _array,
    Name: _name,
    Member: _member,
    Index: _index,
    Unary: _unary,
    Binary: _binary,
    Ternary: _ternary,
    Loop: _loop,
    Call: _call,
}
