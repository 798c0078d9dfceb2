"""Messages for those who call the public surface."""

from __future__ import annotations

import pytest
from strangers import forget


@pytest.fixture(scope="module")
def seller(deployment):
    """One organization for all messages of a module."""
    return deployment.new_crm()


@pytest.fixture(scope="module")
def shared(seller):
    """A message."""
    return seller.sent()


@pytest.fixture
def message(shared):
    """That message, as if it had just been sent."""
    return forget(shared)


@pytest.fixture(scope="module")
def untouched(seller):
    """A message that stays without interactions: what is not its token must not count."""
    return seller.sent()


@pytest.fixture
def fresh(deployment):
    """An organization of the test's own: its settings, its keys of requests."""
    return deployment.new_crm()
