"""What runs a function: one seam, here with a direct call, in worker.py with Microsoft's worker."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import azure.functions as func
from azure.functions.meta import Datum


@dataclass(frozen=True)
class Function:
    """One function of the app: its name and its bindings as the host sees them."""

    name: str
    trigger: Mapping[str, Any]
    answers_http: bool

    @property
    def kind(self) -> str:
        """The trigger's type, such as `httpTrigger`."""
        return str(self.trigger["type"])

    @property
    def parameter(self) -> str:
        """The name of the parameter that takes the trigger's input."""
        return str(self.trigger["name"])


class Runtime(Protocol):
    """The functions of an app and the way to call them."""

    @property
    def functions(self) -> Sequence[Function]:
        """All functions of the app."""
        ...

    async def invoke(
        self, function: Function, data: Datum, metadata: Mapping[str, Datum]
    ) -> Datum | None:
        """Call a function; its exception, or one that tells of it, is raised."""
        ...


def read_function(name: str, raw_bindings: Iterable[str]) -> Function:
    """Read a function from the bindings that the SDK writes for the host."""
    bindings: list[dict[str, Any]] = [json.loads(raw) for raw in raw_bindings]
    triggers = [binding for binding in bindings if binding["type"].endswith("Trigger")]
    others = [binding["type"] for binding in bindings if binding not in triggers]
    if len(triggers) != 1 or set(others) - {"http"}:
        raise ValueError(f"The local host cannot serve {name}: its bindings are {bindings}.")
    return Function(name, triggers[0], "http" in others)


class DirectRuntime:
    """Calls the functions of an app object in this process."""

    def __init__(self, app: func.FunctionApp) -> None:
        loaded = {str(one.get_function_name()): one for one in app.get_functions()}
        self.functions = [
            read_function(name, one.get_raw_bindings()) for name, one in loaded.items()
        ]
        self.handlers: dict[str, Callable[..., Any]] = {
            name: one.get_user_function() for name, one in loaded.items()
        }
        for function in self.functions:
            self.check(function)

    def check(self, function: Function) -> None:
        """Refuse a function whose parameters the worker would refuse as well."""
        parameters = set(inspect.signature(self.handlers[function.name]).parameters)
        if parameters != {function.parameter}:
            raise ValueError(
                f"{function.name} takes {sorted(parameters)}, but its trigger's argument name "
                f"is {function.parameter!r}."
            )

    async def invoke(
        self, function: Function, data: Datum, metadata: Mapping[str, Datum]
    ) -> Datum | None:
        """Call a function with the converters that the worker uses."""
        converters = func.get_binding_registry()
        argument = converters.get(function.kind).decode(data, trigger_metadata=metadata)
        handler = self.handlers[function.name]
        if inspect.iscoroutinefunction(handler):
            result = await handler(**{function.parameter: argument})
        else:
            result = await asyncio.to_thread(handler, **{function.parameter: argument})
        if function.answers_http:
            encoded: Datum = converters.get("http").encode(result, expected_type=None)
            return encoded
        if result is not None:
            raise RuntimeError(f"{function.name} has no output but returned a value.")
        return None
