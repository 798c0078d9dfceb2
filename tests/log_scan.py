"""A log kept as the Functions worker hands it on, and a scan for what must not be in it."""

from __future__ import annotations

import logging
import re
from types import TracebackType
from typing import Self

from engagement import telemetry

#: Loggers of what stands around the app in a test: its callers, its servers, its mail server.
SURROUNDINGS = ("httpx", "httpcore", "uvicorn", "mail", "hypothesis", "faker")

FORBIDDEN = {
    "an e-mail address": r"[\w.+-]+(@|%40)[\w-]+\.\w",
    "an IPv4 address": r"(?<![\w.])\d{1,3}(\.\d{1,3}){3}(?![\w.])",
    "an IPv6 address": r"(?i)(?<!\w)([0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}|[0-9a-f]{0,4}::[0-9a-f]",
    "a tracking token": r"[A-Za-z0-9_-]{60}",
    "a tracked URL": r"/[oca]/[A-Za-z0-9_-]{20}",
    "an API key": r"eng_[0-9a-f]{8}",
    "a signed address": r"(?i)[?&;]sig=|\bsig=|SharedKey",
    "a bearer token": r"(?i)bearer\s+\S|eyJ[A-Za-z0-9_-]{8}",
    "a webhook's secret": r"whsec_|v1,[A-Za-z0-9+/]{20}",
    "a connection string": r"AccountKey=",
    "a URL": r"(?i)https?(://|%3a%2f)",
}


def scan(text: str, *secrets: str) -> list[str]:
    """Return what is in a text that must not be: kinds, and secrets as they are."""
    kinds = [kind for kind, pattern in FORBIDDEN.items() if re.search(pattern, text)]
    return kinds + [secret for secret in secrets if secret.lower() in text.lower()]


class Log(logging.Handler):
    """Takes every record of the product and its libraries, and formats it like the worker.

    Our own are taken at DEBUG, those of others at INFO, which is the level of the worker's root.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record as the text that the host would get, with the extras it would not."""
        if record.name.partition(".")[0] not in SURROUNDINGS:
            self.lines.append(f"{record.name}: {self.format(record)}")

    def __enter__(self) -> Self:
        root, own = logging.getLogger(), telemetry.logger
        self.before = root.level, own.level, logging.getLogRecordFactory()
        self.levels = {name: logging.getLogger(name).level for name in telemetry.LIBRARIES}
        telemetry.tame_libraries()
        root.setLevel(logging.INFO)
        own.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        root, own = logging.getLogger(), telemetry.logger
        root.removeHandler(self)
        root_level, own_level, factory = self.before
        root.setLevel(root_level)
        own.setLevel(own_level)
        logging.setLogRecordFactory(factory)
        for name, level in self.levels.items():
            logging.getLogger(name).setLevel(level)
