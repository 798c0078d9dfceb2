"""The repository about itself: layers, routes, settings and documents agree."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from deployment import ROOT, build_app, settings

from engagement.config import Config
from engagement.wiring import build_services

PACKAGE = ROOT / "engagement"

OWN = {
    "errors": set(),
    "environment": {"domain", "errors"},
    "config": {"domain", "environment", "errors"},
    "domain": {"domain", "errors"},
    "telemetry": set(),
    "storage": {"config", "domain", "errors", "storage", "telemetry"},
    "remote": {"config", "domain", "errors", "remote", "telemetry"},
    "services": {"domain", "storage", "remote", "errors", "services", "telemetry"},
    "functions": {"services", "domain", "errors", "functions", "telemetry"},
    "wiring": {"config", "domain", "errors", "storage", "remote", "services", "wiring"},
    "cli": {"cli", "config", "domain", "errors", "storage", "remote"},
    "__main__": {"cli"},
}
FOREIGN = {
    "storage": {"azure.data", "azure.storage", "azure.core", "azure.identity", "httptools"},
    "remote": {"msal", "aiohttp", "aiosmtplib", "azure.core", "azure.identity"},
    "functions": {"azure.functions", "jwt", "jinja2"},
    "cli": {"rich"},
}
#: Standard library modules by which rules would reach a clock, a network or an environment.
IMPURE = {"asyncio", "http", "os", "random", "secrets", "socket", "ssl", "time", "urllib.request"}

PUBLIC = {
    ("GET, HEAD", "/healthz"),
    ("GET, HEAD", "/readyz"),
    ("GET, HEAD", "/robots.txt"),
    ("GET, HEAD", "/api/v1/openapi.json"),
    ("GET, HEAD", "/api/v1/swagger.json"),
    ("GET, HEAD", "/o/{file}"),
    ("GET, HEAD", "/c/{token}"),
    ("GET, HEAD", "/a/{token}/{*name}"),
}

#: What the issues ask of the test catalogue.
CATALOGUE = [
    *(f"B{number}" for number in (*range(1, 71), *range(77, 88))),
    *(f"S{number}" for number in (1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18)),
    *(f"F{number}" for number in range(1, 24)),
    *(f"L{number}" for number in range(1, 9)),
    *(f"P{number}" for number in range(1, 8)),
]


def modules():
    """Path and layer of every module of the product."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).with_suffix("").parts
        if inside != ("__init__",):
            yield path, inside[0]


def imports_of(path):
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def begins_with(name, prefixes):
    """Whether a module is one of some, or inside one."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize(
    ("path", "layer"), list(modules()), ids=lambda value: getattr(value, "name", value)
)
def test_imports_follow_the_table_of_layers(path, layer):
    for name in imports_of(path):
        if name.startswith("engagement."):
            assert name.split(".")[1] in OWN[layer], f"{layer} imports {name}"
        elif begins_with(name, {"azure", "aiohttp", "aiosmtplib", "msal", "jwt", "jinja2", "rich"}):
            assert begins_with(name, FOREIGN.get(layer, set())), f"{layer} imports {name}"


@pytest.mark.parametrize("path", [path for path, layer in modules() if layer == "domain"])
def test_rules_have_no_clock_network_or_environment(path):
    for name in imports_of(path):
        assert not begins_with(name, IMPURE), f"{path.name} imports {name}"


def test_only_the_configuration_reads_the_environment():
    # The command line hands on what it was started with, as function_app.py does.
    readers = [
        path.name
        for path, layer in modules()
        if layer != "__main__" and re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    ]
    assert readers == []


def test_only_telemetry_logs():
    # What is logged past it is seen by no scan of what it may tell.
    # The command line silences libraries: what it tells is its output.
    loggers = [
        path.name for path, layer in modules() if layer != "cli" and "logging" in imports_of(path)
    ]
    assert loggers == ["telemetry.py"]


def routes():
    """(methods, path, access) of every HTTP function of the whole surface."""
    data = "AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:2/a"
    services = build_services(Config.from_environment(settings(data)))
    for function in build_app(services).get_functions():
        trigger = function.get_trigger().get_dict_repr()
        if trigger["type"] == "httpTrigger":
            access = function.get_user_function().access
            methods = [method.value for method in trigger["methods"]]
            yield methods, f"/{trigger['route']}", access.value


def documented_routes():
    """(methods, path, access) of every row of the table in docs/http-api.md."""
    text = (ROOT / "docs" / "http-api.md").read_text()
    rows = re.findall(r"^\| `([A-Z, ]+)` \| `([^`]+)` \| ([a-z ]+) \|", text, re.MULTILINE)
    return set(rows)


def test_every_route_is_documented_with_its_method_and_its_authentication():
    served = set()
    for methods, path, access in routes():
        # Public routes declare every method, in order to refuse the others themselves.
        shown = "GET, HEAD" if access == "anyone" else ", ".join(methods)
        served.add((shown, path, access))

    assert documented_routes() == served


def test_S10_every_route_that_is_not_public_rejects_an_anonymous_call(deployment):
    for methods, path, access in routes():
        if access == "anyone":
            assert ("GET, HEAD", path) in PUBLIC
            continue
        for method in methods:
            url = re.sub(r"\{[^}]+\}", "x", path)
            answer = deployment.http.request(method, f"{deployment.url}{url}", json={})
            assert (answer.status_code, method, path) == (401, method, path)


def test_every_setting_is_in_the_code_the_sample_and_the_documents():
    names = r"ENGAGEMENT_[A-Z][A-Z_]*[A-Z](?:__[a-zA-Z]+)?"
    source = (PACKAGE / "config.py").read_text()
    in_code = set(re.findall(names, source)) - {"ENGAGEMENT_DATA"}
    in_code |= {f"ENGAGEMENT_DATA__{service}ServiceUri" for service in ("table", "blob", "queue")}
    in_code |= {"ENGAGEMENT_DATA", "ENGAGEMENT_DATA__clientId"}
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    in_sample = {name for name in sample if name.startswith("ENGAGEMENT_")}
    text = (ROOT / "docs" / "configuration.md").read_text()
    in_docs = re.findall(rf"^\| `({names})`", text, re.MULTILINE)

    assert in_sample == in_code
    assert sorted(in_docs) == sorted(in_code)


def test_every_case_of_the_catalogue_has_a_test_or_a_reason():
    names = [
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    tested = {
        part for name in names for part in name.split("_") if re.fullmatch(r"[BFLPS]\d+", part)
    }
    reasons = (ROOT / "docs" / "testing.md").read_text()
    excused = set(re.findall(r"^\| ([BFLPS]\d+) \|", reasons, re.MULTILINE))

    assert [case for case in CATALOGUE if case not in tested | excused] == []
    assert excused <= set(CATALOGUE)


def test_files_and_the_entry_point_stay_short():
    long = [path.name for path, _ in modules() if path.read_text().count("\n") > 300]
    assert long == []
    assert (ROOT / "function_app.py").read_text().count("\n") <= 30


def test_links_between_documents_lead_somewhere():
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    documents += (ROOT / "docs").rglob("*.md")
    for document in documents:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
            assert (document.parent / Path(target)).exists(), f"{document.name}: {target}"


def test_no_paragraph_stands_twice_in_a_document():
    """Which is what merging two changes of one paragraph may leave."""
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        lines = document.read_text().splitlines()
        beginnings = [line[:60] for line in lines if len(line) > 60 and line[0].isalpha()]
        assert len(beginnings) == len(set(beginnings)), document.name


def test_decisions_are_listed_by_their_numbers():
    folder = ROOT / "docs" / "adr"
    listed = re.findall(
        r"^(\d+)\. \[.+\]\((\d{4})-", (folder / "README.md").read_text(), re.MULTILINE
    )
    files = sorted(int(file.name[:4]) for file in folder.glob("[0-9]*.md"))

    # Without a gap, as whoever reads the list sees it counted.
    assert files == list(range(1, len(files) + 1))
    assert [(int(shown), int(linked)) for shown, linked in listed] == [(n, n) for n in files]
