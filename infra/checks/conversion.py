"""Turns nodes of the syntax tree into expressions; puts right what the grammar binds wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tree_sitter import Node

from infra.checks.expressions import (
    Array,
    Binary,
    Call,
    Condition,
    Expression,
    Index,
    Lambda,
    Literal,
    Loop,
    Member,
    Name,
    Object,
    Property,
    Ternary,
    Text,
    Unary,
)

_ESCAPE = re.compile(r"\\(?:[nrt'\\$]|u\{([0-9a-fA-F]+)\})")
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\'": "'", "\\\\": "\\", "\\$": "$"}


def text_of(node: Node) -> str:
    """Return the source text of a node."""
    return (node.text or b"").decode()


def line_of(node: Node) -> int:
    """Return the line that a node begins at, counted from 1."""
    return node.start_point.row + 1


def text_value(node: Node) -> str:
    """Return the value of a string, its source text where something is interpolated."""
    value = convert(node)
    return str(value.value) if isinstance(value, Literal) else text_of(node)


def convert(node: Node) -> Expression:
    """Return the expression of a node."""
    return _CONVERTERS.get(node.type, _unknown)(node)


def _unknown(node: Node) -> Expression:
    return Name(line_of(node), text_of(node))


def _named(node: Node) -> list[Node]:
    return [child for child in node.named_children if "comment" not in child.type]


def _number(node: Node) -> Expression:
    return Literal(line_of(node), int(text_of(node)))


def _boolean(node: Node) -> Expression:
    return Literal(line_of(node), text_of(node) == "true")


def _null(node: Node) -> Expression:
    return Literal(line_of(node), None)


def _string(node: Node) -> Expression:
    """Return a text, read from the source: the grammar drops escaped dollars and outer spaces."""
    line, source = line_of(node), node.text or b""
    if source.startswith(b"'''"):
        return Literal(line, re.sub(r"^\r?\n", "", source[3:-3].decode()))
    parts: list[Expression] = []
    at = 1
    for child in node.named_children:
        if child.type == "interpolation":
            begin = child.start_byte - node.start_byte
            begin += (child.text or b"").index(b"${")
            parts += _literal(line, source[at:begin])
            parts.append(convert(_named(child)[0]))
            at = child.end_byte - node.start_byte
    parts += _literal(line, source[at:-1])
    if not parts:
        return Literal(line, "")
    only = parts[0] if len(parts) == 1 else None
    if isinstance(only, Literal) and isinstance(only.value, str):
        return only
    return Text(line, tuple(parts))


def _literal(line: int, source: bytes) -> list[Expression]:
    """Return a stretch of a text without its escapes, nothing for an empty one."""
    text = _ESCAPE.sub(lambda match: _ESCAPES.get(match[0]) or _code(match[1]), source.decode())
    return [Literal(line, text)] if text else []


def _code(number: str) -> str:
    return chr(int(number, 16))


def _object(node: Node) -> Expression:
    entries = [child for child in _named(node) if len(_named(child)) == 2]
    return Object(line_of(node), tuple(_property(child) for child in entries))


def _property(node: Node) -> Property:
    key, value = _named(node)
    name = Literal(line_of(key), text_of(key)) if key.type == "identifier" else convert(key)
    return Property(line_of(node), name, convert(value))


def _array(node: Node) -> Expression:
    return Array(line_of(node), tuple(convert(child) for child in _named(node)))


def _parenthesized(node: Node) -> Expression:
    return convert(_named(node)[0])


def _member(node: Node) -> Expression:
    of, name = _named(node)
    safe = any(child.type in (".?", "?.") for child in node.children) or ".?" in text_of(node)
    return _bind(of, lambda inner: Member(line_of(name), inner, text_of(name), safe))


def _index(node: Node) -> Expression:
    of, index = _named(node)
    return _bind(of, lambda inner: Index(line_of(node), inner, convert(index)))


def _resource_member(node: Node) -> Expression:
    of, name = _named(node)
    return Member(line_of(node), convert(of), text_of(name), safe=False)


def _call(node: Node) -> Expression:
    function, arguments = _named(node)
    given = tuple(convert(child) for child in _named(arguments))
    if function.type == "identifier":
        return Call(line_of(node), text_of(function), given)
    called = convert(function)
    if isinstance(called, Unary | Lambda | Binary):
        return _rebind(called, lambda inner: _method(inner, given))
    return _method(called, given)


def _method(called: Expression, arguments: tuple[Expression, ...]) -> Expression:
    if not isinstance(called, Member):
        return Call(called.line, "", arguments, called)
    if isinstance(called.of, Name) and called.of.name in ("az", "sys"):
        return Call(called.line, called.name, arguments)
    return Call(called.line, called.name, arguments, called.of)


def _unary(node: Node) -> Expression:
    operator = text_of(node.children[0])
    return Unary(line_of(node), operator, convert(_named(node)[0]))


def _binary(node: Node) -> Expression:
    left, right = _named(node)
    operator = next(text_of(child) for child in node.children if not child.is_named)
    second = convert(right)

    def bound(first: Expression) -> Expression:
        return Binary(line_of(node), operator, first, second)

    first = convert(left)
    return _rebind(first, bound) if isinstance(first, Lambda) else bound(first)


def _ternary(node: Node) -> Expression:
    test, yes, no = (convert(child) for child in _named(node))

    def bound(condition: Expression) -> Expression:
        return Ternary(line_of(node), condition, yes, no)

    return _rebind(test, bound) if isinstance(test, Lambda) else bound(test)


def _bind(of: Node, bound: Callable[[Expression], Expression]) -> Expression:
    """Put a member or index where the compiler does: closer than ``!`` and inside a lambda."""
    inner = convert(of)
    if of.type != "parenthesized_expression" and isinstance(inner, Unary | Lambda):
        return _rebind(inner, bound)
    return bound(inner)


def _rebind(outer: Expression, bound: Callable[[Expression], Expression]) -> Expression:
    if isinstance(outer, Unary):
        return replace(outer, operand=_rebind(outer.operand, bound))
    if isinstance(outer, Lambda):
        return replace(outer, body=_rebind(outer.body, bound))
    return bound(outer)


def _lambda(node: Node) -> Expression:
    parameters, body = _named(node)
    names = _named(parameters) if parameters.type == "parenthesized_expression" else [parameters]
    return Lambda(line_of(node), tuple(text_of(name) for name in names), convert(body))


def _loop(node: Node) -> Expression:
    variables, source, body = _named(node)
    names = _named(variables) if variables.type == "for_loop_parameters" else [variables]
    names_of = tuple(text_of(name) for name in names)
    return Loop(line_of(node), names_of, convert(source), convert(body))


def _condition(node: Node) -> Expression:
    test, body = _named(node)
    return Condition(line_of(node), convert(test), convert(body))


_CONVERTERS: dict[str, Callable[[Node], Expression]] = {
    "number": _number,
    "boolean": _boolean,
    "null": _null,
    "string": _string,
    "object": _object,
    "array": _array,
    "parenthesized_expression": _parenthesized,
    "member_expression": _member,
    "subscript_expression": _index,
    "resource_expression": _resource_member,
    "call_expression": _call,
    "unary_expression": _unary,
    "binary_expression": _binary,
    "ternary_expression": _ternary,
    "lambda_expression": _lambda,
    "for_statement": _loop,
    "if_statement": _condition,
}
