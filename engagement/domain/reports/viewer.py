"""Whoever looks at a list: by whose clock its days are, and in whose language its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

from engagement.domain.time_zone import read_zone
from engagement.errors import InvalidRequestError

Words = Mapping[str, str]

#: The form of a language tag (BCP 47), such as de or pt-BR.
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}")
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A time zone, and the words of a language by their keys."""

    words: Words
    zone: tzinfo = UTC


class Phrasebook:
    """The words of every language that is spoken here; those of English stand in for others."""

    def __init__(self, languages: Mapping[str, Words]) -> None:
        self.languages = {tag.lower(): words for tag, words in languages.items()}
        for tag, words in self.languages.items():
            if words.keys() != self.languages[FALLBACK].keys():
                raise ValueError(f"The words of {tag} are not those of {FALLBACK}.")

    def words(self, tag: str) -> Words:
        """Return the words for a language tag: of the language itself, or of what it is part of.

        Source: "Lookup", RFC 4647, section 3.4.
        """
        parts = tag.lower().split("-")
        for count in range(len(parts), 0, -1):
            found = self.languages.get("-".join(parts[:count]))
            if found is not None:
                return found
        return self.languages[FALLBACK]

    def viewer(self, parameters: Mapping[str, str]) -> Viewer:
        """Return whom ``time_zone`` and ``language`` describe; raises InvalidRequestError."""
        language = parameters.get("language", FALLBACK)
        if not LANGUAGE.fullmatch(language):
            raise InvalidRequestError("This is not a language, such as de or pt-BR.", "language")
        name = parameters.get("time_zone")
        zone = UTC if name is None else read_zone(name, "time_zone")
        return Viewer(self.words(language), zone)
