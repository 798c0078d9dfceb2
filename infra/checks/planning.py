"""Plays a deployment through: which resources there would be, with which values.

Like what-if without Azure: main.bicep is evaluated with parameters, its modules with what it
hands them, and what Azure would fill in is made up (`azure.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.checks.azure import (
    SUBSCRIPTION,
    Planned,
    Unknown,
    answers,
    given_property,
    is_resource_group,
    resource_group,
    resource_id,
)
from infra.checks.evaluation import EvaluationError, bind, evaluate
from infra.checks.expressions import Condition, Expression, Loop, Object
from infra.checks.findings import Finding
from infra.checks.modules import target_of
from infra.checks.plan import Argument, Plan
from infra.checks.reader import File, Module, Parameter, Resource, Variable

#: Stands for what is being worked out, to notice circles.
_PENDING = object()


def plan(root: Path, files: dict[str, File], parameters: Mapping[str, Any]) -> Plan:
    """Play the deployment of main.bicep through with the values of its parameters."""
    main = files["main.bicep"]
    group = "" if main.target_scope == "subscription" else "/resourceGroups/rg"
    deployment = Deployment(root, files, main, SUBSCRIPTION + group)
    deployment.given = dict(parameters)
    deployment.run()
    deployment.made.outputs = deployment.outputs()
    return deployment.made


class Outputs:
    """``module.outputs``."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment


class Properties:
    """``resource.properties``."""

    def __init__(self, resource: Planned) -> None:
        self.resource = resource


class Absent:
    """A module whose condition does not hold."""

    def __init__(self, name: str) -> None:
        self.name = name


class Deployment:
    """One file being deployed: the values of its names, each worked out when it is asked for."""

    def __init__(self, root: Path, files: dict[str, File], file: File, scope_id: str) -> None:
        self.root = root
        self.files = files
        self.file = file
        self.scope_id = scope_id
        self.made = Plan()
        self.given: dict[str, Any] = {}
        self.folder = (root / file.path).parent
        self._values: dict[str, Any] = {}
        self._declared = {entry.name: entry for entry in file.declarations()}

    def run(self) -> None:
        """Work out everything that is declared; note what would fail."""
        for entry in self.file.declarations():
            try:
                value = self.value(entry.name, entry.line)
            except EvaluationError as error:
                self._note(error)
                continue
            if isinstance(entry, Parameter):
                if entry.name not in self.given:
                    self.made.arguments.append(Argument(entry, self.file.path, entry.line, value))
            elif isinstance(entry, Resource | Module):
                for one in value if isinstance(value, list) else [value]:
                    self._keep(one)

    def _keep(self, one: Any) -> None:
        if isinstance(one, Deployment):
            one.made = self.made
            one.run()
            one.outputs()
        elif isinstance(one, Planned) and one.deployed:
            self.made.resources.append(one)

    def outputs(self) -> dict[str, Any]:
        """Work out every output; note what would fail."""
        values = {entry.name: self._noted(entry.value, {}) for entry in self.file.outputs}
        for entry in self.file.outputs:
            argument = Argument(entry, self.file.path, entry.line, values[entry.name])
            self.made.arguments.append(argument)
        return values

    def value(self, name: str, line: int) -> Any:
        """Return the value of a name; raises EvaluationError."""
        if self._values.get(name) is _PENDING:
            raise EvaluationError(line, f"{name} depends on itself")
        if name not in self._values:
            self._values[name] = _PENDING
            try:
                self._values[name] = self._value(name, line)
            except EvaluationError:
                # It is told once, at its own line.
                self._values[name] = Unknown(name)
                raise
        return self._values[name]

    def _value(self, name: str, line: int) -> Any:
        entry = self._declared.get(name)
        if isinstance(entry, Parameter):
            if name in self.given:
                return self.given[name]
            return evaluate(entry.default, self, {}) if entry.default else Unknown(name)
        if isinstance(entry, Variable):
            return evaluate(entry.value, self, {})
        if isinstance(entry, Resource | Module):
            return self._instances(entry, entry.value, {})
        raise EvaluationError(line, f"{name} is declared nowhere")

    def _instances(
        self, entry: Resource | Module, value: Expression, local: Mapping[str, Any]
    ) -> Any:
        """Return a resource or module, a list of them for a loop."""
        if isinstance(value, Loop):
            source = evaluate(value.source, self, local)
            rounds = enumerate([] if isinstance(source, Unknown) else source)
            bound = ({**local, **bind(value.names, item, at)} for at, item in rounds)
            return [self._instances(entry, value.body, one) for one in bound]
        deployed = True
        if isinstance(value, Condition):
            deployed = evaluate(value.test, self, local) is not False
        if isinstance(entry, Resource):
            return self._resource(entry, local, deployed=deployed)
        return self._module(entry, local) if deployed else Absent(entry.name)

    def _resource(self, entry: Resource, local: Mapping[str, Any], *, deployed: bool) -> Planned:
        name, parent, scope = (
            evaluate(value, self, local) if value else None
            for value in (entry.body.get(part) for part in ("name", "parent", "scope"))
        )
        planned = Planned(entry, self.file.path, self.scope_id, deployed=deployed, name=str(name))
        if isinstance(parent, Planned):
            planned.name = f"{parent.name}/{name}"
            planned.scope_id = parent.id.partition("/providers/")[0]
        elif scope:
            planned.scope_id = _id_of(scope, planned.scope_id)
        planned.id = resource_id(entry.type, planned.name, planned.scope_id)
        for given in entry.body.properties if deployed else ():
            if given.name not in ("parent", "scope", "dependsOn"):
                key = str(evaluate(given.key, self, local))
                planned.body[key] = self._noted(given.value, local)
        return planned

    def _module(self, entry: Module, local: Mapping[str, Any]) -> Any:
        target = self.files.get(target_of(self.file, entry))
        if target is None:
            return Unknown(entry.name)
        scope = entry.body.get("scope")
        scope_id = _id_of(evaluate(scope, self, local), "") if scope else self.scope_id
        deployment = Deployment(self.root, self.files, target, scope_id)
        known = {parameter.name: parameter for parameter in target.parameters}
        params = entry.body.get("params")
        for given in params.properties if isinstance(params, Object) else ():
            if given.name in known:
                value = self._noted(given.value, local)
                deployment.given[given.name] = value
                argument = Argument(known[given.name], self.file.path, given.line, value)
                self.made.arguments.append(argument)
        return deployment

    def member(self, of: Any, name: str, line: int) -> Any:
        """Return a member of a resource, of a module or of its outputs; raises EvaluationError."""
        if isinstance(of, Planned):
            return self._resource_member(of, name, line)
        if isinstance(of, Properties):
            return given_property(of.resource, name)
        if isinstance(of, Absent):
            raise EvaluationError(line, f"{of.name}.{name}, though the module is not deployed")
        if isinstance(of, Deployment) and name in ("name", "outputs"):
            return Outputs(of) if name == "outputs" else of.file.path
        if isinstance(of, Outputs):
            return of.deployment.output(name, line)
        raise EvaluationError(line, f"there is no property {name}")

    def _resource_member(self, of: Planned, name: str, line: int) -> Any:
        if name in ("id", "name", "type"):
            return of.name.rpartition("/")[2] if name == "name" else getattr(of, name)
        if not of.deployed:
            raise EvaluationError(line, f"{of.symbol}.{name}, though it is not deployed")
        return Properties(of) if name == "properties" else of.body.get(name, Unknown(name))

    def output(self, name: str, line: int) -> Any:
        """Return the value of one output; raises EvaluationError."""
        for output in self.file.outputs:
            if output.name == name:
                return evaluate(output.value, self, {})
        raise EvaluationError(line, f"{self.file.path} has no output {name}")

    def asked(self, function: str, arguments: list[Any], line: int) -> Any:
        """Return what Azure answers to a function; raises EvaluationError."""
        if function == "resourceGroup":
            if arguments:
                return resource_group(f"{SUBSCRIPTION}/resourceGroups/{arguments[-1]}")
            if not is_resource_group(self.scope_id):
                raise EvaluationError(line, "there is no resource group at this scope")
            return resource_group(self.scope_id)
        return answers().get(function, Unknown(f"{function}()"))

    def _noted(self, value: Expression, local: Mapping[str, Any]) -> Any:
        """Return a value; where it cannot be worked out, note that and go on."""
        try:
            return evaluate(value, self, local)
        except EvaluationError as error:
            self._note(error)
            return Unknown("failed")

    def _note(self, error: EvaluationError) -> None:
        self.made.problems.append(Finding(self.file.path, error.line, "evaluation", str(error)))


def _id_of(scope: Any, otherwise: str) -> str:
    """Return the id that a ``scope:`` names."""
    if isinstance(scope, Planned):
        return scope.id
    return str(scope["id"]) if isinstance(scope, dict) else otherwise
