"""Checkov over the planned deployment; needs its environment, which `make infra-check` sets up."""

from __future__ import annotations

import json
import shutil

import pytest
from deployment import ROOT

from infra.checks import policies
from infra.checks.policies import check_policies, skips

INFRA = ROOT / "infra"
PYTHON = ROOT / ".venv-checkov" / "bin" / "python"

installed = pytest.mark.skipif(not PYTHON.exists(), reason="make infra-check installs checkov")


@installed
def test_S16_checkov_sees_every_resource_and_finds_nothing():
    assert [str(finding) for finding in check_policies(INFRA, PYTHON)] == []


@installed
def test_S16_checkov_finds_a_planted_mistake_and_a_skip_that_nothing_needs(tmp_path, monkeypatch):
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns("checks", "__pycache__"))
    vault = copy / "app" / "vault.bicep"
    text = vault.read_text()
    assert "enablePurgeProtection: true" in text
    vault.write_text(text.replace("enablePurgeProtection: true", "enablePurgeProtection: false"))
    stale = policies.Skip("CKV_AZURE_44", "*", "nothing has old TLS")
    known = [*skips(), stale]
    monkeypatch.setattr(policies, "skips", lambda: known)

    found = check_policies(copy, PYTHON)

    assert {(finding.rule, finding.path) for finding in found} == {
        ("checkov", "app/vault.bicep"),
        ("checkov-skip", "checks/checkov-skips.toml"),
    }
    assert {"CKV_AZURE_110", "CKV_AZURE_42"} & {finding.message[:13] for finding in found}


@installed
def test_S16_what_checkov_does_not_see_is_found(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"$schema": "https://schema.management.azure.com/x#", "resources": [')
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(policies.template(policies.Plan())))

    said = policies._run(PYTHON, tmp_path)

    rules = {
        finding.rule for finding in policies._unseen(said, {"broken.json": 1, "whole.json": 0})
    }
    assert rules == {"checkov-blind"}


def test_every_skip_of_checkov_is_of_one_policy_and_has_a_reason():
    for skip in skips():
        assert skip.check.startswith("CKV_")
        assert skip.resource not in ("", "*")
        assert len(skip.reason.split()) >= 8, f"{skip.check}: say why"
    assert len({(skip.check, skip.resource) for skip in skips()}) == len(skips())
