"""What a deployment would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.checks.azure import Planned
from infra.checks.findings import Finding
from infra.checks.reader import Output, Parameter


@dataclass(slots=True)
class Argument:
    """A value that a module, or whoever deploys, hands to a parameter; or that of an output."""

    parameter: Parameter | Output
    path: str
    line: int
    value: Any


@dataclass(slots=True)
class Plan:
    """What a deployment would do with one set of parameters."""

    resources: list[Planned] = field(default_factory=list)
    arguments: list[Argument] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of_type(self, kind: str) -> list[Planned]:
        """Every resource of a type that would be deployed."""
        return [one for one in self.resources if one.type == kind and not one.existing]

    def with_id(self, resource_id: str) -> Planned | None:
        """Return the resource of an id, None where none is deployed."""
        made = (one for one in self.resources if not one.existing)
        return next((one for one in made if one.id.lower() == resource_id.lower()), None)
