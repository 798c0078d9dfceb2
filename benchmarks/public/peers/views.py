"""pytracking's views, which store a row of each hit, as its manual asks of whoever uses it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from pytracking.django import ClickTrackingView, OpenTrackingView

from benchmarks.public.peers.models import Event


class Stored:
    """Stores what it is told of."""

    def notify_tracking_event(self, found: Any) -> None:
        """Store a row."""
        Event.objects.create(
            is_open=found.is_open_tracking,
            message=found.metadata["message"],
            recipient=found.metadata["recipient"],
            url=found.tracked_url or "",
            user_agent=found.request_data["user_agent"],
            address=found.request_data["user_ip"],
        )


class OpenView(Stored, OpenTrackingView):  # type: ignore[misc]
    """The pixel."""


class ClickView(Stored, ClickTrackingView):  # type: ignore[misc]
    """The redirect."""


def health(_: HttpRequest) -> HttpResponse:
    """Tell that this serves."""
    return HttpResponse()
