"""schemathesis calls every operation of the served description, and holds the answers against it.

What it makes up comes from a fixed seed, so that a failure comes again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deployment import ADMIN_KEY, ok

HERE = Path(__file__).parent / "fuzzing"
SEED = "20261122"


@pytest.fixture
def crm(deployment):
    """The CRM of an organization in which there is one of everything."""
    return deployment.new_crm()


@pytest.fixture
def known(crm):
    """Ids of what there is, of what may be deleted, and of an organization to create and delete."""
    sent, draft = crm.sent_with_attachment(), crm.draft()["id"]
    crm.attach(draft)
    ok(
        crm.call(
            "POST", f"/messages/{sent.id}/replies", json={"replied_by": "ann@fabrikam.example"}
        )
    )
    alerts = ok(crm.call("GET", "/alerts", params={"user_id": "u-17"}))["items"]
    webhook = {"url": "http://127.0.0.1:9/", "state": "disabled"}
    webhooks = [ok(crm.call("POST", "/webhooks", json=webhook))["id"] for _ in range(2)]
    for name in ("kept", "deleted"):
        crm.template(name)
    kept = {
        "organization_id": [crm.organization_id],
        "message_id": [sent.id, draft, crm.draft()["id"]],
        "attachment_id": ["1"],
        "template_id": ["kept"],
        "alert_id": [alert["id"] for alert in alerts],
        "webhook_id": webhooks[:1],
        "type": ["contact"],
        "record_id": ["r-ann@fabrikam.example"],
    }
    deleted = {
        "organization_id": [crm.organization_id],
        "message_id": [crm.draft()["id"], sent.id],
        "attachment_id": ["1"],
        "template_id": ["deleted"],
        "webhook_id": webhooks[1:],
        "key_id": [ok(crm.call("POST", "/api-keys"))["key_id"]],
    }
    managed = {"organization_id": [f"{crm.organization_id}-managed"]}
    return {"kept": kept, "deleted": deleted, "managed": managed}


def fuzz(crm, known, folder, *options):
    """Run schemathesis in a process of its own; fail with what it says."""
    environment = {
        **os.environ,
        "API_KEY": crm.api_key,
        "ADMIN_KEY": ADMIN_KEY,
        "API_FUZZING": json.dumps(known),
        "PYTHONPATH": str(HERE),
        "SCHEMATHESIS_HOOKS": "api_hooks",
    }
    program = [sys.executable, "-m", "schemathesis.cli"]
    general = ["--config-file", str(HERE / "schemathesis.toml")]
    url = f"{crm.deployment.url}/api/v1/openapi.json"
    run = subprocess.run(
        [*program, *general, "run", url, "--seed", SEED, "--no-color", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = "\n".join(line[:2_000] for line in run.stdout.splitlines())
    assert run.returncode == 0, f"{said}\n{run.stderr[-2_000:]}"
    return said


def test_no_call_that_the_description_leads_to_makes_a_route_fail(crm, known, tmp_path):
    said = fuzz(
        crm, known, tmp_path, "--phases=coverage", "--exclude-checks=ignored_auth", "--no-shrink"
    )
    assert "Tested: " in said


@pytest.mark.fuzz
def test_no_call_of_many_makes_a_route_fail(crm, known, tmp_path):
    examples = os.environ.get("FUZZ_EXAMPLES", "100")
    options = ["--phases=examples,coverage,fuzzing,stateful", "--max-examples", examples]
    said = fuzz(crm, known, tmp_path, *options, "--continue-on-failure")
    sys.stdout.write(said)
