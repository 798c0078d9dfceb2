"""Builds the services of a deployment; the only file that knows every layer."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

from engagement.config import Config
from engagement.domain.client_address import TrustedProxies
from engagement.domain.observer import Observer
from engagement.domain.rule_set import RuleSet, read_rule_set
from engagement.domain.tracked_url import TrackedUrls
from engagement.domain.tracking_token import TokenSigner
from engagement.remote.smtp import Smtp
from engagement.services import Services
from engagement.services.administering import Administering
from engagement.services.alerting import Alerting
from engagement.services.attaching import Attaching
from engagement.services.contributing import Contributing
from engagement.services.drafting import Drafting
from engagement.services.judging import Judging
from engagement.services.observing import Observing
from engagement.services.reading import Reading
from engagement.services.recording import Recording
from engagement.services.rendering import Rendering
from engagement.services.replying import Replying
from engagement.services.rolling_up import RollingUp
from engagement.services.scoring import Scoring
from engagement.services.sending import Sending
from engagement.services.summarizing import Summarizing
from engagement.services.sweeping import Sweeping
from engagement.services.tracking import Tracking
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.alerts import Alerts
from engagement.storage.appends import Appends
from engagement.storage.blobs import Blobs
from engagement.storage.contributions import Contributions
from engagement.storage.interactions import Interactions
from engagement.storage.markers import Markers
from engagement.storage.messages import Messages
from engagement.storage.organizations import Organizations
from engagement.storage.queues import Queue
from engagement.storage.readiness import Readiness
from engagement.storage.rollups import Rollups
from engagement.storage.settings import SettingsRows
from engagement.storage.spill import Spill
from engagement.storage.template_totals import TemplateTotalsRows
from engagement.storage.wire import Wire

RULES = Path(__file__).parent / "rules.toml"


def shipped_rules() -> RuleSet:
    """Read the rules by which hits are judged where an organization changed nothing."""
    return read_rule_set(tomllib.loads(RULES.read_text(encoding="utf-8")))


def build_services(config: Config) -> Services:
    """Build everything that the triggers need; opens no connection yet."""
    account = Account(config.data)
    wire = Wire(account)
    appends = Appends(wire)
    set_aside = Queue(wire, keys.INTERACTIONS_QUEUE)
    judgements = Queue(wire, keys.JUDGEMENTS_QUEUE)
    organizations, settings = Organizations(account), SettingsRows(account)
    messages, blobs, interactions = Messages(account), Blobs(account), Interactions(account)
    markers, contributions, rollups = Markers(account), Contributions(account), Rollups(account)
    signer = TokenSigner(config.signing_keys)
    urls = TrackedUrls(config.public_url, signer)
    spill = Spill(config.spill_folder, config.spill_limit_bytes)
    recording = Recording(appends, set_aside, judgements, spill)
    rules = shipped_rules()
    administering = Administering(organizations, settings, rules)
    alerting = Alerting(Alerts(account), messages, settings)
    judging = Judging(interactions, settings, alerting, judgements, markers, rules)
    proxies = TrustedProxies(config.proxy_count, config.front_door_id)
    observing = Observing(Observer(signer), settings, rules, proxies)

    async def close() -> None:
        await recording.close()
        await wire.close()
        await account.close()

    return Services(
        surface=config.surface,
        admin_key=config.admin_key,
        administering=administering,
        alerting=alerting,
        attaching=Attaching(messages, blobs, settings),
        drafting=Drafting(messages, blobs, urls),
        judging=judging,
        reading=Reading(messages, blobs, interactions, settings),
        recording=recording,
        replying=Replying(messages, interactions, recording, alerting),
        rolling_up=RollingUp(
            organizations,
            Contributing(messages, interactions, contributions, markers, _project),
            contributions,
            markers,
            rollups,
            TemplateTotalsRows(account),
        ),
        scoring=Scoring(interactions, judging),
        sending=Sending(
            messages,
            blobs,
            settings,
            Rendering(messages, blobs, urls),
            markers,
            Smtp(config.smtp) if config.smtp else None,
            lambda: datetime.now(UTC),
        ),
        summarizing=Summarizing(rollups),
        sweeping=Sweeping(organizations, administering, messages, blobs),
        tracking=Tracking(signer, messages, blobs, observing, recording, config.stream_limit_bytes),
        ready=Readiness(account, set_aside).check,
        close=close,
    )


async def _project(organization: str, message_id: str, now: datetime) -> None:
    """Bring up to date what is listed of a message: nothing is, yet."""
