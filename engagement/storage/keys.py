"""Names of tables, containers, partitions and rows: the schema of a store without one.

Rows of a message's partition begin with a digit, so that the head, its recipients, attachments
and links are one contiguous range, and its interactions, newest first, are another.
"""

from __future__ import annotations

from datetime import datetime

REGISTRY = "organizations"
ORGANIZATION_ROW = "organization"
API_KEY_PREFIX = "key-"

SETTINGS_PARTITION = "settings"
SETTINGS_ROW = "settings"

HEAD = "0-head"
RECIPIENT = "1-recipient-"
ATTACHMENT = "2-attachment-"
LINK = "3-link-"
#: First row key behind the head, recipients, attachments and links.
STATIC_END = "4"
REQUEST = "4-request-"
INTERACTION = "5-interaction-"
INTERACTION_END = "6"

QUEUE = "interactions"


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
    return f"changed-{at:%Y%m%d%H%M}"


def blob(day: datetime, message_id: str, nonce: str) -> str:
    """Name of a blob; the day comes first, so that recent ones can be listed alone."""
    return f"{day:%Y-%m-%d}/{message_id}/{nonce}"
