"""The workflows: pinned, with the least permissions, and nothing of an event in a script."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from deployment import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

#: Whoever may do more than read, and in which environment, which people protect.
MAY_WRITE = {
    ("Infrastructure", "what-if"): {"id-token"},
    ("Release", "publish"): {"contents", "id-token", "attestations"},
}
PINNED = re.compile(r"^\s*(?:- )?uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$")


def broken_rules(text):
    """Names of the rules that a workflow breaks."""
    workflow = yaml.safe_load(text)
    broken = set(whole_broken(workflow)) | set(lines_broken(text))
    for name, job in workflow["jobs"].items():
        broken |= set(job_broken(workflow["name"], name, job))
    return broken


def whole_broken(workflow):
    """Rules about a workflow as a whole."""
    triggers = workflow[True]  # YAML 1.1 reads the key "on" as a bool
    if {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers):
        yield "trigger"
    if workflow.get("permissions") not in ({}, {"contents": "read"}):
        yield "permissions"
    if not workflow.get("concurrency", {}).get("group"):
        yield "concurrency"
    if workflow.get("defaults", {}).get("run", {}).get("shell") != "bash -euo pipefail {0}":
        yield "shell"


def lines_broken(text):
    """Rules about single lines."""
    for line in text.splitlines():
        if re.match(r"\s*(- )?uses:", line) and not PINNED.match(line):
            yield "pin"


def job_broken(workflow, name, job):
    """Rules about one job."""
    granted = job.get("permissions")
    if granted is None or not isinstance(granted, dict):
        yield "permissions"
        granted = {}
    writes = {what for what, level in granted.items() if level == "write"}
    if not writes <= MAY_WRITE.get((workflow, name), set()):
        yield "permissions"
    if writes and not job.get("environment"):
        yield "environment"
    if not 0 < job.get("timeout-minutes", 0) <= 60:
        yield "timeout"
    if not re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]):
        yield "runner"
    for step in job["steps"]:
        yield from step_broken(step)


def step_broken(step):
    """Rules about one step."""
    if "${{" in step.get("run", ""):
        yield "injection"
    if "shell" in step:
        yield "shell"
    checkout = step.get("uses", "").startswith("actions/checkout@")
    if checkout and step.get("with", {}).get("persist-credentials") is not False:
        yield "credentials"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_S16_the_workflows_keep_every_rule(path):
    assert broken_rules(path.read_text()) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("  pull_request:\n", "  pull_request_target:\n", "trigger"),
        ("permissions: {}", "permissions: write-all", "permissions"),
        ("      contents: read", "      contents: write", "permissions"),
        ("    permissions:\n      contents: read\n    strategy", "    strategy", "permissions"),
        ("@9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0 # v7.0.0", "@v7", "pin"),
        ("dddfe3e0 # v7.0.0", "dddfe3e0", "pin"),
        ("persist-credentials: false", "persist-credentials: true", "credentials"),
        ("run: .ci/run", "run: .ci/run ${{ github.event.pull_request.title }}", "injection"),
        ("concurrency:\n  group", "concurrency:\n  gruop", "concurrency"),
        ("    timeout-minutes: 60\n", "", "timeout"),
        ("timeout-minutes: 60", "timeout-minutes: 360", "timeout"),
        ("bash -euo pipefail {0}", "bash", "shell"),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-latest", "runner"),
    ],
)
def test_S16_a_workflow_that_breaks_a_rule_is_found(old, new, rule):
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert old in text

    assert rule in broken_rules(text.replace(old, new, 1))


def test_S16_who_may_write_runs_in_a_protected_environment():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert "    environment: release\n" in text

    assert broken_rules(text.replace("    environment: release\n", "")) == {"environment"}


def test_an_action_has_one_pin_in_all_workflows():
    pins = {}
    for path in WORKFLOWS:
        for line in path.read_text().splitlines():
            match = PINNED.match(line)
            if match:
                pins.setdefault(match[1], set()).add((match[2], match[3]))

    assert {"actions/checkout", "actions/setup-python", "azure/login"} <= set(pins)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def test_the_compiler_has_one_version_in_all_workflows():
    versions = re.findall(r"BICEP_VERSION: (\S+)", "".join(path.read_text() for path in WORKFLOWS))
    assert len(versions) == 2
    assert len(set(versions)) == 1


def test_what_the_workflows_make_is_in_the_makefile():
    used = set(re.findall(r"make ([a-z-]+)", "".join(path.read_text() for path in WORKFLOWS)))
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert used >= {"infra-check", "audit", "package"}
    assert used <= made


def test_what_if_hands_over_parameters_that_there_are():
    text = (ROOT / ".github" / "workflows" / "infra.yml").read_text()
    script = text[text.index("parameters=(") : text.index("for command in")]
    given = set(re.findall(r"[(\s\"](\w+)=", script)) - {"parameters", "everything"}
    declared = re.findall(
        r"^param (\w+)", (ROOT / "infra" / "main.bicep").read_text(), re.MULTILINE
    )

    assert len(given) > 8
    assert given <= set(declared)


def test_S16_the_linter_of_workflows_finds_nothing_without_a_network():
    zizmor = Path(sys.executable).parent / "zizmor"
    command = [zizmor, "--offline", "--no-config", "--persona", "auditor", "--format", "json"]
    done = subprocess.run([*command, ROOT / ".github"], capture_output=True, text=True, check=False)

    assert json.loads(done.stdout) == []
    assert done.returncode == 0


def test_the_linter_of_bicep_makes_errors_of_what_it_finds():
    rules = json.loads((ROOT / "infra" / "bicepconfig.json").read_text())["analyzers"]["core"][
        "rules"
    ]
    # Versions are chosen with care and checked against their definitions; ids of roles are built
    # from the subscription; types of our own are not what every tool that reads Bicep knows.
    off = {"use-recent-api-versions", "use-resource-id-functions", "use-user-defined-types"}

    assert {name for name, rule in rules.items() if rule["level"] != "error"} == off
    assert {"no-unused-params", "outputs-should-not-contain-secrets"} <= set(rules)
