"""The main job through Microsoft's own worker library, which is what runs the app on Azure."""

from __future__ import annotations

import sys

import pytest
from deployment import HostProcess, settings, wait_until


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the worker library needs Python 3.13")
def test_a_message_is_followed_through_microsofts_worker(azurite, mailbox, tmp_path):
    environment = settings(
        azurite.connection_string,
        ENGAGEMENT_SMTP_HOST="127.0.0.1",
        ENGAGEMENT_SMTP_PORT=str(mailbox.port),
        ENGAGEMENT_SMTP_SECURITY="none",
        ENGAGEMENT_SPILL_FOLDER=str(tmp_path),
    )
    with HostProcess(environment, "--worker") as host:
        crm = host.new_crm()
        message = crm.sent_with_attachment()

        assert len(host.get(message.pixel).content) == 43
        assert host.get(message.link).headers["location"].startswith("https://contoso.example/")
        assert host.get(message.file).content == b"%PDF-1.7 offer"
        assert host.request("HEAD", message.file).headers["content-length"] == "14"
        assert host.get("/c/broken").status_code == 404
        assert host.request("POST", message.pixel).status_code == 405
        assert crm.call("POST", "/messages", content=b"{").status_code == 400
        types = [item["type"] for item in message.acts() if item["verdict"] == "person"]
        assert types == ["attachment_view", "click", "open"]

        crm.send(crm.draft()["id"], "smtp")
        wait_until(lambda: any(b"Contract" in envelope.content for envelope in mailbox.envelopes))
