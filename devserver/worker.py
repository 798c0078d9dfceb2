"""The app's functions through Microsoft's worker library, which is stricter than a direct call."""

import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions.meta import Datum

from devserver.runtime import Call, Function, read_trigger
from devserver.settings import StartError

SUCCESS = 1


class Protos:
    """Stands in for the worker's protobuf module: messages that only carry their fields."""

    StatusResult = type("StatusResult", (SimpleNamespace,), {"Failure": 0, "Success": SUCCESS})
    BindingInfo = type("BindingInfo", (SimpleNamespace,), {"undefined": 0, "out": 1, "inout": 2})

    def __getattr__(self, name: str) -> type[SimpleNamespace]:
        return SimpleNamespace


def caller(function_id: str, parameter: str) -> Call:
    """Give the call of one function, made as the worker does it for the real host."""
    from azure_functions_runtime.native_invocation import invocation_request_native

    async def call(data: Datum, metadata: Mapping[str, Datum]) -> Datum | None:
        succeeded, value, _, text, _ = await invocation_request_native(
            str(uuid.uuid4()), function_id, [(parameter, data)], dict(metadata)
        )
        if not succeeded:
            # The library has logged the traceback.
            raise RuntimeError(text)
        result: Datum | None = value
        return result

    return call


async def load() -> list[Function]:
    """Load function_app.py of the current folder the way the worker starts; once per process."""
    if sys.version_info < (3, 13):
        raise StartError("Microsoft's worker library needs Python 3.13 or newer.")
    import azure_functions_runtime as library

    library.start_threadpool_executor()
    start = SimpleNamespace(capabilities={}, function_app_directory=str(Path.cwd()))
    request: Any = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=start),
        properties={"host": "127.0.0.1", "protos": Protos()},
    )
    started = await library.worker_init_request(request)
    if started.result.status != SUCCESS:
        raise StartError(started.result.exception.stack_trace)
    functions = []
    for one in (await library.functions_metadata_request(request)).function_metadata_results:
        trigger = read_trigger(one.name, one.raw_bindings)
        functions.append(Function(one.name, trigger, caller(one.function_id, trigger["name"])))
    return functions
