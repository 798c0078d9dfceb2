"""Expressions of Bicep, as the reader gives them and the evaluation takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Expression:
    """Anything that has a value."""

    #: int, counted from 1
    line: int


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """``'text'`` without interpolation, ``12``, ``true`` or ``null``."""

    value: str | int | bool | None


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """``'a${b}c'``: literals and what stands between them."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Property(Expression):
    """``key: value`` of an object."""

    key: Expression
    value: Expression

    @property
    def name(self) -> str | None:
        """The key, or None where it is interpolated."""
        return str(self.key.value) if isinstance(self.key, Literal) else None


@dataclass(frozen=True, slots=True)
class Object(Expression):
    """``{ … }``."""

    properties: tuple[Property, ...]

    def get(self, name: str) -> Expression | None:
        """Return the value of a property, None where there is none."""
        return next((entry.value for entry in self.properties if entry.name == name), None)


@dataclass(frozen=True, slots=True)
class Array(Expression):
    """``[ … ]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A parameter, variable, resource, module or loop variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """``of.name``; *safe* for ``of.?name``."""

    of: Expression
    name: str
    safe: bool


@dataclass(frozen=True, slots=True)
class Index(Expression):
    """``of[index]``."""

    of: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """``function(arguments)``, or ``of.function(arguments)``."""

    function: str
    arguments: tuple[Expression, ...]
    of: Expression | None = None


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """``!a`` and ``-a``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """``a == b`` and its like."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Ternary(Expression):
    """``test ? yes : no``."""

    test: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class Lambda(Expression):
    """``(a, b) => body``."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class Loop(Expression):
    """``[for (item, index) in source: body]``."""

    #: tuple of str, the item's name and perhaps the index's
    names: tuple[str, ...]
    source: Expression
    body: Expression


@dataclass(frozen=True, slots=True)
class Condition(Expression):
    """``if (test) body`` of a resource or module."""

    test: Expression
    body: Expression


_NAMES: dict[type[Expression], tuple[str, ...]] = {}


def _names(kind: type[Expression]) -> tuple[str, ...]:
    """Return the names of the parts of one kind of expression."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def children(expression: Expression) -> Iterator[Expression]:
    """Yield every expression right inside one."""
    for name in _names(type(expression)):
        value = getattr(expression, name)
        if isinstance(value, Expression):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Expression))


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and every one inside it."""
    left = [expression]
    while left:
        one = left.pop()
        yield one
        left.extend(children(one))


def body_of(expression: Expression) -> Object:
    """Return the object of a resource or module, inside its loop and its condition."""
    while isinstance(expression, Loop | Condition):
        expression = expression.body
    return expression if isinstance(expression, Object) else Object(expression.line, ())
