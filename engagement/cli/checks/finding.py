"""What a check found, and what it looks at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engagement.config import Config
from engagement.storage.account import Account
from engagement.storage.wire import Wire


class State(StrEnum):
    """How something is."""

    OK = "ok"
    #: works, and somebody should look at it
    WARNING = "warning"
    WRONG = "wrong"
    #: could not be looked at
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, without secrets, and what to do about it ("" for nothing)."""

    check: str
    state: State
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What checks look at."""

    #: Mapping, with secrets in place of references
    settings: Mapping[str, str]
    #: Mapping, why references have no secret, by setting
    unresolved: Mapping[str, str]
    #: Config or None, with stand-ins for what is wrong
    config: Config | None
    #: Mapping, what is wrong, by setting; "" for what no setting could be told of
    problems: Mapping[str, str]
    account: Account | None
    wire: Wire | None
    #: str or None, URL of the private app
    url: str | None
    #: bool, whether this runs where the app's managed identity is
    in_azure: bool
    now: datetime

    def wrong(self, *names: str) -> bool:
        """Whether one of the settings is wrong, so that there is no use in going on with it."""
        return any(found.startswith(names) for found in self.problems)


Check = Callable[[Scene], Awaitable[list[Finding]]]
