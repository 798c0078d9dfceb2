"""What the operation relies on: queues that the code names, alerts, and the end of old blobs."""

from __future__ import annotations

from collections.abc import Iterator

from engagement.storage.keys import QUEUES, poison
from infra.checks.findings import Finding
from infra.checks.places import finding
from infra.checks.plan import Plan
from infra.checks.reader import File
from infra.checks.rules.logs import data_accounts
from infra.checks.rules.storage import ACCOUNT

#: Metrics of which somebody must be told.
WATCHED = ("queue_age_seconds", "poison_count", "spilled", "lost")


def check(plan: Plan, files: dict[str, File]) -> Iterator[Finding]:
    """Find queues that are missing, unused or misspelt, metrics that nobody watches, old blobs."""
    wanted = {*QUEUES, *map(poison, QUEUES)}
    for account in data_accounts(plan):
        queues = [
            one
            for one in plan.of_type(f"{ACCOUNT}/queueServices/queues")
            if one.name.startswith(f"{account.name}/")
        ]
        names = {one.name.rpartition("/")[2] for one in queues}
        for name in sorted(wanted ^ names):
            what = "is missing" if name in wanted else "is no queue of engagement/storage/keys.py"
            place = queues[0] if queues else account
            yield finding(files, place, "name", "queues", f"the queue {name} {what}")
        policies = plan.of_type(f"{ACCOUNT}/managementPolicies")
        if not any(one.name.startswith(f"{account.name}/") for one in policies):
            message = "declare managementPolicies: what was deleted would be kept for good"
            yield finding(files, account, "", "lifecycle", message)
    yield from _alerts(plan)


def _alerts(plan: Plan) -> Iterator[Finding]:
    rules = plan.of_type("Microsoft.Insights/scheduledQueryRules")
    queries = [
        str(criterion.get("query"))
        for rule in rules
        for criterion in rule.array("properties.criteria.allOf")
        if isinstance(criterion, dict)
        and rule.property("properties.enabled") is not False
        and rule.array("properties.actions.actionGroups")
    ]
    for name in WATCHED:
        if not any(f'"{name}"' in query for query in queries):
            path, line = (rules[0].path, rules[0].line) if rules else ("main.bicep", 1)
            yield Finding(path, line, "alerts", f"no alert asks for {name} and tells somebody")
