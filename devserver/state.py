"""What one local instance keeps between runs, and the environment that the app gets from it."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devserver.settings import ROOT


def state_folder(port: int) -> Path:
    """Give the folder of the instance on a port; the port keeps others out of it."""
    return ROOT / ".local" / str(port)


def new_keys() -> dict[str, str]:
    """Make the keys of an instance."""
    signing = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return {
        "ENGAGEMENT_SIGNING_KEYS": f"1:{signing}",
        "ENGAGEMENT_ADMIN_KEY": secrets.token_urlsafe(24),
    }


def kept_keys(folder: Path) -> dict[str, str]:
    """Give the keys of an instance; they are made once, for links in sent mail need them."""
    path = folder / "keys.json"
    if path.exists():
        keys: dict[str, str] = json.loads(path.read_text("utf-8"))
        return keys
    folder.mkdir(parents=True, exist_ok=True)
    made = new_keys()
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    fresh.replace(path)
    return made


def sample_values() -> dict[str, str]:
    """Give the settings that the project suggests for a developer's machine."""
    path = ROOT / "local.settings.sample.json"
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {name: str(value) for name, value in content.get("Values", {}).items()}


def environment(
    port: int, keys: Mapping[str, str], data: str, smtp_port: int | None
) -> dict[str, str]:
    """Give the settings of an instance; what its caller has set goes before them."""
    mail = {
        "ENGAGEMENT_SMTP_HOST": "127.0.0.1",
        "ENGAGEMENT_SMTP_PORT": str(smtp_port),
        "ENGAGEMENT_SMTP_SECURITY": "none",
    }
    own = {
        "ENGAGEMENT_DATA": data,
        "ENGAGEMENT_PUBLIC_URL": f"http://localhost:{port}",
        "ENGAGEMENT_SURFACE": "all",
        "ENGAGEMENT_SPILL_FOLDER": str(state_folder(port) / "spill"),
    }
    return sample_values() | own | dict(keys) | (mail if smtp_port else {})


def apply(values: Mapping[str, str]) -> None:
    """Set what is not set yet; make hands on unset variables as empty ones."""
    for name, value in values.items():
        if not os.environ.get(name):
            os.environ[name] = value
