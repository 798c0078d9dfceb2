"""The rules of a webhook's URL, and what is refused before anything is looked up."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.webhooks.webhook_url import check_webhook_url
from engagement.errors import UnprocessableError

REFUSED = [
    "http://hooks.contoso.com/",
    "ftp://hooks.contoso.com/",
    "file:///etc/passwd",
    "gopher://hooks.contoso.com/",
    "javascript:alert(1)",
    "//hooks.contoso.com/",
    "hooks.contoso.com",
    "https:hooks.contoso.com",
    "https:///hook",
    "https://:443/",
    "https://hooks.contoso.com:80/",
    "https://hooks.contoso.com:8443/",
    "https://hooks.contoso.com:0/",
    "https://hooks.contoso.com:99999/",
    "https://hooks.contoso.com:44\u0663/",
    "https://user@hooks.contoso.com/",
    "https://user:pw@hooks.contoso.com/",
    "https://hooks.contoso.com@127.0.0.1/",
    "https://127.0.0.1\\@hooks.contoso.com/",
    "https://hooks.contoso.com/#top",
    "https://hooks.contoso.com#@127.0.0.1/",
    "https://hooks.contoso.com/\r\nHost: 127.0.0.1",
    "https://hooks.contoso.com/%0d%0a\nx",
    "https://hooks.contoso.com/a b",
    "https://hooks.\tcontoso.com/",
    "https://hooks.contoso.com/\0",
    "https://hooks.contoso.com/" + "x" * 2_000,
    "https://127.0.0.1/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://169.254.169.254/metadata/instance",
    "https://169.254.129.5/msi/token",
    "https://168.63.129.16/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://1.2.3.4.5/",
    "https://hooks.contoso.0x7f/",
    "https://8.8.8.8./",
    "https://127.0.0.1./",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://\u0661\u0662\u0667.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://intranet/",
    "https://metadata.google.internal/",
    "https://vm.internal.cloudapp.internal/",
    "https://printer.local/",
    "https://router.home.arpa/",
    "https://hooks..contoso.com/",
    "https://.contoso.com/",
    "https://hooks.contoso.com./",
    "https://ex%61mple.com/",
    "https://[::1/",
    "https://[127.0.0.1]/",
    "https://$(id).contoso.com/",
]
ACCEPTED = {
    "https://hooks.contoso.com": "https://hooks.contoso.com/",
    "https://Hooks.Contoso.COM:443/In?a=1&b=%2f": "https://hooks.contoso.com:443/In?a=1&b=%2f",
    "https://b\u00fccher.example/\u00e9": "https://xn--bcher-kva.example/%C3%A9",
    "https://8.8.8.8/hook": "https://8.8.8.8/hook",
    "https://[2606:4700::1111]/hook": "https://[2606:4700::1111]/hook",
    "https://1password.example/": "https://1password.example/",
    "https://a_b.contoso.com/": "https://a_b.contoso.com/",
}
#: For one machine only.
LOCAL = ["http://localhost:5000/hook", "http://127.0.0.1/", "http://[::1]:8080/", "https://nas/"]


@pytest.mark.parametrize("url", REFUSED)
def test_S3_a_hostile_url_is_refused_before_anything_is_called(url):
    with pytest.raises(UnprocessableError) as caught:
        check_webhook_url(url, "url", allow_private=False)
    assert (caught.value.field, caught.value.status) == ("url", 422)


@pytest.mark.parametrize(("url", "called"), ACCEPTED.items())
def test_B83_a_url_is_kept_as_it_is_called(url, called):
    assert check_webhook_url(url, "url", allow_private=False) == called
    assert check_webhook_url(called, "url", allow_private=False) == called


@pytest.mark.parametrize("url", LOCAL)
def test_B83_private_urls_need_the_setting(url):
    assert check_webhook_url(url, "url", allow_private=True) == url
    with pytest.raises(UnprocessableError):
        check_webhook_url(url, "url", allow_private=False)


@pytest.mark.parametrize(
    "url", ["ftp://localhost/", "http://user@localhost/", "http://localhost/#a", "http:// /", ""]
)
def test_B83_the_setting_opens_addresses_and_nothing_else(url):
    with pytest.raises(UnprocessableError):
        check_webhook_url(url, "url", allow_private=True)


PIECES = st.sampled_from(
    ["https://", "http://", "//", "@", "127.0.0.1", "localhost", ".", ":", "443", "/", "\\", "["]
) | st.sampled_from(
    ["]", "::1", "contoso.com", "%00", "#", "?", "0x7f", "1", "\u3002", "\u00fc", "\uff0e", "xn--"]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=60))
def test_S3_whatever_passes_has_a_plain_public_host(url):
    try:
        called = check_webhook_url(url, "url", allow_private=False)
    except UnprocessableError:
        return
    parts = urlsplit(called)
    assert re.fullmatch(r"[!-~]+", called)
    assert parts.scheme == "https"
    assert parts.port in {None, 443}
    assert not parts.username
    assert not parts.fragment
    assert parts.hostname not in {"127.0.0.1", "localhost", "::1"}
    assert "." in parts.hostname or ":" in parts.hostname
