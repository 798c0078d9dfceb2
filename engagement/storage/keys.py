"""Names of tables, containers, partitions and rows: the schema of a store without one.

Rows of a message's partition begin with a digit, so that the head, its recipients, attachments
and links are one contiguous range, and its interactions, newest first, are another.
"""

from __future__ import annotations

from datetime import date, datetime

REGISTRY = "organizations"
ORGANIZATION_ROW = "organization"
API_KEY_PREFIX = "key-"

SETTINGS_PARTITION = "settings"
SETTINGS_ROW = "settings"

#: Beginning of the partitions of markers.
CHANGED = "changed-"
#: Partition of the days whose rollups have to be recomputed.
STALE_DAYS = "stale-days"
#: Partition of the rollups.
ROLLUPS = "rollups"
#: Partition of what became of all messages of each template.
TEMPLATE_TOTALS = "template-totals"

#: Partition of what users chose for themselves.
USERS = "users"

HEAD = "0-head"
RECIPIENT = "1-recipient-"
ATTACHMENT = "2-attachment-"
LINK = "3-link-"
#: First row key behind the head, recipients, attachments and links.
STATIC_END = "4"
FIRST_OPEN = "4-alert-open"
#: Which days a message adds something to.
DAYS = "4-days"
REQUEST = "4-request-"
INTERACTION = "5-interaction-"
#: Sorts behind all of them and before whatever else begins with a 5.
INTERACTION_END = "5-interaction."

INTERACTIONS_QUEUE = "interactions"
JUDGEMENTS_QUEUE = "judgements"


def table(organization: str) -> str:
    """Name of an organization's table."""
    return f"org{organization}"


def container(organization: str) -> str:
    """Name of an organization's blob container."""
    return f"org-{organization}"


def recipient(number: int) -> str:
    """Row key of a recipient."""
    return f"{RECIPIENT}{number:04d}"


def attachment(number: int) -> str:
    """Row key of an attachment."""
    return f"{ATTACHMENT}{number:04d}"


def link(number: int) -> str:
    """Row key of a link."""
    return f"{LINK}{number:04d}"


def marker_partition(at: datetime) -> str:
    """Partition of the markers that say which messages changed in one minute."""
    return f"{CHANGED}{at:%Y%m%d%H%M}"


def alerts(user_key: str) -> str:
    """Partition of a user's alerts, by what stands for the user."""
    return f"alerts-{user_key}"


def blob(day: datetime, message_id: str, nonce: str) -> str:
    """Name of a blob; the day comes first, so that recent ones can be listed alone."""
    return f"{day:%Y-%m-%d}/{message_id}/{nonce}"


def contributions(on: date) -> str:
    """Partition of what messages add to a day."""
    return f"day-{day(on)}"


def day(on: date) -> str:
    """Name of a day inside a key; sorts by time."""
    return on.isoformat().replace("-", "")
