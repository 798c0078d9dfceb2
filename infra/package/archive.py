"""The zip that is deployed: what .funcignore leaves of the repository, the same every time."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORED = ".funcignore"
#: Azure Developer CLI and Core Tools leave it out whatever .funcignore says.
NEVER = "local.settings.json"
#: What an app is made of. Anything else was left lying in the folder, and may be a secret.
DEPLOYED = ("LICENSE", "engagement/", "function_app.py", "host.json", "requirements.txt")
#: The earliest time that a zip can tell; a file's own would differ from checkout to checkout.
TIME = (1980, 1, 1, 0, 0, 0)
MODE = stat.S_IFREG | 0o644


class PackageError(Exception):
    """The package is not fit to be deployed."""


def deployed_files(root: Path) -> list[str]:
    """Return the paths below *root* that are deployed, in order, with slashes between.

    The patterns are those of .gitignore, as azd and Core Tools read them; what is in a folder that
    is left out cannot be brought back.
    """
    lines = (root / IGNORED).read_text("utf-8").splitlines()
    ignored = GitIgnoreSpec.from_lines([*lines, NEVER])
    return sorted(_walk(root, root, ignored))


def _walk(root: Path, folder: Path, ignored: GitIgnoreSpec) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            name = path.relative_to(root).as_posix()
            if entry.is_dir() and not ignored.match_file(f"{name}/"):
                yield from _walk(root, path, ignored)
            elif entry.is_file() and not ignored.match_file(name):
                yield name


def strays(names: Iterable[str]) -> list[str]:
    """Return those of *names* that are no part of the app."""
    return [name for name in names if not name.startswith(DEPLOYED)]


def build(root: Path, target: Path) -> list[str]:
    """Write the package of *root* to *target*; return the names of what is in it.

    Raises PackageError if something lies in the folder that is no part of the app.
    """
    names = deployed_files(root)
    if found := strays(names):
        raise PackageError(
            f"These would be deployed, and are no part of the app: {', '.join(found[:10])}. "
            "Move them away, or name them in .funcignore, which azd reads as well."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name in names:
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, wherever it is made
            info.external_attr = MODE << 16
            package.writestr(info, (root / name).read_bytes())
    return names
