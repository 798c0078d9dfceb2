"""With which parameters the deployment is played through.

As azd does with main.parameters.json, then with all parameters changed, then with each switch
changed by itself, or with the one that it needs: so each condition is once true and once false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.checks.evaluation import EvaluationError
from infra.checks.expressions import Literal
from infra.checks.plan import Plan
from infra.checks.planning import Deployment, plan
from infra.checks.reader import File, Parameter

#: What azd itself fills in.
ENVIRONMENT = {
    "AZURE_ENV_NAME": "demo",
    "AZURE_LOCATION": "westeurope",
    "AZURE_PRINCIPAL_ID": "00000000-0000-0000-0000-000000000009",
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
}
#: What stands for a text that nobody has set, by how the parameter's name ends.
_SAMPLES = {
    r"(id|ids|applications)$": "00000000-0000-0000-0000-000000000007",
    r"(mail|address)$": "operator@contoso.example",
    r"(domain|host|hostname)$": "links.contoso.example",
    r"(url|uri)$": "https://links.contoso.example",
}
#: Not tried with everything else changed: the app refuses a user name without TLS, as it should.
_UNTRIED = {"smtpSecurity": "none"}
#: Changed together: without API keys nobody could call, unless with tokens, and the app says so.
_TOGETHER = {"acceptApiKeys": "entraClientId"}
_VARIABLE = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One set of parameters and what comes of it."""

    name: str
    plan: Plan


def azd_parameters(path: Path) -> dict[str, Any]:
    """Return the values of main.parameters.json, as azd substitutes the environment's variables.

    What names a variable that is not set, and so is empty, azd leaves to its default
    (Azure/azure-dev, bicep_provider.go, loadParameters).
    """
    if not path.is_file():
        return {}
    entries = json.loads(path.read_text(encoding="utf-8")).get("parameters", {})
    values = {name: entry.get("value") for name, entry in entries.items()}
    return {name: one for name, value in values.items() if (one := _substituted(value)) is not None}


def _substituted(value: Any) -> Any:
    if not isinstance(value, str) or not _VARIABLE.search(value):
        return value
    return _VARIABLE.sub(lambda one: ENVIRONMENT.get(one[1], one[2] or ""), value) or None


def converted(parameter: Parameter, value: Any) -> Any:
    """Return a value as azd hands it on: the text of a bool or number becomes one."""
    if parameter.type == "bool" and value in ("true", "false"):
        return value == "true"
    if parameter.type == "int" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value


def scenarios(folder: Path, files: dict[str, File]) -> Iterator[Scenario]:
    """Play every scenario through, one after the other."""
    main = files["main.bicep"]
    known = {parameter.name: parameter for parameter in main.parameters}
    base = {
        name: converted(known[name], value)
        for name, value in azd_parameters(folder / "main.parameters.json").items()
        if name in known
    }
    # azd asks for what has neither a value nor a default.
    asked = [one for one in main.parameters if one.default is None and not base.get(one.name)]
    base |= {one.name: sample(one) for one in asked if one.type == "string"}
    changes = _changes(folder, files, base)
    sets = [("as azd deploys it", base)]
    sets += [(label, {**base, **change}) for label, change in _rounds(changes)]
    for label, values in sets:
        yield Scenario(label, plan(folder, files, values))


def _rounds(changes: dict[str, list[Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return what to change in each scenario.

    First everything at once, to its first other value, then to its second and so on; then each
    parameter with one other value, as switches have, by itself.
    """
    most = max(map(len, changes.values()), default=0)
    rounds = [
        (
            f"with everything changed ({at + 1})",
            {name: others[min(at, len(others) - 1)] for name, others in changes.items()},
        )
        for at in range(most)
    ]
    switches = {name: others[0] for name, others in changes.items() if len(others) == 1}
    for name, value in switches.items():
        partner = _TOGETHER.get(name)
        other = {partner: switches[partner]} if partner in switches else {}
        rounds.append((f"with {name} changed", {name: value, **other}))
    return rounds


def _changes(folder: Path, files: dict[str, File], base: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the other values worth trying of each parameter."""
    main = files["main.bicep"]
    deployment = Deployment(folder, files, main, "")
    deployment.given = dict(base)
    changes = {}
    for parameter in main.parameters:
        try:
            others = _others(parameter, deployment.value(parameter.name, parameter.line))
        except EvaluationError:
            continue
        if others:
            changes[parameter.name] = others
    return changes


def _others(parameter: Parameter, value: Any) -> list[Any]:
    allowed = parameter.decorator("allowed")
    if allowed:
        listed = allowed.arguments[0]
        names = [one.value for one in getattr(listed, "items", ()) if isinstance(one, Literal)]
        return [one for one in names if one not in (value, _UNTRIED.get(parameter.name))]
    if parameter.type == "bool":
        return [not value]
    if parameter.type == "int":
        return _bounds(parameter, value)
    if parameter.type == "string" and not value:
        return [sample(parameter)]
    if parameter.type == "array" and value == []:
        return [[sample(parameter)]]
    return []


def sample(parameter: Parameter) -> str:
    """Return what somebody could write for a text."""
    if parameter.decorator("secure"):
        return "a-secret-of-more-than-thirty-two-characters"
    for ending, value in _SAMPLES.items():
        if re.search(ending, parameter.name, re.IGNORECASE):
            return value
    return "contoso"


def _bounds(parameter: Parameter, value: Any) -> list[Any]:
    bounds = [parameter.decorator("minValue"), parameter.decorator("maxValue")]
    values = [call.arguments[0] for call in bounds if call]
    numbers = [_number(one) for one in values]
    return [number for number in numbers if number not in (None, value)]


def _number(expression: Any) -> int | None:
    if isinstance(expression, Literal) and isinstance(expression.value, int):
        return expression.value
    return None
