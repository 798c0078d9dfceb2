"""The connection string of an emulator: what is wrong with it is named, and it is not quoted."""

from __future__ import annotations

import pytest

from engagement.config import DataAccount
from engagement.errors import ConfigurationError
from engagement.storage.account import Account
from engagement.storage.wire import Wire

RIGHT = (
    "AccountName=dev;AccountKey=c2VjcmV0;TableEndpoint=http://127.0.0.1:10002/dev;"
    "QueueEndpoint=http://[::1]:10001/dev/"
)


def wire(text):
    return Wire(Account(DataAccount(text, None, None, None, None)))


def test_the_parts_that_are_needed_may_stand_in_any_order_with_others():
    assert wire(f"Other=1; {RIGHT} ;").name == "dev"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("AccountName=dev", "AccountName=", "lacks AccountName"),
        ("c2VjcmV0", "secret!", "key is not base64"),
        ("http://127.0.0.1:10002/dev", "/", "TableEndpoint is no URL"),
        ("http://127.0.0.1:10002/dev", "127.0.0.1:10002/dev", "TableEndpoint is no URL"),
        ("http://[::1]:10001/dev/", "http://a:port/dev", "QueueEndpoint is no URL"),
        ("http://[::1]:10001/dev/", "http:///dev", "QueueEndpoint is no URL"),
    ],
)
def test_F17_what_is_wrong_is_named_and_not_quoted(old, new, said):
    with pytest.raises(ConfigurationError, match=said) as error:
        wire(RIGHT.replace(old, new))
    assert new not in str(error.value) or new == "/"
