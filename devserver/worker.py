"""Runs the app through Microsoft's own worker library, which finds what a direct call forgives."""

import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions.meta import Datum

from devserver.runtime import Function, read_function


class WorkerError(RuntimeError):
    """The worker library is absent, could not load the app, or a function in it failed."""


class Protos:
    """Stands in for the worker's protobuf module: messages that only carry their fields."""

    class StatusResult(SimpleNamespace):
        """Whether a step of the worker succeeded."""

        Failure, Success = 0, 1

    class BindingInfo(SimpleNamespace):
        """The enums of a binding; the loader compares with them."""

        undefined, out, inout = 0, 1, 2

    def __getattr__(self, name: str) -> type[SimpleNamespace]:
        return SimpleNamespace


class WorkerRuntime:
    """Calls functions through `azure-functions-runtime`; one app per process."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.ids = {function.name: function_id for function_id, function in functions.items()}
        self.functions = list(functions.values())

    async def invoke(
        self, function: Function, data: Datum, metadata: Mapping[str, Datum]
    ) -> Datum | None:
        """Call a function as the worker does for the real host."""
        from azure_functions_runtime.native_invocation import (
            invocation_request_native,
        )

        succeeded, value, _, text, _ = await invocation_request_native(
            str(uuid.uuid4()), self.ids[function.name], [(function.parameter, data)], dict(metadata)
        )
        if not succeeded:
            # The library has logged the traceback.
            raise WorkerError(text)
        result: Datum | None = value
        return result


async def load(folder: Path) -> WorkerRuntime:
    """Load function_app.py of a folder the way the worker starts; WorkerError says what failed."""
    if sys.version_info < (3, 13):
        raise WorkerError("Microsoft's worker library needs Python 3.13 or newer.")
    import azure_functions_runtime as library

    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    library.start_threadpool_executor()
    start = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
    request: Any = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=start),
        properties={"host": "127.0.0.1", "protos": Protos()},
    )
    started = await library.worker_init_request(request)
    if started.result.status != Protos.StatusResult.Success:
        raise WorkerError(started.result.exception.stack_trace)
    indexed = await library.functions_metadata_request(request)
    if indexed.function_metadata_results is None:
        raise WorkerError(f"There is no function_app.py with functions in {folder}.")
    return WorkerRuntime(
        {
            one.function_id: read_function(one.name, one.raw_bindings)
            for one in indexed.function_metadata_results
        }
    )


async def check(folder: Path) -> int:
    """Print the functions that the worker finds, or why it finds none; give the exit status."""
    try:
        runtime = await load(folder)
    except WorkerError as error:
        print(error)
        return 1
    for function in sorted(runtime.functions, key=lambda one: one.name):
        print(f"{function.kind:14} {function.name} {function.trigger.get('route', '')}".rstrip())
    return 0
