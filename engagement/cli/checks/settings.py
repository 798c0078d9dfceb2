"""Settings: wrong ones, placeholders, references without a secret; signing keys."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from engagement.cli.checks.finding import Finding, Scene, State
from engagement.cli.connection import ORGANIZATION_KEY, URL
from engagement.cli.settings import is_reference
from engagement.config import Config
from engagement.domain.signing_key import SETTING, SigningKey, read_signing_keys, signing_id
from engagement.errors import ConfigurationError

NAME = re.compile(r"ENGAGEMENT_[A-Z_]*[A-Z]")
#: As in local.settings.sample.json.
PLACEHOLDER = "replace-with"
#: What is needed and wrong is replaced by these, so that what else is wrong is found too.
STAND_INS = {
    "ENGAGEMENT_PUBLIC_URL": "https://links.contoso.example",
    "ENGAGEMENT_SIGNING_KEYS": f"1:{'A' * 43}",
    "ENGAGEMENT_DATA": "AccountName=none;AccountKey=none",
}
#: A test holds it to what the app reads.
SAMPLE = Path(__file__).parents[3] / "local.settings.sample.json"
#: What the command line reads itself.
OWN = (URL, ORGANIZATION_KEY)
KEYS = "signing keys"
NEW_KEYS = (
    "Put back the list that was there: without its key, a link that was sent is dead. Only before "
    "the first message: python -m engagement signing-keys new prints a list with a new key."
)
#: Random bytes have about 30 different ones among 32; fewer than 16 is no accident.
FEWEST_BYTES = 16


def read_config(settings: Mapping[str, str]) -> tuple[Config | None, dict[str, str]]:
    """Return the configuration, with stand-ins, and everything that is wrong, by setting.

    None if no stand-in helps; then there may be more that is wrong than was found.
    """
    values, problems = dict(settings), dict[str, str]()
    while True:
        try:
            return Config.from_environment(values), problems
        except ConfigurationError as error:
            found = NAME.search(str(error))
            name = found[0] if found else ""
            hopeless = not name or name in problems
            problems.setdefault(name, str(error))
            if hopeless:
                return None, problems
            values[name] = STAND_INS.get(name, "")


async def settings(scene: Scene) -> list[Finding]:
    """Tell every setting that is wrong, by the app's own sentence."""
    found = [
        Finding(
            name or "settings",
            State.WRONG,
            problem,
            NEW_KEYS if name == SETTING else "Change the app's settings and restart it.",
        )
        for name, problem in scene.problems.items()
        if name not in scene.unresolved and not _unset(scene.settings.get(name, ""))
    ]
    if scene.config is None:
        text = "There may be more that is wrong: ask again when this is mended."
        found.append(Finding("settings", State.SKIPPED, text))
    if not scene.problems:
        surface = f"All are readable; the surface is {scene.config and scene.config.surface}."
        found.append(Finding("settings", State.OK, surface))
    return found


async def values(scene: Scene) -> list[Finding]:
    """Tell settings that still hold a placeholder or the reference to a secret."""
    found = []
    for name, value in sorted(scene.settings.items()):
        if not name.startswith("ENGAGEMENT_"):
            continue
        if PLACEHOLDER in value:
            advice = NEW_KEYS if name == SETTING else "Put a value of your own in its place."
            found.append(Finding(name, State.WRONG, "It still holds the placeholder.", advice))
        elif name in scene.unresolved:
            found.append(
                Finding(
                    name,
                    State.WRONG,
                    f"Its Key Vault reference leads to no secret: {scene.unresolved[name]}",
                    "See that vault and secret exist, and that whoever runs this may read them.",
                )
            )
        elif is_reference(value):
            found.append(
                Finding(
                    name,
                    State.WRONG,
                    "The app sees the Key Vault reference and not the secret.",
                    "Give the app's identity the role Key Vault Secrets User on the vault, set "
                    "keyVaultReferenceIdentity to it, and have the app read it again "
                    '(docs/deploying.md, "Changing a secret").',
                )
            )
    return found


async def names(scene: Scene) -> list[Finding]:
    """Tell names that the app does not know: a misspelt setting is none."""
    known = json.loads(SAMPLE.read_text("utf-8"))["Values"]
    return [
        Finding(
            name,
            State.WARNING,
            "The app knows no such setting.",
            "See docs/configuration.md for how it is written, or take it away.",
        )
        for name in sorted(scene.settings)
        if name.startswith("ENGAGEMENT_") and name not in known and name not in OWN
    ]


async def administrator_key(scene: Scene) -> list[Finding]:
    """Tell who can manage organizations."""
    if scene.config is None or scene.wrong("ENGAGEMENT_ADMIN_KEY"):
        return []
    name = "ENGAGEMENT_ADMIN_KEY"
    if _unset(scene.settings.get(name, "")) or scene.config.surface == "public":
        return []
    if scene.config.admin_key:
        return [Finding(name, State.OK, "Whoever has it manages organizations.")]
    if scene.settings.get("ENGAGEMENT_ENTRA_TENANT_ID"):
        return [Finding(name, State.OK, "There is none; Entra says who manages organizations.")]
    return [
        Finding(
            name,
            State.WARNING,
            "There is none, and no Entra tenant: nobody can manage organizations.",
            "Set one of 16 or more random characters, or ENGAGEMENT_ENTRA_TENANT_ID.",
        )
    ]


async def signing_keys(scene: Scene) -> list[Finding]:
    """Tell weak and equal keys, and which signs."""
    if scene.config is None or scene.wrong(SETTING):
        return []
    keys = read_signing_keys(scene.settings[SETTING])
    found = [*_weak(keys), *_equal(keys)]
    signing = keys[signing_id(keys, scene.config.signing_from, scene.now)]
    if not signing.begun(scene.now):
        found.append(
            Finding(
                KEYS,
                State.WARNING,
                f"Every key waits for its time; key {signing.id}, the first to begin, signs.",
                "Instances with another list do not know its links: see that both apps have this.",
            )
        )
    if found:
        return found
    waiting = [key for key in keys.values() if not key.begun(scene.now)]
    begins = "".join(
        f"; key {key.id} waits until {key.begins_at:%Y-%m-%d %H:%M} UTC" for key in waiting
    )
    detail = f"Key {signing.id} signs; of {len(keys)} all verify{begins}."
    return [Finding(KEYS, State.OK, detail)]


def _weak(keys: Mapping[int, SigningKey]) -> list[Finding]:
    return [
        Finding(
            KEYS,
            State.WRONG,
            f"Key {key.id} is not random: whoever guesses it forges links.",
            "python -m engagement signing-keys rotate; revoke it when the new one signs.",
        )
        for key in keys.values()
        if len(set(key.key)) < FEWEST_BYTES
    ]


def _equal(keys: Mapping[int, SigningKey]) -> list[Finding]:
    counted = Counter(key.key for key in keys.values())
    return [
        Finding(
            KEYS,
            State.WRONG,
            f"Keys {', '.join(str(key.id) for key in keys.values() if key.key == same)} are equal.",
            "A rotation to an equal key is none: rotate again.",
        )
        for same, count in counted.items()
        if count > 1
    ]


def _unset(value: str) -> bool:
    """Whether another finding tells already why a setting is wrong."""
    return PLACEHOLDER in value or is_reference(value)
