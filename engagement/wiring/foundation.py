"""What both surfaces stand on: the stores that a hit touches, the rules, and recording."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from engagement.config import Config
from engagement.domain.tracking.tracking_token import TokenSigner
from engagement.domain.verdicts.rule_set import RuleSet, read_rule_set
from engagement.services.recording import Recording
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.appends import Appends
from engagement.storage.blobs import Blobs
from engagement.storage.points import Points
from engagement.storage.queues import Queue
from engagement.storage.readiness import Readiness
from engagement.storage.spill import Spill
from engagement.storage.targets import Targets
from engagement.storage.tracking_settings import TrackingSettings
from engagement.storage.wire import Wire

RULES = Path(__file__).parent.parent / "rules.toml"


def shipped_rules() -> RuleSet:
    """Read the rules by which hits are judged where an organization changed nothing."""
    return read_rule_set(tomllib.loads(RULES.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Foundation:
    """Connections and stores, made once for a deployment; nothing is opened yet."""

    account: Account
    wire: Wire
    set_aside: Queue
    judgements: Queue
    deliveries: Queue
    targets: Targets
    blobs: Blobs
    settings: TrackingSettings
    signer: TokenSigner
    rules: RuleSet
    recording: Recording
    readiness: Readiness

    @classmethod
    def of(cls, config: Config) -> Foundation:
        """Make what both surfaces stand on."""
        account = Account(config.data)
        wire = Wire(account)
        points = Points(wire)
        set_aside, judgements, deliveries = (Queue(wire, name) for name in keys.QUEUES)
        spill = Spill(config.spill_folder, config.spill_limit_bytes)
        return cls(
            account=account,
            wire=wire,
            set_aside=set_aside,
            judgements=judgements,
            deliveries=deliveries,
            targets=Targets(points),
            blobs=Blobs(account),
            settings=TrackingSettings(points),
            signer=TokenSigner(config.signing_keys, config.signing_from),
            rules=shipped_rules(),
            recording=Recording(Appends(wire), set_aside, judgements, spill),
            readiness=Readiness(account, set_aside),
        )

    async def close(self) -> None:
        """Finish what is being recorded, then close every connection."""
        await self.recording.close()
        await self.wire.close()
        await self.account.close()
