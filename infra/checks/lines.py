"""Line breaks that tree-sitter-bicep takes and the Bicep compiler does not.

The compiler's parser (Azure/bicep, src/Bicep.Core/Parsing/BaseParser.cs) ends a declaration, a
property and an item at the end of the line; an expression goes on in the next line only inside
brackets and before the ``?`` and ``:`` of a conditional.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

#: Nodes whose parts stand on lines of their own.
_APART = ("infrastructure", "object", "array")
#: Nodes whose brackets allow line breaks right inside them.
_BRACKETS = ("arguments", "parenthesized_expression", "for_statement", "decorators", "string")


def misplaced_breaks(root: Node) -> Iterator[tuple[int, str]]:
    """Line and message of each break that is missing or where none may be."""
    for node in _nodes(root):
        if node.type in _APART:
            yield from _missing(node)
        elif node.type == "ternary_expression":
            yield from _in_ternary(node)
        elif node.type not in _BRACKETS:
            yield from _superfluous(node.children)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _missing(node: Node) -> Iterator[tuple[int, str]]:
    for one, two in pairwise(child for child in node.children if child.type not in "{}[]"):
        comma = "," in (one.type, two.type)
        if "comment" in two.type or comma or one.end_point.row < two.start_point.row:
            continue
        if one.type == "decorators" or one.end_point.column == 0:
            continue
        yield two.start_point.row + 1, "begin a new line here: the compiler wants one"


def _superfluous(parts: list[Node]) -> Iterator[tuple[int, str]]:
    for one, two in pairwise(parts):
        if one.end_point.row < two.start_point.row and "comment" not in one.type:
            yield one.end_point.row + 1, "this expression must go on in the same line"


def _in_ternary(node: Node) -> Iterator[tuple[int, str]]:
    for one, two in pairwise(node.children):
        breaks = one.end_point.row < two.start_point.row
        if breaks and two.type not in ("?", ":") and "comment" not in one.type:
            yield one.end_point.row + 1, "break the line before ? and :, not after them"
