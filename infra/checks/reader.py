"""Reads a Bicep file into declarations, by the grammar of tree-sitter-bicep."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from infra.checks.conversion import convert, line_of, text_of, text_value
from infra.checks.expressions import Call, Expression, Object, Property, body_of, walk
from infra.checks.findings import Finding
from infra.checks.lines import misplaced_breaks

#: Types that a parameter or output may have here: what every tool that reads them knows.
PRIMITIVES = ("string", "int", "bool", "object", "array")

_PARSER = Parser(Language(tree_sitter_bicep.language()))


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name and where it is declared."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Parameter(Declaration):
    """``param name type = default`` with its decorators."""

    type: str
    default: Expression | None
    decorators: tuple[Call, ...]

    def decorator(self, name: str) -> Call | None:
        """Return the decorator of a name, such as ``allowed``."""
        return next((call for call in self.decorators if call.function == name), None)


@dataclass(frozen=True, slots=True)
class Variable(Declaration):
    """``var name = value``."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Resource(Declaration):
    """``resource name 'type@version' = value``."""

    type: str
    version: str
    existing: bool
    value: Expression

    @property
    def body(self) -> Object:
        """Its properties, inside its loop and its condition."""
        return body_of(self.value)


@dataclass(frozen=True, slots=True)
class Module(Declaration):
    """``module name 'path' = value``."""

    path: str
    value: Expression

    @property
    def body(self) -> Object:
        """Its properties, inside its loop and its condition."""
        return body_of(self.value)


@dataclass(frozen=True, slots=True)
class Output(Declaration):
    """``output name type = value``."""

    type: str
    value: Expression
    decorators: tuple[Call, ...]

    def decorator(self, name: str) -> Call | None:
        """Return the decorator of a name, such as ``allowed``."""
        return next((call for call in self.decorators if call.function == name), None)


@dataclass(slots=True)
class File:
    """One Bicep file; *problems* tells what could not be read."""

    path: str
    target_scope: str = "resourceGroup"
    parameters: list[Parameter] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    #: dict of str to int, the first line of each property of any object, by its name
    property_lines: dict[str, int] = field(default_factory=dict)

    def declarations(self) -> list[Declaration]:
        """Everything that an expression can name."""
        return [*self.parameters, *self.variables, *self.resources, *self.modules]

    def expressions(self) -> list[Expression]:
        """Every expression at the top of a declaration."""
        defaults = [entry.default for entry in self.parameters if entry.default is not None]
        decorators = [call for entry in self.parameters for call in entry.decorators]
        values = [entry.value for entry in self.variables]
        values += [entry.value for entry in (*self.built(), *self.outputs)]
        return [*defaults, *decorators, *values]

    def built(self) -> list[Resource | Module]:
        """Everything that is deployed."""
        return [*self.resources, *self.modules]


def read_folder(root: Path) -> dict[str, File]:
    """Read every Bicep file under a folder, by its path from there."""
    return {
        path.relative_to(root).as_posix(): read(
            path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        )
        for path in sorted(root.rglob("*.bicep"))
    }


@lru_cache(maxsize=256)
def read(path: str, text: str) -> File:
    """Read one file; what the grammar or the compiler would refuse is among its problems."""
    root = _PARSER.parse(text.encode()).root_node
    file = File(path)
    if root.has_error:
        file.problems = [
            Finding(path, line_of(node), "syntax", f"cannot be read: {_start(node)!r}")
            for node in _errors(root)
        ]
        return file
    file.problems = [
        Finding(path, line, "syntax", message) for line, message in misplaced_breaks(root)
    ]
    file.problems += [
        Finding(path, line_of(node), "conservative-syntax", "declare it flat, with parent:")
        for node in _nested(root)
    ]
    decorators: tuple[Call, ...] = ()
    for node in root.named_children:
        if node.type == "decorators":
            found = [child for child in node.named_children if child.type == "decorator"]
            decorators += tuple(map(_decorator, found))
            continue
        if node.type not in ("comment", "diagnostic_comment"):
            _declare(file, node, decorators)
            file.problems += _repeated(path, decorators)
            decorators = ()
    file.problems += [
        Finding(path, call.line, "syntax", "this decorator stands before nothing")
        for call in decorators
    ]
    for part in (part for top in file.expressions() for part in walk(top)):
        if isinstance(part, Property) and part.name:
            line = file.property_lines.get(part.name, part.line)
            file.property_lines[part.name] = min(line, part.line)
    return file


def _errors(node: Node) -> list[Node]:
    """Return the innermost nodes that the grammar could not make sense of."""
    inner = [error for child in node.children if child.has_error for error in _errors(child)]
    return inner or ([node] if node.is_error or node.is_missing else [])


def _nested(root: Node) -> list[Node]:
    """Resources that are declared inside another."""
    inner = [child for node in root.children for child in _resources(node) if child != node]
    return [node for node in inner if node.parent != root]


def _resources(node: Node) -> list[Node]:
    found = [node] if node.type == "resource_declaration" else []
    return found + [inner for child in node.children for inner in _resources(child)]


def _start(node: Node) -> str:
    return text_of(node).split("\n", 1)[0][:40]


def _repeated(path: str, decorators: tuple[Call, ...]) -> list[Finding]:
    """Find decorators that stand twice before one declaration: the first lost its own."""
    names = [call.function for call in decorators]
    return [
        Finding(path, call.line, "syntax", f"@{call.function} stands here twice")
        for at, call in enumerate(decorators)
        if call.function in names[at + 1 :]
    ]


def _decorator(node: Node) -> Call:
    call = convert(node.named_children[0])
    return call if isinstance(call, Call) else Call(line_of(node), "", ())


def _declare(file: File, node: Node, decorators: tuple[Call, ...]) -> None:
    if node.type == "target_scope_assignment":
        file.target_scope = text_value(node.named_children[0])
    elif node.type == "parameter_declaration":
        file.parameters.append(_parameter(node, decorators))
    elif node.type == "variable_declaration":
        name, value = node.named_children
        file.variables.append(Variable(text_of(name), line_of(node), convert(value)))
    elif node.type == "resource_declaration":
        file.resources.append(_resource(node))
    elif node.type == "module_declaration":
        name, source, value = node.named_children
        module = Module(text_of(name), line_of(node), text_value(source), convert(value))
        file.modules.append(module)
    elif node.type == "output_declaration":
        name, kind, value = node.named_children
        file.outputs.append(
            Output(text_of(name), line_of(node), text_of(kind), convert(value), decorators)
        )
    elif node.type != "metadata_declaration":
        message = f"{node.type.replace('_', ' ')}: keep to param, var, resource, module, output"
        file.problems.append(Finding(file.path, line_of(node), "conservative-syntax", message))


def _parameter(node: Node, decorators: tuple[Call, ...]) -> Parameter:
    name, kind, *default = node.named_children
    value = convert(default[0]) if default else None
    return Parameter(text_of(name), line_of(node), text_of(kind), value, decorators)


def _resource(node: Node) -> Resource:
    name, reference, value = node.named_children
    kind, _, version = text_value(reference).partition("@")
    existing = any(child.type == "existing" for child in node.children)
    return Resource(text_of(name), line_of(node), kind, version, existing, convert(value))
