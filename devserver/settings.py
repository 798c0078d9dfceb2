"""What the host is told: application settings and host.json."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def host_json(folder: Path = ROOT) -> dict[str, Any]:
    """Read host.json of a folder; an absent file means the defaults."""
    path = folder / "host.json"
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return content


def route_prefix(content: Mapping[str, Any]) -> str:
    """Give the path that stands before every route."""
    return str(content.get("extensions", {}).get("http", {}).get("routePrefix", "api"))


@dataclass(frozen=True)
class QueueOptions:
    """How queue triggers read: `extensions.queues` of host.json."""

    batch_size: int = 16
    max_dequeue_count: int = 5
    #: How long a message rests between two tries; the real host's default is none.
    retry_after_seconds: int = 0
    base64: bool = True


def queue_options(content: Mapping[str, Any]) -> QueueOptions:
    """Read the queue options of host.json."""
    queues = content.get("extensions", {}).get("queues", {})
    hours, minutes, seconds = map(float, queues.get("visibilityTimeout", "0:0:0").split(":"))
    return QueueOptions(
        batch_size=queues.get("batchSize", 16),
        max_dequeue_count=queues.get("maxDequeueCount", 5),
        retry_after_seconds=int(hours * 3600 + minutes * 60 + seconds),
        base64=queues.get("messageEncoding", "base64") == "base64",
    )


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """Put the settings into a text that names them as `%NAME%`."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in settings:
            raise ValueError(f"A trigger uses %{name}%, but the setting {name} is not set.")
        return settings[name]

    return re.sub(r"%(\w+)%", value, text)


def connection_string(connection: str, settings: Mapping[str, str]) -> str:
    """Give the connection string that a trigger's `connection` names."""
    for name in (f"AzureWebJobs{connection}", connection):
        if settings.get(name):
            return settings[name]
    if settings.get(f"{connection}__queueServiceUri"):
        raise ValueError(
            f"{connection}__queueServiceUri is set, but the local host reads queues by "
            f"connection string only: set {connection}."
        )
    raise ValueError(f"A queue trigger uses the connection {connection}, which is not set.")
