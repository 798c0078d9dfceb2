"""The workbook asks for what the app tells, by columns that there are."""

from __future__ import annotations

import ast
import json
import re

import pytest
from deployment import ROOT

WORKBOOK = json.loads((ROOT / "infra" / "workbook.json").read_text())
OPERATING = (ROOT / "docs" / "operating.md").read_text()

#: https://learn.microsoft.com/azure/azure-monitor/reference/tables/apptraces and apprequests
COLUMNS = {
    "AppTraces": {
        "AppRoleInstance",
        "AppRoleName",
        "AppVersion",
        "ItemCount",
        "Message",
        "OperationId",
        "OperationName",
        "Properties",
        "SeverityLevel",
        "TimeGenerated",
    },
    "AppRequests": {
        "AppRoleInstance",
        "AppRoleName",
        "AppVersion",
        "DurationMs",
        "ItemCount",
        "Name",
        "OperationId",
        "OperationName",
        "Properties",
        "ResultCode",
        "Success",
        "TimeGenerated",
    },
}
#: Of the query language, what these queries are made of.
WORDS = {
    *("and", "asc", "by", "desc", "distinct", "extend", "false", "has", "in", "or", "order"),
    *("project", "summarize", "take", "where"),
    *("avg", "bin", "max", "parse_json", "percentile", "strcat", "sum", "sumif"),
    *("todouble", "tostring"),
}
FUNCTIONS = ("info", "warning", "error", "exception", "metric", "sample", "count")


def calls():
    """Every call that tells something: its function, first argument, and names of fields."""
    for path in (ROOT / "engagement").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            first = node.args[0] if node.args else None
            teller = ast.unparse(node.func.value).endswith(("telemetry", "tally"))
            if teller and node.func.attr in FUNCTIONS and isinstance(first, ast.Constant):
                yield node.func.attr, first.value, {word.arg for word in node.keywords}


def queries():
    """Every query of the workbook, by the name of its item."""
    for item in WORKBOOK["items"]:
        content = item["content"]
        if "query" in content:
            yield item["name"], content["query"]
        for parameter in content.get("parameters", []):
            if "query" in parameter:
                yield parameter["name"], parameter["query"]


def bare(query):
    """Return a query without its strings and without the workbook's parameters."""
    return re.sub(r"\{[A-Za-z:]+\}", "0", re.sub(r"\"[^\"]*\"|'[^']*'", "0", query))


def fields(query):
    """Names of the fields of a record that a query reads."""
    return {a or b for a, b in re.findall(r"record(?:\.(\w+)|\[\"(\w+)\"\])", query)}


def test_every_event_and_metric_that_is_asked_for_is_told():
    told = list(calls())
    metrics = {name for call, name, _ in told if call in ("metric", "sample", "count")}
    events = {name for call, name, _ in told if call not in ("metric", "sample", "count")}
    text = "\n".join(query for _, query in queries())
    asked = set(re.findall(r"tostring\(record\.name\) == \"(\w+)\"", text))
    assert asked <= metrics
    assert asked >= {"interaction_lag_seconds", "verdicts", "queue_age_seconds", "deliveries"}
    assert asked >= {"poison_count", "spilled", "lost", "queue_length", "bad_tokens"}
    assert set(re.findall(r"record\.event\) == \"(\w+)\"", text)) <= events | {"metric"}


def test_every_field_that_is_asked_for_is_told():
    told = {field for *_, names in calls() for field in names}
    # Of each record; of an error; of what is summed up; kinds of verdicts and tokens.
    told |= {"event", "name", "error", "causes", "at", "value", "max", "count"}
    told |= {"person", "automated", "unsure", "open", "click", "attachment"}
    for name, query in queries():
        assert fields(query) <= told, name


@pytest.mark.parametrize(("name", "query"), list(queries()), ids=[name for name, _ in queries()])
def test_a_query_names_columns_that_there_are(name, query):
    table, *rest = query.split("\n")
    text = bare("\n".join(rest))
    made = set(re.findall(r"\b(\w+) = ", text))
    used = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", text)) - {"record"}
    assert used - made - WORDS <= COLUMNS[table]
    assert all(line.startswith("| ") for line in rest)
    for opening, closing in ("()", "[]"):
        assert text.count(opening) == text.count(closing)


def test_the_check_of_columns_finds_a_wrong_one():
    with pytest.raises(AssertionError):
        test_a_query_names_columns_that_there_are("x", "AppTraces\n| where Level > 1")
    with pytest.raises(AssertionError):
        test_a_query_names_columns_that_there_are("x", "AppTraces\n| where DurationMs > 1")


def test_the_workbook_has_the_form_of_workbooks():
    assert WORKBOOK["version"] == "Notebook/1.0"
    kinds = {item["type"]: item["content"] for item in WORKBOOK["items"]}
    assert set(kinds) == {1, 3, 9}
    names = [item["name"] for item in WORKBOOK["items"]]
    assert len(set(names)) == len(names)
    parameters = {one["name"]: one for one in kinds[9]["parameters"]}
    assert set(parameters) == {"TimeRange", "App"}
    for item in WORKBOOK["items"]:
        if item["type"] == 3:
            content = item["content"]
            assert content["timeContextFromParameter"] in parameters, item["name"]
            found = set(re.findall(r"\{(\w+)", content["query"]))
            assert found <= set(parameters), item["name"]
            assert "App" in found, item["name"]
            assert content["visualization"] in ("timechart", "barchart", "table")


def test_operating_md_explains_every_event_and_metric():
    names = {name for _, name, _ in calls()}
    assert sorted(name for name in names if f"`{name}`" not in OPERATING) == []
