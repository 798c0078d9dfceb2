"""Load the app of the current folder in Microsoft's worker library, and print what came of it.

Run by the environment of the package, which knows nothing of this repository; the repository lends
the local host's way into the worker and is forgotten before the app is loaded.
"""

# ruff: noqa: T201  it talks to the check that started it

import asyncio
import json
import sys
from pathlib import Path


def main() -> None:
    """Print the functions, the modules and the files of the app's own as JSON."""
    repository = sys.argv[1]
    sys.path.append(repository)
    from devserver import worker

    sys.path.remove(repository)
    # Where the worker process of the Functions host has it; its library leaves the path alone.
    sys.path.insert(0, str(Path.cwd()))
    functions = asyncio.run(worker.load())
    own = ("engagement", "function_app")
    files = [
        str(Path(module.__file__).resolve())
        for name, module in sys.modules.items()
        if name.partition(".")[0] in own and module.__file__
    ]
    found = {
        "functions": sorted(
            (one.trigger["type"], one.name, one.trigger.get("route", "")) for one in functions
        ),
        "modules": sorted(sys.modules),
        "files": files,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
