"""The app's functions as the host sees them, called directly; worker.py has the other way."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

Call = Callable[[Datum, Mapping[str, Datum]], Awaitable[Datum | None]]


@dataclass(frozen=True)
class Function:
    """A function's name, its trigger's binding, and the call with the trigger's input."""

    name: str
    trigger: Mapping[str, Any]
    call: Call


def read_trigger(name: str, raw_bindings: Iterable[str]) -> dict[str, Any]:
    """Find the trigger among the bindings that the SDK writes for the host."""
    bindings: list[dict[str, Any]] = [json.loads(raw) for raw in raw_bindings]
    trigger, *others = sorted(bindings, key=lambda one: not one["type"].endswith("Trigger"))
    if any(one["type"] != "http" for one in others):
        raise ValueError(f"The local host serves no bindings but triggers: {name} has {others}.")
    return trigger


def load(app: func.FunctionApp) -> list[Function]:
    """Give the functions of an app object, called with the converters that the worker uses."""
    return [read_function(one) for one in app.get_functions()]


def read_function(one: Any) -> Function:
    """Give a function of the SDK; ValueError for a parameter that the worker would refuse."""
    name, handler = one.get_function_name(), one.get_user_function()
    trigger = read_trigger(name, one.get_raw_bindings())
    parameters, parameter = list(inspect.signature(handler).parameters), trigger["name"]
    if parameters != [parameter]:
        raise ValueError(f"{name} takes {parameters}, but its argument name is {parameter!r}.")
    converters = func.get_binding_registry()
    is_async = inspect.iscoroutinefunction(handler)

    async def call(data: Datum, metadata: Mapping[str, Datum]) -> Datum | None:
        argument = converters.get(trigger["type"]).decode(data, trigger_metadata=metadata)
        if is_async:
            result = await handler(argument)
        else:
            result = await asyncio.to_thread(handler, argument)
        if trigger["type"] != "httpTrigger":
            return None
        answer: Datum = converters.get("http").encode(result, expected_type=None)
        return answer

    return Function(name, trigger, call)
