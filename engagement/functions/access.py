"""Who may call a route, said of every handler: none is served without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

import azure.functions as func

from engagement.functions.web import answer

Wrapped = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


class Access(StrEnum):
    """Who may call a route."""

    ANYONE = "anyone"
    ADMINISTRATOR = "administrator"
    #: with a key of the organization in the path, or as an application that it has named
    ORGANIZATION = "organization"
    #: either of the two
    MANAGER = "administrator or organization"
    #: the organization, and its sellers as far as what they ask for is their own
    SELLER = "organization or seller"


def anyone(handler: Wrapped) -> Wrapped:
    """Let everybody through."""
    return wrapped(handler, handler, Access.ANYONE)


def wrapped(handler: Callable[..., Any], check: Wrapped, access: Access) -> Wrapped:
    """Return a function that the Functions worker can index, named like *handler*."""

    async def function(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(check, req)

    function.__name__ = function.__qualname__ = handler.__name__
    function.__doc__ = handler.__doc__
    # Read by the test that holds every route against the list of public ones.
    function.access = access  # type: ignore[attr-defined]
    return function
