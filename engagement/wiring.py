"""Builds the services of a deployment; the only file that knows every layer."""

from __future__ import annotations

from datetime import UTC, datetime

from engagement.config import Config
from engagement.domain.tracked_url import TrackedUrls
from engagement.domain.tracking_token import TokenSigner
from engagement.remote.smtp import Smtp
from engagement.services import Services
from engagement.services.administering import Administering
from engagement.services.attaching import Attaching
from engagement.services.drafting import Drafting
from engagement.services.reading import Reading
from engagement.services.recording import Recording
from engagement.services.rendering import Rendering
from engagement.services.replying import Replying
from engagement.services.sending import Sending
from engagement.services.sweeping import Sweeping
from engagement.services.tracking import Tracking
from engagement.storage.account import Account
from engagement.storage.appends import Appends
from engagement.storage.blobs import Blobs
from engagement.storage.interaction_queue import InteractionQueue
from engagement.storage.interactions import Interactions
from engagement.storage.messages import Messages
from engagement.storage.organizations import Organizations
from engagement.storage.readiness import Readiness
from engagement.storage.settings import SettingsRows
from engagement.storage.spill import Spill


def build_services(config: Config) -> Services:
    """Build everything that the triggers need; opens no connection yet."""
    account = Account(config.data)
    appends = Appends(account)
    organizations, settings = Organizations(account), SettingsRows(account)
    messages, blobs, interactions = Messages(account), Blobs(account), Interactions(account)
    signer = TokenSigner(config.signing_keys)
    urls = TrackedUrls(config.public_url, signer)
    spill = Spill(config.spill_folder, config.spill_limit_bytes)
    recording = Recording(appends, InteractionQueue(account), spill)
    administering = Administering(organizations, settings)

    async def close() -> None:
        await recording.close()
        await appends.close()
        await account.close()

    return Services(
        surface=config.surface,
        admin_key=config.admin_key,
        administering=administering,
        attaching=Attaching(messages, blobs, settings),
        drafting=Drafting(messages, blobs, urls),
        reading=Reading(messages, blobs, interactions, settings),
        recording=recording,
        replying=Replying(messages, interactions, recording),
        sending=Sending(
            messages,
            blobs,
            settings,
            Rendering(messages, blobs, urls),
            Smtp(config.smtp) if config.smtp else None,
            lambda: datetime.now(UTC),
        ),
        sweeping=Sweeping(organizations, administering, messages, blobs),
        tracking=Tracking(signer, messages, blobs, settings, recording, config.stream_limit_bytes),
        ready=Readiness(account).check,
        close=close,
    )
