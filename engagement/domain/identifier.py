"""What identifiers look like: those that the app makes up for keys and tokens, and Entra's."""

from __future__ import annotations

import re

#: Names an organization's table and container; 64 random bits.
ORGANIZATION_KEY = re.compile(r"[0-9a-f]{16}")
#: Partition of a message; 96 bits.
MESSAGE_ID = re.compile(r"[0-9a-f]{24}")
#: Of tenants, applications and users, as Microsoft Entra writes them.
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
