"""Secrets: none in the files, none in an output, and none taken from where a key would be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from infra.checks.expressions import (
    Call,
    Expression,
    Literal,
    Member,
    Name,
    Object,
    children,
    walk,
)
from infra.checks.findings import Finding
from infra.checks.functions import KEY_FUNCTIONS
from infra.checks.modules import target_of
from infra.checks.reader import File, Parameter

_SECRET_NAME = re.compile(r"(password|passwd|secret|secrets|key|keys)(value)?$", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"AccountKey=|SharedAccessSignature=|SharedAccessKey=|DefaultEndpointsProtocol="
    r"|[?&]sig=|-----BEGIN|client_secret="
)
#: Properties by which a resource hands out what lets one in.
_SECRET_PROPERTIES = ("ConnectionString", "InstrumentationKey", "primaryKey", "secondaryKey")


def check(file: File, files: dict[str, File]) -> Iterator[Finding]:
    """Find keys and secrets in one file, and ways that they would leak."""
    yield from _parameters(file)
    for top in file.expressions():
        for part in walk(top):
            yield from _part(file, part)
    secure = {entry.name for entry in file.parameters if entry.decorator("secure")}
    secure |= _tainted(file, secure)
    for output in file.outputs:
        leaked = _leaked(output.value, secure)
        if leaked or _SECRET_NAME.search(output.name):
            message = f"{output.name} shows {leaked or 'a secret'} to whoever reads deployments"
            yield Finding(file.path, output.line, "secret-output", message)
    yield from _handed_on(file, files, secure)
    yield from _shown(file, secure)


def check_parameters_file(folder: Path, files: dict[str, File]) -> Iterator[Finding]:
    """Find secrets that are written into main.parameters.json."""
    path = folder / "main.parameters.json"
    if not path.is_file():
        return
    secure = {one.name for one in files["main.bicep"].parameters if one.decorator("secure")}
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, entry in json.loads("\n".join(lines)).get("parameters", {}).items():
        value = str(entry.get("value", ""))
        written = name in secure and not re.fullmatch(r"\$\{\w+=?\}|", value)
        if written or _SECRET_TEXT.search(value):
            line = next((at for at, text in enumerate(lines, 1) if f'"{name}"' in text), 1)
            message = f"{name} must come from the environment: ${{NAME}}"
            yield Finding(path.name, line, "secret-in-parameters", message)


def _parameters(file: File) -> Iterator[Finding]:
    for parameter in file.parameters:
        secure = parameter.decorator("secure")
        if not secure and parameter.type == "string" and _SECRET_NAME.search(parameter.name):
            message = f"{parameter.name} must be @secure()"
            yield Finding(file.path, parameter.line, "insecure-parameter", message)
        if secure and not _empty(parameter):
            message = f"{parameter.name} must not have a default: it would be in every copy"
            yield Finding(file.path, parameter.line, "secret-default", message)


def _empty(parameter: Parameter) -> bool:
    default = parameter.default
    return default is None or (isinstance(default, Literal) and default.value == "")


def _part(file: File, part: Expression) -> Iterator[Finding]:
    if isinstance(part, Call) and KEY_FUNCTIONS.fullmatch(part.function):
        message = f"{part.function} hands out a key: use an identity and a role"
        yield Finding(file.path, part.line, "key-function", message)
    text = part.value if isinstance(part, Literal) else None
    if isinstance(text, str) and _SECRET_TEXT.search(text):
        yield Finding(file.path, part.line, "stored-key", "a key or signature is written here")


def _tainted(file: File, secure: set[str]) -> set[str]:
    """Return the variables that hold a secret, or another variable that does."""
    found: set[str] = set()
    for _ in file.variables:
        known = secure | found
        found |= {one.name for one in file.variables if _leaked(one.value, known) in known}
    return found


def _leaked(value: Expression, secure: set[str]) -> str | None:
    """Return the secret that an expression shows, None where it shows none."""
    if isinstance(value, Call) and value.function in ("empty", "length"):
        return None
    if isinstance(value, Name) and value.name in secure:
        return value.name
    if isinstance(value, Call) and KEY_FUNCTIONS.fullmatch(value.function):
        return value.function
    if isinstance(value, Member):
        inside = isinstance(value.of, Member) and value.of.name == "properties"
        if value.name in _SECRET_PROPERTIES or (inside and value.name == "value"):
            return value.name
    return next((leak for part in children(value) if (leak := _leaked(part, secure))), None)


def _shown(file: File, secure: set[str]) -> Iterator[Finding]:
    """Find secrets in properties of resources, but for the values of a vault's secrets."""
    for resource in file.resources:
        is_secret = resource.type == "Microsoft.KeyVault/vaults/secrets"
        for entry in resource.body.properties:
            inner = entry.value if isinstance(entry.value, Object) else None
            for part in inner.properties if inner else (entry,):
                if is_secret and (entry.name, part.name) == ("properties", "value"):
                    if isinstance(part.value, Literal):
                        message = "the value of a secret is written here"
                        yield Finding(file.path, part.line, "stored-key", message)
                elif any(isinstance(one, Name) and one.name in secure for one in walk(part)):
                    message = f"{resource.name} keeps a secret where everybody may read it"
                    yield Finding(file.path, part.line, "secret-shown", message)


def _handed_on(file: File, files: dict[str, File], secure: set[str]) -> Iterator[Finding]:
    """Find secrets that a module takes as a plain parameter, which the portal would show."""
    for module in file.modules:
        target = files.get(target_of(file, module))
        given = module.body.get("params")
        taken = {one.name: one for one in target.parameters} if target else {}
        for entry in given.properties if isinstance(given, Object) else ():
            parameter = taken.get(entry.name or "")
            leaked = _leaked(entry.value, secure) if parameter else None
            if parameter and leaked and not parameter.decorator("secure"):
                message = f"{parameter.name} takes {leaked} and is not @secure()"
                yield Finding(file.path, entry.line, "insecure-parameter", message)
