"""What strangers' requests need: the pixel, the redirect, the attachment, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from engagement.config import Config
from engagement.domain.verdicts.client_address import TrustedProxies
from engagement.domain.verdicts.observer import Observer
from engagement.services import PublicServices
from engagement.services.limiting import Limiting
from engagement.services.observing import Observing
from engagement.services.tracking import Tracking
from engagement.wiring.foundation import Foundation


def build_public_services(
    config: Config, foundation: Foundation, clock: Callable[[], datetime]
) -> PublicServices:
    """Build the services of the public surface."""
    return PublicServices(
        surface=config.surface,
        tracking=build_tracking(config, foundation),
        limiting=build_limiting(config, clock),
        ready=foundation.readiness.check,
        close=foundation.close,
    )


def build_tracking(config: Config, foundation: Foundation) -> Tracking:
    """Build what answers hits on tracked URLs."""
    observing = Observing(
        Observer(foundation.signer), foundation.settings, foundation.rules, _proxies(config)
    )
    return Tracking(
        foundation.signer,
        foundation.targets,
        foundation.blobs,
        observing,
        foundation.recording,
        config.stream_limit_bytes,
    )


def build_limiting(config: Config, clock: Callable[[], datetime]) -> Limiting:
    """Build what counts requests and mistakes."""
    return Limiting(
        _proxies(config),
        clock,
        api_limit=config.api_limit,
        bad_token_limit=config.bad_token_limit,
    )


def _proxies(config: Config) -> TrustedProxies:
    return TrustedProxies(config.proxy_count, config.front_door_id)
