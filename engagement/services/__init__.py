"""Use cases: what a trigger asks for, done with rules and stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

# For types only: the public surface never loads the services of the private one.
if TYPE_CHECKING:
    from engagement.domain.reports.viewer import Phrasebook
    from engagement.services.administering import Administering
    from engagement.services.advising import Advising
    from engagement.services.alerting import Alerting
    from engagement.services.attaching import Attaching
    from engagement.services.authenticating import Authenticating
    from engagement.services.dispatching import Dispatching
    from engagement.services.drafting import Drafting
    from engagement.services.judging import Judging
    from engagement.services.limiting import Limiting
    from engagement.services.listing import Listing
    from engagement.services.notifying import Notifying
    from engagement.services.projecting import Projecting
    from engagement.services.reading import Reading
    from engagement.services.recording import Recording
    from engagement.services.reminding import Reminding
    from engagement.services.replying import Replying
    from engagement.services.rolling_up import RollingUp
    from engagement.services.scheduling import Scheduling
    from engagement.services.scoring import Scoring
    from engagement.services.subscribing import Subscribing
    from engagement.services.summarizing import Summarizing
    from engagement.services.sweeping import Sweeping
    from engagement.services.templating import Templating
    from engagement.services.tracking import Tracking
    from engagement.services.watching import Watching
    from engagement.services.withdrawing import Withdrawing


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicServices:
    """What strangers' requests need; the public surface has nothing more."""

    surface: str
    tracking: Tracking
    limiting: Limiting
    #: raises StorageError unless the stores answer
    ready: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(PublicServices):
    """Every use case of one deployment: the API, timers and queues need them."""

    admin_key: str | None = field(repr=False)
    #: bool, whether callers may show keys, the administrator's among them
    api_keys: bool
    administering: Administering
    advising: Advising
    alerting: Alerting
    attaching: Attaching
    #: Authenticating or None, if no access tokens are accepted
    authenticating: Authenticating | None
    dispatching: Dispatching
    drafting: Drafting
    judging: Judging
    notifying: Notifying
    listing: Listing
    phrasebook: Phrasebook
    projecting: Projecting
    reading: Reading
    recording: Recording
    reminding: Reminding
    replying: Replying
    scheduling: Scheduling
    scoring: Scoring
    subscribing: Subscribing
    rolling_up: RollingUp
    summarizing: Summarizing
    sweeping: Sweeping
    templating: Templating
    withdrawing: Withdrawing
    watching: Watching
