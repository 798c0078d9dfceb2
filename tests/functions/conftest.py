"""Messages and visitors for those who call the public surface; a tenant for those who sign in."""

from __future__ import annotations

import pytest
from certificates import make_certificate
from deployment import Deployment
from entra_fake import EntraFake, bearer, signed
from sellers import Visitor
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


@pytest.fixture
def person(deployment):
    """A person with a browser."""
    return Visitor(deployment)


@pytest.fixture
def patient(deployment):
    """An organization for which all of a minute belongs together, however slow we are."""
    crm = deployment.new_crm()
    crm.set({"verdicts": {"burst_seconds": 60}})
    return crm


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    """Microsoft Entra, which this process trusts."""
    certificate = make_certificate(tmp_path_factory.mktemp("entra") / "c.pem")
    with pytest.MonkeyPatch.context() as patch, EntraFake(certificate) as fake:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        yield fake


@pytest.fixture(scope="module")
def signed_in(environment, tenant, tmp_path_factory):
    """A deployment that takes the tenant's tokens beside keys."""
    spill = {"ENGAGEMENT_SPILL_FOLDER": str(tmp_path_factory.mktemp("spill"))}
    with Deployment({**environment, **tenant.settings(**spill)}) as running:
        yield running


@pytest.fixture
def as_crm(tenant):
    """The headers of the CRM, an application that signs in."""
    return bearer(signed(tenant.application_claims()))


@pytest.fixture
def as_kim(tenant):
    """The headers of Kim, a seller who signs in."""
    return bearer(signed(tenant.user_claims()))
