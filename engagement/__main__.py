"""``python -m engagement``: what an administrator does from a terminal."""

import os
import sys

from engagement.cli.main import main
from engagement.cli.terminal import FAILED, Terminal

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], Terminal(sys.stdin, sys.stdout, sys.stderr, os.environ)))
    except BrokenPipeError:
        # Whoever reads has read enough, as head does; nothing is left to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
