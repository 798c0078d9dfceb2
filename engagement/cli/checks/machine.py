"""The machine that this runs on: Python, packages, the folder where interactions wait."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from engagement.cli.checks.finding import Finding, Scene, State
from engagement.storage.spill import CLAIMED, WRITING

OLDEST, DEPLOYED = (3, 11), (3, 13)
REQUIREMENTS = Path(__file__).parents[3] / "requirements.txt"
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?(?P<rest>[^;#]*)")


async def python(_: Scene) -> list[Finding]:
    """Tell whether this Python is one that the app runs on."""
    version = sys.version_info
    shown = f"Python {version.major}.{version.minor}.{version.micro}"
    if version[:2] < OLDEST:
        return [Finding("python", State.WRONG, f"{shown} is too old.", "Install 3.11 or later.")]
    if version[:2] > DEPLOYED:
        advice = "Use 3.13, which the deployed app runs on."
        return [Finding("python", State.WARNING, f"{shown} has not been tried.", advice)]
    return [Finding("python", State.OK, shown)]


async def packages(_: Scene) -> list[Finding]:
    """Tell which packages are not those that the app was tested with."""
    if not REQUIREMENTS.exists():
        return [Finding("packages", State.SKIPPED, "There is no requirements.txt to compare with.")]
    different = []
    for line in REQUIREMENTS.read_text("utf-8").splitlines():
        found = PIN.match(line.strip())
        if not found or line.lstrip().startswith("#"):
            continue
        pinned = found["rest"].strip().removeprefix("==") if "==" in found["rest"] else None
        try:
            installed = metadata.version(found["name"])
        except metadata.PackageNotFoundError:
            different.append(f"{found['name']} is missing")
            continue
        if pinned not in (None, installed):
            different.append(f"{found['name']} is {installed} and not {pinned}")
    if different:
        advice = "pip install -r requirements.txt"
        return [Finding("packages", State.WARNING, f"{'; '.join(different)}.", advice)]
    return [Finding("packages", State.OK, "As in requirements.txt.")]


async def spill(scene: Scene) -> list[Finding]:
    """Tell whether the folder takes files, and how much waits in it."""
    if scene.config is None or scene.wrong("ENGAGEMENT_SPILL"):
        return []
    folder, limit = scene.config.spill_folder, scene.config.spill_limit_bytes
    try:
        waiting = await asyncio.to_thread(_try_folder, folder)
    except OSError as error:
        return [
            Finding(
                "spill folder",
                State.WRONG,
                f"{folder} takes no files: {error.strerror}.",
                "Let the app write there, or name another in ENGAGEMENT_SPILL_FOLDER.",
            )
        ]
    if waiting:
        advice = "A running app places them once the store answers; see what is said of it below."
        detail = f"{waiting} bytes of at most {limit} wait in {folder}."
        return [Finding("spill folder", State.WARNING, detail, advice)]
    return [
        Finding("spill folder", State.OK, f"{folder} on this machine takes files, and is empty.")
    ]


def _try_folder(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor-"):
        pass
    files = [file for suffix in (WRITING, CLAIMED) for file in folder.glob(f"*{suffix}")]
    return sum(file.stat().st_size for file in files if file.exists())
