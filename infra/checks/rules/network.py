"""Private endpoints: what has one is closed to the internet."""

from __future__ import annotations

from collections.abc import Iterator

from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File

ENDPOINT = "Microsoft.Network/privateEndpoints"
_CLOSED = (
    ("properties.publicNetworkAccess", "Disabled"),
    ("properties.networkAcls.defaultAction", "Deny"),
)


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find endpoints of nothing, and what has a private address and is open all the same."""
    for endpoint in plan.of_type(ENDPOINT):
        path = "properties.privateLinkServiceConnections"
        for connection in endpoint.array(path):
            inner = connection.get("properties") if isinstance(connection, dict) else None
            linked = inner.get("privateLinkServiceId") if isinstance(inner, dict) else None
            target = plan.with_id(str(linked))
            if target is None:
                message = "it leads to no resource of this deployment"
                yield finding(files, endpoint, path, "private-network", message)
                continue
            for name, wanted in _CLOSED:
                if target.property(name) != wanted:
                    message = f"set {name} to '{wanted}': {target.name} has a private endpoint"
                    yield finding(files, target, name, "private-network", message)
