"""The reader of Bicep: what the grammar binds or takes otherwise than the compiler does."""

from __future__ import annotations

from pathlib import Path

import pytest
from deployment import ROOT
from hypothesis import given
from hypothesis import strategies as st

from infra.checks.checking import check_folder
from infra.checks.definitions import WITHOUT_DEFINITION, definitions
from infra.checks.evaluation import EvaluationError
from infra.checks.functions import ARGUMENTS, PURE
from infra.checks.planning import Deployment
from infra.checks.reader import read, read_folder
from infra.checks.scenarios import azd_parameters, scenarios

INFRA = ROOT / "infra"


def value_of(text):
    """The value of an expression among some names."""
    names = "param no bool = false\nparam some object = { a: false, b: 'x' }\n"
    names += "param list array = [1, 2]\n"
    file = read("main.bicep", f"{names}var it = {text}\n")
    assert file.problems == []
    return Deployment(Path(), {"main.bicep": file}, file, "").value("it", 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!some.a", True),
        ("!some.a && !no", True),
        ("!contains(list, 3)", True),
        ("-max(1, 2)", -2),
        ("2 + 3 * 4 - 1", 13),
        ("no ? 1 : some.a ? 2 : 3", 3),
        ("no\n  ? 1\n  : 2", 2),
        ("map(list, one => one + 1)", [2, 3]),
        ("filter(list, one => one == 2)", [2]),
        ("map(list, (one, at) => { at: at })", [{"at": 0}, {"at": 1}]),
        ("[for (one, at) in list: one * at]", [0, 2]),
        ("'it\\'s ${some.b} \\u{e9} \\${no}'", "it's x é ${no}"),
        ("'${list[1]}'", "2"),
        ("' ${some.b} $ '", " x $ "),
        ("'  '", "  "),
        ("'a\\\\n'", "a\\n"),
        ("'''\nas ${is}'''", "as ${is}"),
        ("some.?missing ?? 'else'", "else"),
        ("union(some, { a: true })", {"a": True, "b": "x"}),
        ("[\n  'a', 'b'\n  'c'\n]", ["a", "b", "c"]),
        ("{ 'a-b': 1, '${some.b}': 2 }", {"a-b": 1, "x": 2}),
        ("az.subscription().subscriptionId", "00000000-0000-0000-0000-000000000001"),
        ("cidrSubnet('10.83.0.0/24', 26, 1)", "10.83.0.64/26"),
        ("take('abcdef', 2)", "ab"),
        ("format('{0}-{1}', 'a', 2)", "a-2"),
        ("replace('a.b', '.', '-')", "a-b"),
    ],
)
def test_an_expression_has_the_value_that_the_compiler_gives_it(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    ["some.missing", "list[2]", "!list", "no ? list : some.missing", "substring('ab', 1, 2)", "it"],
)
def test_what_a_deployment_would_fail_on_is_an_error(text):
    with pytest.raises(EvaluationError):
        value_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "var a = ['a' 'b']",
        "var a = { a: 1 b: 2 }",
        "var a = 1 var b = 2",
        "var a = 1\n  + 2",
        "var a = 1 +\n  2",
        "var a =\n  1",
        "var a = true ?\n  1 : 2",
        'var a = "x"',
        "var a = { ...b }",
        "var a string = 'x'",
        "param a",
        "output a string",
        "resource a 'T@1' = {\n  name: 'a'",
    ],
)
def test_what_the_compiler_refuses_is_a_problem(text):
    assert [problem.rule for problem in read("a.bicep", text + "\n").problems]


def test_a_resource_inside_another_is_a_problem():
    text = "resource a 'T@1' = {\n  name: 'a'\n  resource b 'U' = {\n    name: 'b'\n  }\n}\n"
    assert {problem.rule for problem in read("a.bicep", text).problems} == {"conservative-syntax"}


def test_S16_every_file_is_read_without_an_error():
    files = read_folder(INFRA)
    assert len(files) > 10
    assert [problem for file in files.values() for problem in file.problems] == []


def test_every_condition_of_the_deployment_is_once_true_and_once_false():
    files = read_folder(INFRA)
    played = list(scenarios(INFRA, files))
    problems = [problem for scenario in played for problem in scenario.plan.problems]
    conditional = {
        (file.path, entry.name)
        for file in files.values()
        for entry in file.resources
        if not entry.existing and "Condition" in type(entry.value).__name__
    }
    made = [{(one.path, one.symbol) for one in scenario.plan.resources} for scenario in played]

    assert problems == []
    assert len(played) > 10
    for entry in conditional:
        assert {entry in names for names in made} == {True, False}, entry


def test_the_parameters_are_taken_as_azd_takes_them(tmp_path):
    path = tmp_path / "main.parameters.json"
    path.write_text(
        '{"parameters": {"a": {"value": "${AZURE_ENV_NAME}"}, "b": {"value": "${UNSET}"},'
        ' "c": {"value": "${UNSET=d}"}, "e": {"value": "x${UNSET}"}, "f": {"value": 1}}}'
    )
    assert azd_parameters(path) == {"a": "demo", "c": "d", "e": "x", "f": 1}


def test_every_type_that_is_used_has_a_definition_or_a_reason():
    used = {
        f"{one.type}@{one.version}"
        for file in read_folder(INFRA).values()
        for one in file.resources
    }
    assert used - set(definitions()) == set(WITHOUT_DEFINITION)
    assert len(set(definitions()) & used) > 20


def test_every_function_that_is_worked_out_has_its_arguments_counted():
    assert set(PURE) <= set(ARGUMENTS)


@given(st.text(alphabet="param string=var{}[]'$:?!.x1\n", max_size=60))
def test_any_text_is_read_or_a_problem(text):
    file = read("a.bicep", text)
    assert all(problem.path == "a.bicep" and problem.line >= 1 for problem in file.problems)


def test_a_folder_without_a_deployment_is_a_finding(tmp_path):
    assert [finding.rule for finding in check_folder(tmp_path)] == ["syntax"]
