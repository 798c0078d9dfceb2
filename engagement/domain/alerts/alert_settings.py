"""Which alerts are made and when they are shown: an organization's word, and a user's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engagement.domain.alerts.alert import AlertType
from engagement.domain.alerts.quiet_hours import QuietHours
from engagement.domain.payload import Fields
from engagement.domain.time_zone import read_time_zone

SWITCHES = ("first_open", "reply", "reminder")


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Of an organization or of a user; None is what nobody said."""

    first_open: bool | None = None
    reply: bool | None = None
    reminder: bool | None = None
    quiet_hours: QuietHours | None = None

    def wants(self, kind: AlertType) -> bool:
        """Whether alerts of *kind* are not switched off."""
        # What has no switch, an administrator needs to know.
        return getattr(self, kind.value, None) is not False


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """What an organization and one of its users want together."""

    organization: AlertSettings
    user: AlertSettings

    def wants(self, kind: AlertType) -> bool:
        """Whether an alert is made: what the organization switched off, no user has."""
        return self.organization.wants(kind) and self.user.wants(kind)

    def due_at(self, now: datetime) -> datetime:
        """Return when an alert made *now* is shown: the user's quiet hours, else all users'."""
        quiet = self.user.quiet_hours or self.organization.quiet_hours
        return quiet.until(now) if quiet else now


def alerts_json(settings: AlertSettings) -> dict[str, Any]:
    """Return the settings in the form of the contract."""
    quiet = settings.quiet_hours
    return {
        "first_open": settings.first_open,
        "reply": settings.reply,
        "reminder": settings.reminder,
        "quiet_hours": None
        if quiet is None
        else {
            "from": f"{quiet.begin:%H:%M}",
            "to": f"{quiet.end:%H:%M}",
            "time_zone": quiet.time_zone,
        },
    }


def patched_alerts(settings: AlertSettings, changes: object, path: str = "") -> AlertSettings:
    """Return the settings with *changes* (RFC 7396); raises InvalidRequestError."""
    patch = Fields(changes, {*SWITCHES, "quiet_hours"}, path)
    switches: dict[str, Any] = {
        name: _read_switch(patch, name) for name in SWITCHES if name in patch
    }
    settings = replace(settings, **switches)
    if "quiet_hours" in patch:
        quiet = patch.optional_object("quiet_hours", _read_quiet_hours)
        settings = replace(settings, quiet_hours=quiet)
    return settings


def _read_switch(patch: Fields, name: str) -> bool | None:
    return None if patch.value[name] is None else patch.flag(name, default=True)


def _read_quiet_hours(value: object, path: str) -> QuietHours:
    fields = Fields(value, {"from", "to", "time_zone"}, path)
    zone = read_time_zone(fields, "time_zone")
    begin, end = fields.clock("from"), fields.clock("to")
    if begin == end:
        fields.wrong("to", "Quiet hours must end at another time than they begin.")
    return QuietHours(begin, end, zone)
