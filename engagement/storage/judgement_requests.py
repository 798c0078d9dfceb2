"""What is put into the judgements queue: that a message is to be judged."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from engagement.domain.moment import read_moment
from engagement.domain.verdicts.observer import Crowd
from engagement.storage import keys
from engagement.storage.queued_record import read_queued

RECORD_VERSION = 1


@dataclass(frozen=True, slots=True)
class JudgementRequest:
    """That a message is to be judged."""

    organization: str
    message_id: str
    #: str or None, id of the interaction that is the reason; it is being stored meanwhile
    interaction_id: str | None = None
    #: bool, whether it is the last look at what came within a minute
    last: bool = False
    #: Crowd or None, what became known of one who was there
    crowd: Crowd | None = None


def record_of(request: JudgementRequest) -> str:
    """Return a request as it is queued."""
    return json.dumps({"v": RECORD_VERSION, **asdict(request)}, default=datetime.isoformat)


def read_request(record: str) -> JudgementRequest:
    """Read a queued request; raises ValueError for one that this version does not know."""
    value = read_queued(record, RECORD_VERSION)
    interaction_id = value.get("interaction_id")
    if interaction_id is not None and not isinstance(interaction_id, str):
        raise ValueError("This record names no interaction.")
    return JudgementRequest(
        *keys.check_place(value.get("organization"), value.get("message_id")),
        interaction_id=interaction_id,
        last=bool(value.get("last")),
        crowd=_crowd(value.get("crowd")),
    )


def _crowd(value: Any) -> Crowd | None:
    if value is None:
        return None
    match value:
        case {"actor": str() as actor, "at": str() as at, "messages": int() as messages}:
            return Crowd(actor, read_moment(at), messages)
    raise ValueError("This record's crowd cannot be read.")
