"""Every kind of mistake that the checks of the Bicep files are for, planted and found."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from deployment import ROOT

from infra.checks.checking import check_folder, findings

INFRA = ROOT / "infra"


@dataclass(frozen=True)
class Mistake:
    """A change of one text in one file, and the rule and file that it is found by."""

    name: str
    path: str
    old: str
    new: str
    rule: str
    found_in: str = ""


PLANTED = tomllib.loads((Path(__file__).parent / "mistakes.toml").read_text())["mistake"]
MISTAKES = [Mistake(**entry) for entry in PLANTED]


@pytest.fixture
def copy(tmp_path):
    """A copy of what the checks read."""
    ignored = shutil.ignore_patterns("checks", "__pycache__", "connector")
    shutil.copytree(INFRA, tmp_path / "infra", ignore=ignored)
    for name in ("azure.yaml", "local.settings.sample.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path / "infra"


@cache
def known():
    """What is found without any mistake."""
    return frozenset(check_folder(INFRA))


def test_S16_the_deployment_has_no_mistake_that_is_known():
    assert [str(finding) for finding in known()] == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_S16_a_planted_mistake_is_found(copy, mistake):
    path: Path = copy / mistake.path
    text = path.read_text()
    assert mistake.old in text
    path.write_text(text.replace(mistake.old, mistake.new, 1))

    place = (mistake.rule, mistake.found_in or mistake.path)
    others = []
    for finding in findings(copy):
        if finding not in known():
            others.append(str(finding))
            if (finding.rule, finding.path) == place:
                return
    pytest.fail(f"not found: {place}, but {sorted(set(others))}")


def test_S16_a_mistake_is_shown_with_its_file_and_line(copy):
    path = copy / "app" / "vault.bicep"
    text = path.read_text()
    path.write_text(text.replace("enablePurgeProtection: true", "enablePurgeProtection: false"))
    line = text[: text.index("enablePurgeProtection")].count("\n") + 1

    assert f"app/vault.bicep:{line}: vault-protection: " in "\n".join(map(str, check_folder(copy)))


def test_S16_a_variable_that_a_hook_sets_for_nothing_is_found(copy):
    (copy / "hooks").mkdir(exist_ok=True)
    (copy / "hooks" / "extra.sh").write_text("azd env set NOBODY_READS_THIS 1\n")

    assert "hook-variable" in {finding.rule for finding in check_folder(copy)}


def test_the_mistakes_are_of_more_than_35_kinds():
    assert len({mistake.rule for mistake in MISTAKES}) > 35
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)
