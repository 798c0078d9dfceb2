"""``python -m engagement``: what an administrator does from a terminal."""

import os
import sys

from engagement.cli.main import main
from engagement.cli.terminal import Terminal

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Terminal(sys.stdin, sys.stdout, sys.stderr, os.environ)))
