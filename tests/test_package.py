"""The package that is deployed: what is in it, that it is the same each time, what it loads."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import zipfile
from datetime import UTC, datetime

import pytest
from azure.data.tables import TableServiceClient
from deployment import ROOT, settings

from benchmarks.cold_start import PRIVATE, PUBLIC, load
from engagement.domain.messages.message import FollowedLink
from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken
from engagement.storage import keys
from engagement.storage.message_rows import link_row
from infra.package.archive import PackageError, build, deployed_files
from infra.package.check import strays

#: What lies about in a working folder, and must never be deployed.
LEFT_BEHIND = [
    ".env",
    "keys.txt",
    "registration.json",
    "sent.json",
    ".ci/run",
    "engagement/.venv/pyvenv.cfg",
    ".git/config",
    ".github/workflows/deploy.yml",
    ".hypothesis/constants/1",
    ".local/7071/keys.json",
    ".mypy_cache/3.11/cache.db",
    ".pytest_cache/v/nodeids",
    ".venv-package/lib/msal/__init__.py",
    ".venv/bin/python",
    ".vscode/settings.json",
    "README.md",
    "azure.yaml",
    "benchmarks/accuracy.py",
    "build/engagement.zip",
    "devserver/host.py",
    "docs/adr/0001.md",
    "engagement/__pycache__/config.cpython-313.pyc",
    "engagement/domain/__pycache__/draft.cpython-311.pyc",
    "infra/main.bicep",
    "local.settings.json",
    "local.settings.sample.json",
    "node_modules/azurite/package.json",
    "package-lock.json",
    "pyproject.toml",
    "requirements-dev.txt",
    "test.http",
    "tests/conftest.py",
]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package of this checkout."""
    path = tmp_path_factory.mktemp("package") / "build" / "engagement.zip"
    build(ROOT, path)
    return path


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def test_the_package_has_the_app_with_its_data_and_nothing_else(package):
    app = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "engagement").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    # The command line runs where an administrator is.
    app = [name for name in app if not name.startswith(("engagement/cli/", "engagement/__main__"))]
    beside = ["LICENSE", "function_app.py", "host.json", "requirements.txt"]

    assert zipfile.ZipFile(package).namelist() == sorted([*app, *beside])
    assert {"engagement/rules.toml", "engagement/pages/not_found.html"} <= set(app)


@pytest.mark.parametrize("name", LEFT_BEHIND)
def test_what_lies_about_in_a_working_folder_is_not_deployed(name, tmp_path):
    for path in (".funcignore", "host.json", name):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    (tmp_path / ".funcignore").write_bytes((ROOT / ".funcignore").read_bytes())

    assert deployed_files(tmp_path) == ["host.json"]


def test_what_is_no_part_of_the_app_is_told_instead_of_deployed(tmp_path):
    for name in ("host.json", "my-notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".funcignore").write_bytes(b".funcignore")

    with pytest.raises(PackageError, match=r"my-notes\.txt"):
        build(tmp_path, tmp_path / "build" / "other.zip")
    assert not (tmp_path / "build").exists()


def test_the_package_is_the_same_from_another_checkout_at_another_time(package, tmp_path):
    copy = tmp_path / "copy"
    for number, name in enumerate(reversed([".funcignore", *deployed_files(ROOT)])):
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
        path.chmod(0o600)
        os.utime(path, (1e9 + number, 1e9 + number))

    build(copy, tmp_path / "again.zip")

    assert (tmp_path / "again.zip").read_bytes() == package.read_bytes()


def test_a_changed_file_changes_the_package(package, unpacked, tmp_path):
    (tmp_path / "host.json").write_bytes((ROOT / "host.json").read_bytes() + b"\n")
    (tmp_path / ".funcignore").write_bytes(b".funcignore")

    build(tmp_path, tmp_path / "other.zip")

    assert (tmp_path / "other.zip").read_bytes() != package.read_bytes()


def test_the_public_surface_loads_nothing_that_only_the_private_one_needs(unpacked):
    assert strays(load(PUBLIC, folder=unpacked).names) == []
    # The same question finds them where they are.
    found = strays(load(PRIVATE, folder=unpacked).names)
    assert {"engagement.wiring.private", "engagement.services.sending"} <= set(found)


FIRST_HITS = """
import asyncio, json, os, sys
import function_app
from engagement.domain.verdicts.observer import Hit
from datetime import UTC, datetime

async def main():
    tracking = function_app.services.tracking
    first, second = (Hit("GET", {}, datetime.now(UTC), nonce * 12) for nonce in "01")
    await tracking.open(sys.argv[1], first)
    location = await tracking.click(sys.argv[2], second)
    await function_app.services.close()
    print(json.dumps([location, tracking.recording.lost, sorted(sys.modules)]))

asyncio.run(main())
"""


def test_the_first_pixel_and_click_load_no_sdk_and_no_other_client(unpacked, azurite):
    organization, message = secrets.token_hex(8), secrets.token_hex(12)
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.create_table(keys.table(organization))
        link = FollowedLink(1, "https://contoso.example/offer")
        table.create_entity(link_row(message, link))
        signer = TokenSigner({1: b"k" * 32})
        tokens = [
            signer.sign(TrackingToken(kind, organization, message, datetime.now(UTC), 1, target))
            for kind, target in ((Kind.OPEN, 0), (Kind.CLICK, 1))
        ]
        environment = {**settings(azurite.connection_string), "ENGAGEMENT_SURFACE": "public"}
        done = subprocess.run(
            [sys.executable, "-c", FIRST_HITS, *tokens],
            cwd=unpacked,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked), **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        location, lost, modules = json.loads(done.stdout.splitlines()[-1])
        stored = list(table.query_entities("RowKey gt '5'", select=["type"]))

    assert (location, lost) == ("https://contoso.example/offer", 0)
    assert sorted(row["type"] for row in stored) == ["click", "open"]
    assert strays(modules) == []


@pytest.mark.parametrize(
    "name", ["msal", "jinja2.environment", "azure.storage.blob", "engagement.functions.api_lists"]
)
def test_a_stray_is_recognized_with_whatever_is_inside_it(name):
    assert strays(["azure.functions", "jwtx", "engagement.functions.web", name]) == [name]
