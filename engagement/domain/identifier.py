"""What the identifiers look like that the app makes up, and that stand in keys and tokens."""

from __future__ import annotations

import re

#: Names an organization's table and container; 64 random bits.
ORGANIZATION_KEY = re.compile(r"[0-9a-f]{16}")
#: Partition of a message; 96 bits.
MESSAGE_ID = re.compile(r"[0-9a-f]{24}")
