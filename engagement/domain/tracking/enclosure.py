"""Which tags of an HTML body belong to elements that are marked by an attribute."""

from __future__ import annotations

import re

from engagement.domain.tracking.html_tag import Tag, attributes, closes_itself

# WHATWG HTML 13.1.2
_VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr")
# Their start tag closes an open element of the same name.
_NEVER_NESTED = frozenset(("a", "p"))


class Enclosure:
    """Tells which tags belong to elements whose *attribute* matches *mark*.

    The end of such an element is found by counting tags of its name; without an end tag it
    reaches to the end of the body.
    """

    def __init__(self, html: str, attribute: str, mark: re.Pattern[str]) -> None:
        self._html = html
        self._attribute = attribute
        self._mark = mark
        self._name = ""
        self._depth = 0

    @property
    def is_open(self) -> bool:
        """Whether what follows the last tag is inside a marked element."""
        return self._depth > 0

    def takes(self, tag: Tag) -> bool:
        """Tell whether *tag*, the next one of the body, is marked or inside a marked element."""
        if self._depth and not (tag.name == self._name and tag.name in _NEVER_NESTED):
            if tag.name in {self._name, "/" + self._name} and not self._is_empty(tag):
                self._depth += 1 if tag.name == self._name else -1
            return True
        self._depth = 0
        if not self._is_marked(tag):
            return False
        if not self._is_empty(tag):
            self._name, self._depth = tag.name, 1
        return True

    def _is_marked(self, tag: Tag) -> bool:
        start, end = tag.attributes
        if tag.name[0] in "/!" or self._attribute not in self._html[start:end].lower():
            return False
        value = attributes(self._html, tag).get(self._attribute, "")
        return self._mark.search(value) is not None

    def _is_empty(self, tag: Tag) -> bool:
        """Tell whether *tag* has no end tag; HTML's own elements do not close themselves."""
        if _VOID.fullmatch(tag.name):
            return True
        return (tag.foreign or ":" in tag.name) and closes_itself(self._html, tag)
