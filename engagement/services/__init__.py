"""Use cases: what a trigger asks for, done with rules and stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from engagement.services.administering import Administering
from engagement.services.alerting import Alerting
from engagement.services.attaching import Attaching
from engagement.services.drafting import Drafting
from engagement.services.judging import Judging
from engagement.services.reading import Reading
from engagement.services.recording import Recording
from engagement.services.replying import Replying
from engagement.services.rolling_up import RollingUp
from engagement.services.scoring import Scoring
from engagement.services.sending import Sending
from engagement.services.summarizing import Summarizing
from engagement.services.sweeping import Sweeping
from engagement.services.tracking import Tracking


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case of one deployment; what the triggers are given."""

    surface: str
    admin_key: str | None = field(repr=False)
    administering: Administering
    alerting: Alerting
    attaching: Attaching
    drafting: Drafting
    judging: Judging
    reading: Reading
    recording: Recording
    replying: Replying
    rolling_up: RollingUp
    scoring: Scoring
    sending: Sending
    summarizing: Summarizing
    sweeping: Sweeping
    tracking: Tracking
    #: raises StorageError unless the stores answer
    ready: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
