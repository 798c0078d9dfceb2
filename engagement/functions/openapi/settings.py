"""Settings of an organization, and of a seller's alerts, described."""

from __future__ import annotations

from engagement.domain.access.sign_in import MOST_APPLICATIONS, MOST_USERS
from engagement.domain.alerts.alert_settings import SWITCHES
from engagement.domain.delivery.working_hours import DAYS
from engagement.domain.organizations.organization import LARGEST_UPLOAD
from engagement.domain.organizations.settings_patch import MOST_EXTENSIONS
from engagement.domain.time_zone import LONGEST_NAME as LONGEST_ZONE
from engagement.domain.verdicts.client_address import AddressPrivacy
from engagement.domain.verdicts.rule import Certainty, ClientKind, Scope
from engagement.domain.verdicts.verdict_settings_patch import (
    HIGHEST,
    LONGEST_WORD,
    MOST_RANGES,
    MOST_WORDS,
    NAME,
    SHORTEST_WORD,
)
from engagement.functions.openapi.operation import IF_MATCH, Answer, Operation, Subject
from engagement.functions.openapi.schema import (
    BOOLEAN,
    CLOCK,
    TEXT,
    Schema,
    answered,
    by_name,
    items,
    matching,
    nullable,
    number,
    one_of,
    read,
    ref,
    text,
)

TAG = "Settings"
COUNTRY = "[A-Z]{2}"

FOLLOW = {
    "enabled": {**BOOLEAN, "description": "Whether engagement of new messages is tracked."},
}
ADDRESS = one_of(AddressPrivacy, description="What is kept of visitors' addresses.")
LIMIT = number(1, LARGEST_UPLOAD, description="Bytes that a file may have.")
HOURS = {"from": CLOCK, "to": CLOCK}
WEEK = nullable(items(one_of(DAYS), minItems=1, maxItems=len(DAYS)))
QUIET = {**HOURS, "time_zone": text(LONGEST_ZONE)}
ALERTS = {
    **dict.fromkeys(SWITCHES, nullable(BOOLEAN)),
    "quiet_hours": nullable(ref("QuietHours")),
}
RANGES = items(text(50, description="CIDR"), minItems=1, maxItems=MOST_RANGES)
WORDS = items(text(LONGEST_WORD, least=SHORTEST_WORD), maxItems=MOST_WORDS)
NETWORK = {"ranges": RANGES, "scope": one_of(Scope), "certainty": one_of(Certainty)}
CLIENT = {
    "contains": WORDS,
    "equals": WORDS,
    "kind": one_of(ClientKind),
    "scope": one_of(Scope),
    "client": nullable(text(60)),
}

#: In either case; answers have lower case.
GUID = matching("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
SIGN_IN = {
    "applications": items(GUID, maxItems=MOST_APPLICATIONS, description="Client ids."),
    "users": items(GUID, maxItems=MOST_USERS, description="Object ids."),
    "everyone": {**BOOLEAN, "description": "Whether users need not be named."},
}


def _windows() -> dict[str, Schema]:
    return {name: number(0, highest) for name, highest in HIGHEST.items()}


def _tagged(name: str) -> dict[int, Answer]:
    return {200: Answer("The settings as they are now.", ref(name), headers=("ETag",))}


SUBJECT = Subject(
    TAG,
    "What an organization may change.",
    {
        "get_settings": Operation(
            tag=TAG,
            summary="Read the settings of an organization",
            answers=_tagged("Settings"),
        ),
        "patch_settings": Operation(
            tag=TAG,
            summary="Change some settings of an organization",
            description=(
                "A JSON merge patch (RFC 7396). Lists, quiet hours, working hours and each rule "
                "are replaced whole; null makes a value as shipped."
            ),
            parameters=(IF_MATCH,),
            request=ref("SettingsPatch"),
            answers=_tagged("Settings"),
            problems=(409, 412),
        ),
    },
    {
        "Settings": answered(
            {
                "follow": answered(FOLLOW),
                "attachments": answered(
                    {"upload_limit_bytes": LIMIT, "blocked_extensions": items(TEXT)}
                ),
                "verdicts": answered(
                    {
                        **_windows(),
                        "client_address": ADDRESS,
                        "rules": by_name(ref("OwnRule"), NAME.pattern),
                    }
                ),
                "alerts": ref("AlertSettings"),
                "sign_in": answered(SIGN_IN),
                "delivery_time": answered(
                    {
                        "working_hours": ref("WorkingHours"),
                        "countries": by_name(ref("WorkingHours"), COUNTRY),
                        "holidays": BOOLEAN,
                    }
                ),
            }
        ),
        "SettingsPatch": read(
            {
                "follow": read(FOLLOW),
                "attachments": read(
                    {
                        "upload_limit_bytes": LIMIT,
                        "blocked_extensions": items(text(100), maxItems=MOST_EXTENSIONS),
                    }
                ),
                "verdicts": read(
                    {
                        **{name: nullable(window) for name, window in _windows().items()},
                        "client_address": ADDRESS,
                        "rules": by_name(nullable(ref("NewRule")), NAME.pattern),
                    }
                ),
                "alerts": ref("AlertSettingsPatch"),
                "sign_in": read(SIGN_IN),
                "delivery_time": read(
                    {
                        "working_hours": nullable(ref("NewWorkingHours")),
                        "countries": by_name(nullable(ref("NewWorkingHours")), COUNTRY),
                        "holidays": BOOLEAN,
                    }
                ),
            },
            examples=[{"follow": {"enabled": True}, "alerts": {"reply": False}}],
        ),
        "OwnRule": {
            "description": "A rule of the organization's own, or a shipped one switched.",
            "anyOf": [
                answered({"enabled": BOOLEAN}),
                answered(NETWORK),
                answered(CLIENT, maybe=["contains", "equals"]),
            ],
        },
        "NewRule": {
            "description": "A rule of the organization's own, or a switch for a shipped one.",
            "anyOf": [
                read({"enabled": BOOLEAN}),
                read(NETWORK, needed=["ranges"]),
                read(CLIENT),
            ],
        },
        "WorkingHours": answered({"days": WEEK, **HOURS}),
        "NewWorkingHours": read({"days": WEEK, **HOURS}),
        "QuietHours": answered(QUIET),
        "AlertSettings": answered(ALERTS, description="null is what nobody said."),
        "AlertSettingsPatch": read(ALERTS, examples=[{"first_open": True, "quiet_hours": None}]),
    },
)
