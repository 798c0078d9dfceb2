"""Real HTML of email: templates that npm packages ship, fetched once into .local/corpus."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".local" / "corpus"

#: Packages that ship email templates as HTML, with the version that was measured.
PACKAGES = {
    "bootstrap-email": "1.2.9",
    "email-builder-core": "2.1.2",
    "foundation-emails": "2.5.1",
    "ghost": "5.130.6",
    "grunt-email-builder": "4.0.0",
    "mailgen": "2.0.36",
    "planer": "1.2.0",
    "responsive-html-email-template": "1.0.0",
}
LINK = re.compile(r"""<a\s[^>]*href\s*=\s*["']?https?:""", re.IGNORECASE)


def documents() -> dict[str, str]:
    """Return every file of the corpus that holds a link, each text once, by package and path."""
    found: dict[str, str] = {}
    for package, version in PACKAGES.items():
        for path in sorted(_unpacked(package, version).rglob("*.htm*")):
            text = path.read_text(encoding="utf-8", errors="replace")
            if path.is_file() and LINK.search(text) and text not in found.values():
                found[f"{package}/{path.relative_to(FOLDER / f'{package}-{version}')}"] = text
    return found


def _unpacked(package: str, version: str) -> Path:
    folder = FOLDER / f"{package}-{version}"
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("Node.js is needed to fetch the corpus.")
        subprocess.run(  # noqa: S603 - the names are ours
            [npm, "pack", "--silent", f"{package}@{version}"], cwd=FOLDER, check=True
        )
        with tarfile.open(FOLDER / f"{package}-{version}.tgz") as packed:
            packed.extractall(folder, filter="data")
    return folder
