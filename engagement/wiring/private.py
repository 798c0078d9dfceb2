"""Every use case of a deployment: what the API, the timers and the queues need."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engagement.config import Config
from engagement.domain.access.registration import Registration
from engagement.domain.reports.viewer import Phrasebook
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.domain.webhooks.webhook_signature import WebhookSigner
from engagement.remote.entra import Entra
from engagement.remote.graph import Graph
from engagement.remote.signing_keys import SigningKeys
from engagement.remote.smtp import Smtp
from engagement.remote.webhooks import Webhooks
from engagement.services import Services
from engagement.services.administering import Administering
from engagement.services.advising import Advising
from engagement.services.alerting import Alerting
from engagement.services.announcing import Announcing
from engagement.services.attaching import Attaching
from engagement.services.authenticating import Authenticating
from engagement.services.contributing import Contributing
from engagement.services.dispatching import Dispatching
from engagement.services.drafting import Drafting
from engagement.services.handing_over import (
    GRAPH,
    SMTP,
    GraphTransport,
    HandingOver,
    SmtpTransport,
    Transport,
)
from engagement.services.judging import Judging
from engagement.services.listing import Listing
from engagement.services.notifying import Notifying
from engagement.services.projecting import Projecting
from engagement.services.reading import Reading
from engagement.services.remembering import Remembering
from engagement.services.reminding import Reminding
from engagement.services.rendering import Rendering
from engagement.services.replying import Replying
from engagement.services.rolling_up import RollingUp
from engagement.services.scheduling import Scheduling
from engagement.services.scoring import Scoring
from engagement.services.sending import Sending
from engagement.services.subscribing import Subscribing
from engagement.services.summarizing import Summarizing
from engagement.services.sweeping import Sweeping
from engagement.services.templating import Templating
from engagement.services.watching import Watching
from engagement.services.withdrawing import Withdrawing
from engagement.storage import keys
from engagement.storage.alerts import Alerts
from engagement.storage.contributions import Contributions
from engagement.storage.dead_webhooks import DeadLetters
from engagement.storage.due_times import DueTimes
from engagement.storage.histories import History
from engagement.storage.interactions import Interactions
from engagement.storage.listings import Listings
from engagement.storage.markers import Markers
from engagement.storage.messages import Messages
from engagement.storage.organizations import Organizations
from engagement.storage.people import People
from engagement.storage.queries import Queries
from engagement.storage.queues import Queue
from engagement.storage.rollups import Rollups
from engagement.storage.settings import SettingsRows
from engagement.storage.summaries import Summaries
from engagement.storage.template_totals import TemplateTotalsRows
from engagement.storage.templates import Templates
from engagement.storage.waiting_messages import WaitingMessages
from engagement.storage.webhooks import Endpoints
from engagement.wiring.foundation import Foundation
from engagement.wiring.public import build_limiting, build_tracking

STATUSES = Path(__file__).parent.parent / "statuses.toml"


def shipped_phrasebook() -> Phrasebook:
    """Read the words of interaction statuses in every language."""
    return Phrasebook(tomllib.loads(STATUSES.read_text(encoding="utf-8")))


def build_private_services(
    config: Config, foundation: Foundation, clock: Callable[[], datetime]
) -> Services:
    """Build everything that the triggers need; *clock* tells the time of what is done."""
    account, wire = foundation.account, foundation.wire
    queries = Queries(wire)
    messages, blobs, settings = Messages(account, queries), foundation.blobs, SettingsRows(account)
    recording, rules = foundation.recording, foundation.rules
    organizations, interactions = Organizations(account), Interactions(account, queries)
    due_times, waiting = DueTimes(account), WaitingMessages(account)
    listings, markers = Listings(account, queries), Markers(account, queries)
    people = People(account)
    contributions, rollups = Contributions(account, queries), Rollups(account, queries)
    templates, totals = Templates(account), TemplateTotalsRows(account, queries)
    endpoints, dead_letters = Endpoints(account), DeadLetters(account)

    webhook_signer = WebhookSigner(config.signing_keys, config.signing_from)
    urls = TrackedUrls(config.public_url, foundation.signer)
    webhooks = Webhooks(allow_private=config.webhook_allow_private)

    administering = Administering(organizations, settings, rules)
    alerts = Alerts(account)
    alerting = Alerting(alerts, messages, settings)
    notifying = Notifying(
        endpoints,
        dead_letters,
        foundation.deliveries,
        webhook_signer,
        webhooks,
        alerting.tell_of_webhook,
    )
    announcing = Announcing(notifying, clock)
    projecting = Projecting(
        messages, interactions, Summaries(account, queries), listings, markers, announcing.change
    )
    judging = Judging(interactions, settings, alerting, foundation.judgements, projecting, rules)
    rendering, handing_over = (
        Rendering(foundation.targets, blobs, urls),
        HandingOver(_transports(config)),
    )
    sending = Sending(projecting, blobs, settings, rendering, handing_over, clock)
    scheduling = Scheduling(projecting, sending, due_times, waiting, clock)
    reminding = Reminding(messages, interactions, settings, alerting, due_times, announcing)
    remembering = Remembering(people)

    tracking = build_tracking(config, foundation)
    # Other instances learn of a change when they have forgotten what they know.
    settings.on_write.append(tracking.observing.forget)

    async def follow_up(organization: str, message_id: str) -> History:
        history = (await projecting.project(organization, message_id)).history
        await remembering.remember(organization, history)
        return history

    authenticating = _authenticating(config.entra, settings)

    async def close() -> None:
        await webhooks.close()
        if authenticating is not None:
            await authenticating.close()
        await foundation.close()

    contributing = Contributing(contributions, markers, follow_up)
    return Services(
        surface=config.surface,
        admin_key=config.admin_key,
        api_keys=config.api_keys,
        administering=administering,
        advising=Advising(people, settings),
        alerting=alerting,
        attaching=Attaching(messages, blobs, settings),
        authenticating=authenticating,
        dispatching=Dispatching(scheduling, reminding, alerting, announcing, organizations),
        drafting=Drafting(messages, blobs, urls, due_times, waiting, projecting),
        judging=judging,
        limiting=build_limiting(config, clock),
        listing=Listing(listings, settings),
        notifying=notifying,
        phrasebook=shipped_phrasebook(),
        projecting=projecting,
        reading=Reading(messages, blobs, interactions, settings, waiting),
        recording=recording,
        reminding=reminding,
        replying=Replying(messages, interactions, recording, alerting),
        rolling_up=RollingUp(organizations, contributing, contributions, markers, rollups, totals),
        scheduling=scheduling,
        scoring=Scoring(interactions, judging),
        subscribing=Subscribing(
            endpoints, dead_letters, webhook_signer, allow_private=config.webhook_allow_private
        ),
        summarizing=Summarizing(rollups),
        sweeping=Sweeping(administering, messages, templates, blobs, dead_letters, alerts),
        templating=Templating(templates, totals, blobs),
        tracking=tracking,
        watching=Watching(
            [foundation.set_aside, foundation.judgements, foundation.deliveries],
            [Queue(wire, keys.poison(name)) for name in keys.QUEUES],
        ),
        withdrawing=Withdrawing(projecting, blobs, waiting),
        ready=foundation.readiness.check,
        close=close,
    )


def _authenticating(
    registration: Registration | None, settings: SettingsRows
) -> Authenticating | None:
    if registration is None:
        return None
    return Authenticating(registration, SigningKeys(registration), settings)


def _transports(config: Config) -> dict[str, Transport]:
    transports: dict[str, Transport] = {}
    if config.smtp:
        transports[SMTP] = SmtpTransport(Smtp(config.smtp))
    if config.graph:
        transports[GRAPH] = GraphTransport(Graph(config.graph, Entra(config.graph)))
    return transports
