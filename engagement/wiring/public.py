"""What strangers' requests need: the pixel, the redirect, the attachment, and nothing more."""

from __future__ import annotations

from engagement.config import Config
from engagement.domain.verdicts.client_address import TrustedProxies
from engagement.domain.verdicts.observer import Observer
from engagement.services import PublicServices
from engagement.services.observing import Observing
from engagement.services.tracking import Tracking
from engagement.wiring.foundation import Foundation


def build_public_services(config: Config, foundation: Foundation) -> PublicServices:
    """Build the services of the public surface."""
    return PublicServices(
        surface=config.surface,
        tracking=build_tracking(config, foundation),
        ready=foundation.readiness.check,
        close=foundation.close,
    )


def build_tracking(config: Config, foundation: Foundation) -> Tracking:
    """Build what answers hits on tracked URLs."""
    proxies = TrustedProxies(config.proxy_count, config.front_door_id)
    observing = Observing(
        Observer(foundation.signer), foundation.settings, foundation.rules, proxies
    )
    return Tracking(
        foundation.signer,
        foundation.targets,
        foundation.blobs,
        observing,
        foundation.recording,
        config.stream_limit_bytes,
    )
