"""Write the files of the Power Platform connector (make connector), from the API's description."""

import json
from typing import Any

from devserver.icon import png
from devserver.settings import ROOT, new_keys
from engagement.config import Config
from engagement.functions.api_openapi import described
from engagement.functions.openapi.connector import definition, properties
from engagement.services import Services
from engagement.wiring import build_services

FOLDER = ROOT / "infra" / "connector"
DEFINITION, PROPERTIES, ICON = "apiDefinition.swagger.json", "apiProperties.json", "icon.png"


def description(surface: str) -> dict[str, Any]:
    """Give the API's description as an app of this surface serves it; no store is asked."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    environment = {**sample, **new_keys(), "ENGAGEMENT_SURFACE": surface}
    services = build_services(Config.from_environment(environment))
    assert isinstance(services, Services)  # noqa: S101 - all but the public surface have them
    return described(services)


def texts() -> dict[str, str]:
    """Give the JSON files by their names."""
    values = {DEFINITION: definition(description("private")), PROPERTIES: properties()}
    return {
        name: json.dumps(value, ensure_ascii=False, indent=2) + "\n"
        for name, value in values.items()
    }


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, "utf-8")
    (FOLDER / ICON).write_bytes(png())


if __name__ == "__main__":
    main()
