"""What one local instance is told and keeps: its folder, its keys, the app's environment."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class StartError(Exception):
    """Something that the local instance stands on did not come up."""


def state_folder(port: int) -> Path:
    """Give the folder of the instance on a port; the port keeps others out of it."""
    return ROOT / ".local" / str(port)


def new_keys() -> dict[str, str]:
    """Make the keys of an instance."""
    signing_key, admin_key = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    return {"ENGAGEMENT_SIGNING_KEYS": f"1:{signing_key}", "ENGAGEMENT_ADMIN_KEY": admin_key}


def kept_keys(folder: Path) -> dict[str, str]:
    """Give the keys of an instance; they are made once, for links in sent mail need them."""
    path = folder / "keys.json"
    if not path.exists():
        keep_keys(folder, new_keys())
    keys: dict[str, str] = json.loads(path.read_text("utf-8"))
    return keys


def keep_keys(folder: Path, keys: Mapping[str, str]) -> None:
    """Keep the keys of an instance for its next start, readable by nobody else."""
    _keep(folder / "keys.json", keys)


def settings_file(port: int) -> Path:
    """Give the file of the instance on a port that the command line takes as --settings."""
    return state_folder(port) / "local.settings.json"


def keep_settings(port: int) -> None:
    """Keep what the app reads, for the command line, in the form of Core Tools."""
    values = {name: value for name, value in os.environ.items() if name.startswith("ENGAGEMENT_")}
    _keep(settings_file(port), {"IsEncrypted": False, "Values": values})


def _keep(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, indent=2), "utf-8")


def set_environment(
    port: int, keys: Mapping[str, str], data: str, smtp_port: int | None = None
) -> None:
    """Set what the app reads and the caller has not set; make hands on unset as empty."""
    values = {
        **{name: key for name, key in keys.items() if name.startswith("ENGAGEMENT_")},
        "ENGAGEMENT_DATA": data,
        "ENGAGEMENT_PUBLIC_URL": f"http://localhost:{port}",
        "ENGAGEMENT_SPILL_FOLDER": str(state_folder(port) / "spill"),
        "ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE": "true",
        # Everybody who calls is this machine, and may be trying things out.
        "ENGAGEMENT_API_LIMIT": "0",
        "ENGAGEMENT_BAD_TOKEN_LIMIT": "0",
    }
    if smtp_port:
        values |= {
            "ENGAGEMENT_SMTP_HOST": "127.0.0.1",
            "ENGAGEMENT_SMTP_PORT": str(smtp_port),
            "ENGAGEMENT_SMTP_SECURITY": "none",
        }
    os.environ.update({name: os.environ.get(name) or value for name, value in values.items()})
