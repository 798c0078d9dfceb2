"""Making interactions of hits, as their organization wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engagement import telemetry
from engagement.domain.tracking.tracking_token import TrackingToken
from engagement.domain.verdicts.client_address import AddressPrivacy, TrustedProxies
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.observer import Crowd, Hit, Observer
from engagement.domain.verdicts.recent import MessageKey
from engagement.domain.verdicts.rule_set import PROVISIONAL, RuleSet
from engagement.errors import StorageError
from engagement.storage.memory import Memory
from engagement.storage.tracking_settings import TrackingSettings

#: Seconds that an organization's switch and rules are remembered.
SETTINGS_LIFE = 60.0
#: Seconds that reading them may hold a recipient up.
SETTINGS_PATIENCE = 0.4


@dataclass(frozen=True, slots=True)
class Observation:
    """A hit as it is kept, and what it says of others."""

    interaction: Interaction
    #: bool, whether its message is to be judged soon
    telling: bool
    crowd: Mapping[MessageKey, Crowd]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an organization wants of its hits."""

    followed: bool
    rules: RuleSet
    client_address: AddressPrivacy


class Observing:
    """Judges hits at the moment when they come."""

    def __init__(
        self,
        observer: Observer,
        settings: TrackingSettings,
        shipped: RuleSet,
        proxies: TrustedProxies,
    ) -> None:
        self.observer = observer
        self.settings = settings
        self.proxies = proxies
        self.shipped = shipped
        # For whom nobody can say what they want: no version, so that the judgement that follows
        # goes by their own rules, and no address, which they may not want kept.
        self.usual = Wishes(True, replace(shipped, version=PROVISIONAL), AddressPrivacy.NONE)
        self.wishes: Memory[Wishes] = Memory(SETTINGS_LIFE, 10_000)

    async def observe(self, token: TrackingToken, hit: Hit, *, down: bool) -> Observation | None:
        """Return what is to be kept of a hit, None if the organization wants nothing kept.

        Waits for no table while they are known to be *down*.
        """
        wishes = await self._wishes(token.organization, down=down)
        if not wishes.followed:
            return None
        address = self.proxies.client_address(hit.headers)
        sight = self.observer.observe(token, hit, address, wishes.rules, wishes.client_address)
        interaction = Interaction(
            id=interaction_id(hit.at, hit.nonce),
            message_id=token.message_id,
            evidence=sight.evidence,
            judgement=sight.judgement,
        )
        return Observation(interaction, sight.telling, sight.crowd)

    def forget(self, organization: str) -> None:
        """Read the organization's wishes anew at its next hit: they have changed."""
        self.wishes.forget(organization)

    async def _wishes(self, organization: str, *, down: bool) -> Wishes:
        """Return what the organization wants: as last known, else as usual."""
        if down:
            return self.wishes.last(organization, default=self.usual)
        try:
            return await self.wishes.get(organization, lambda: self._read(organization))
        except StorageError:
            return self.usual
        except Exception:
            telemetry.exception("settings_failed", organization=organization)
            return self.usual

    async def _read(self, organization: str) -> Wishes:
        followed, verdicts = await self.settings.read(organization, SETTINGS_PATIENCE)
        rules = verdicts.applied_to(self.shipped)
        return Wishes(followed, rules, verdicts.client_address)
