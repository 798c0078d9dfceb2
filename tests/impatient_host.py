"""The local host, which shows again soon what a killed one had taken from a queue.

The real one hides what it takes for ten minutes; so long no test can wait.
"""

from __future__ import annotations

import os
import sys

from devserver import queues
from devserver.__main__ import main

if __name__ == "__main__":
    queues.LEASE_SECONDS = int(os.environ["LEASE_SECONDS"])
    sys.exit(main())
