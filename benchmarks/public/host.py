"""Ours: the app of the environment's settings, served by the local host.

python -m benchmarks.public.serve host:host PORT WORKERS
"""

from __future__ import annotations

import os

from devserver.host import Host


def host() -> Host:
    """Return the local host; a process has one."""
    from function_app import app

    return Host(app, settings=os.environ)
