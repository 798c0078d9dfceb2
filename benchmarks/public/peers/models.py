"""The row of a hit that pytracking tells of; the package itself stores nothing."""

from __future__ import annotations

from django.db import models


class Event(models.Model):  # type: ignore[misc]
    """An open or a click."""

    at = models.DateTimeField(auto_now_add=True)
    is_open = models.BooleanField()
    #: by which a timeline would be read
    message = models.CharField(max_length=40, db_index=True)
    recipient = models.IntegerField()
    url = models.CharField(max_length=2048)
    user_agent = models.CharField(max_length=512)
    address = models.GenericIPAddressField(null=True)

    def __str__(self) -> str:
        return f"{'open' if self.is_open else 'click'} of {self.message}"
