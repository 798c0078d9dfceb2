"""The connector's files are made of the API's description, by the rules of the Power Platform."""

from __future__ import annotations

import json
import re
import struct
import zlib

import pytest
from description import description
from openapi_spec_validator import validate

from devserver import connector, icon
from engagement.functions.openapi.connector import BRAND_COLOR, OFFERED, definition

#: Of JSON Schema 2020-12 and OpenAPI 3.1, unknown to Swagger 2.0.
NEWER = {"anyOf", "oneOf", "not", "const", "nullable", "examples", "propertyNames", "content"}
LARGEST_DEFINITION = 1024**2


@pytest.fixture(scope="module")
def written():
    """The definition as it lies in the repository."""
    return json.loads((connector.FOLDER / connector.DEFINITION).read_text("utf-8"))


def parts(value):
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts(part)


def operations(value):
    """Every operation of a definition."""
    return [operation for methods in value["paths"].values() for operation in methods.values()]


@pytest.mark.parametrize("name", [connector.DEFINITION, connector.PROPERTIES])
def test_the_files_are_what_make_connector_would_write(name):
    assert (connector.FOLDER / name).read_text("utf-8") == connector.texts()[name]


def test_the_icon_is_what_make_connector_would_draw():
    data = (connector.FOLDER / connector.ICON).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    # Square, and of the size that certification asks for: 100 to 230 pixels, below 1 MB.
    assert width == height == icon.SIZE
    assert 100 <= width <= 230
    (length,) = struct.unpack(">I", data[33:37])
    # Libraries compress differently; the picture is the same.
    assert zlib.decompress(data[41 : 41 + length]) == icon.pixels()
    color = "".join(f"{part:02x}" for part in icon.GROUND)
    assert f"#{color}" == BRAND_COLOR


def test_the_definition_is_valid_and_small_enough(written):
    validate(written)
    assert written["swagger"] == "2.0"
    size = (connector.FOLDER / connector.DEFINITION).stat().st_size
    assert size < LARGEST_DEFINITION


def test_it_offers_what_is_chosen_and_nothing_else(written):
    names = [operation["operationId"] for operation in operations(written)]
    chosen = {"".join(part.capitalize() for part in name.split("_")) for name in OFFERED}
    assert sorted(names) == sorted(chosen)
    assert all(re.fullmatch(r"([A-Z][a-z]+)+", name) for name in names)


def test_it_has_nothing_that_swagger_does_not_know(written):
    for part in parts(written["paths"]):
        assert not NEWER & set(part)
    for definition_ in written["definitions"].values():
        for part in parts({**definition_, "example": None}):
            if "$ref" in part and isinstance(part["$ref"], str):
                # Beside a reference nothing else counts.
                assert set(part) == {"$ref"}
                assert part["$ref"].removeprefix("#/definitions/") in written["definitions"]
            if isinstance(part.get("type"), list | str) and "properties" not in part:
                assert not isinstance(part["type"], list)
            assert None not in part.get("enum", ())


def test_every_definition_is_used(written):
    used = {part["$ref"] for part in parts(written) if isinstance(part.get("$ref"), str)}
    assert used == {f"#/definitions/{name}" for name in written["definitions"]}


def test_people_can_read_what_each_action_and_parameter_is(written):
    assert len(written["info"]["title"]) <= 30
    assert 30 <= len(written["info"]["description"]) <= 500
    for operation in operations(written):
        # "Summary … 80 characters or less", says Microsoft's guide for certification.
        assert re.fullmatch(r"[A-Z][\w ,]{1,79}", operation["summary"]), operation["summary"]
        assert operation["description"].endswith(".")
        assert "default" in operation["responses"]
        for parameter in operation["parameters"]:
            if parameter["in"] != "body":
                assert parameter["x-ms-summary"]
                assert parameter["description"].endswith(".")
            # What is hidden and needed would need a value by default.
            assert not (parameter["required"] and "x-ms-visibility" in parameter)


def test_a_connection_asks_for_what_the_definition_signs_in_with(written):
    value = json.loads((connector.FOLDER / connector.PROPERTIES).read_text("utf-8"))["properties"]
    (scheme,) = written["securityDefinitions"]
    assert written["security"] == [{scheme: []}]
    assert value["connectionParameters"][scheme]["type"] == "securestring"
    assert re.fullmatch("#[0-9a-f]{6}", value["iconBrandColor"])


def test_what_swagger_cannot_express_is_not_offered_by_mistake(monkeypatch):
    monkeypatch.setitem(OFFERED, "patch_settings", "")
    with pytest.raises(ValueError, match="anyOf"):
        definition(description().document)
