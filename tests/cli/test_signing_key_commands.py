"""Rotation and revocation, wherever the list is kept, and with two instances of a deployment."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import make_certificate
from deployment import SIGNING_KEY, Deployment
from vault_fake import VaultFake

from engagement.domain.signing_key import SigningKey, read_signing_keys, write_signing_keys

FIRST = f"1:{SIGNING_KEY}"
SECRET = "signing-keys"


def signed_by(message):
    """Id of the key that signed a message's pixel."""
    return base64.urlsafe_b64decode(message.pixel.split("/")[-1][:60])[1]


def kept(file):
    """The list in a settings file."""
    return json.loads(file.read_text())["Values"]["ENGAGEMENT_SIGNING_KEYS"]


@pytest.fixture
def file(tmp_path):
    """A settings file with one key."""
    path = tmp_path / "local.settings.json"
    values = {"ENGAGEMENT_SIGNING_KEYS": FIRST, "ENGAGEMENT_SURFACE": "all", "other": "é"}
    path.write_text(json.dumps({"IsEncrypted": False, "Values": values, "Host": {"a": 1}}))
    path.chmod(0o600)
    return path


def test_a_new_list_is_random_and_stands_alone(run):
    made = [run("signing-keys", "new") for _ in range(2)]

    assert made[0].out != made[1].out
    assert len(read_signing_keys(made[0].out.strip())[1].key) == 32
    assert made[0].err == ""


def test_a_rotation_adds_a_key_that_waits_a_day_and_an_hour(run, file):
    before = datetime.now(UTC)
    rotated = run("signing-keys", "rotate", "--settings", file)
    keys = read_signing_keys(kept(file))

    assert (rotated.code, rotated.out) == (0, "")
    assert keys[1] == read_signing_keys(FIRST)[1]
    assert timedelta(hours=24) < keys[2].begins_at - before <= timedelta(hours=25)
    document = json.loads(file.read_text())
    assert document["Host"] == {"a": 1}
    assert document["Values"]["other"] == "é"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_one_rotation_at_a_time(run, file):
    run("signing-keys", "rotate", "--settings", file)
    listed = kept(file)
    again = run("signing-keys", "rotate", "--settings", file)

    assert again.code == 1
    assert "Key 2 waits until" in again.err
    assert kept(file) == listed


def test_signing_at_once_is_asked_for_as_instances_may_not_know_the_key(run, file):
    command = ("signing-keys", "rotate", "--settings", file, "--at", "now")
    asked = run(*command)

    assert asked.code == 2
    assert "have both apps read it at once" in asked.err
    assert kept(file) == FIRST
    assert run(*command, typed="yes\n").code == 0
    listed = run("signing-keys", "list", "--settings", file).out
    assert [line.split()[2] for line in listed.splitlines()[1:]] == ["verifies", "signs"]


@pytest.mark.parametrize("at", ["2020-01-01T00:00Z", "tomorrow", "2090-01-01T00:00"])
def test_a_time_that_is_past_or_none_is_refused(run, file, at):
    assert run("signing-keys", "rotate", "--settings", file, "--at", at, "--yes").code == 2
    assert kept(file) == FIRST


def test_S15_listing_shows_states_and_no_key(run, file):
    run("signing-keys", "rotate", "--settings", file)
    shown = run("signing-keys", "list", "--settings", file)
    values = json.loads(run("signing-keys", "list", "--settings", file, "--json").out)

    assert [(one["id"], one["state"]) for one in values] == [(1, "signs"), (2, "waits")]
    for entry in kept(file).split(","):
        assert entry.split(":")[1] not in shown.out + json.dumps(values)


def test_what_signs_is_not_revoked(run, file):
    only = run("signing-keys", "revoke", "1", "--settings", file, "--yes")
    run("signing-keys", "rotate", "--settings", file)
    signing = run("signing-keys", "revoke", "1", "--settings", file, "--yes")

    assert (only.code, signing.code) == (1, 1)
    assert "only key" in only.err
    assert "signs now" in signing.err
    assert run("signing-keys", "revoke", "3", "--settings", file, "--yes").code == 1


def test_revoking_says_what_stops_and_asks(run, file):
    run("signing-keys", "rotate", "--settings", file, "--at", "now", "--yes")
    command = ("signing-keys", "revoke", "1", "--settings", file)
    asked = run(*command, typed="no\n")

    assert asked.code == 1
    assert "every link" in asked.err
    assert "rotate-secret" in asked.err
    assert run(*command, typed="yes\n").code == 0
    assert set(read_signing_keys(kept(file))) == {2}


def test_a_key_that_waits_may_be_taken_back(run, file):
    run("signing-keys", "rotate", "--settings", file)

    assert run("signing-keys", "revoke", "2", "--settings", file, "--yes").code == 0
    assert kept(file) == FIRST


def test_ids_end_at_255(run):
    full = write_signing_keys([SigningKey(255, bytes(range(32)))])
    rotated = run("signing-keys", "rotate", "--stdin", piped=full)

    assert (rotated.code, rotated.out) == (1, "")


def test_a_list_may_be_piped_through(run):
    rotated = run("signing-keys", "rotate", "--stdin", piped=f"{FIRST}\n")

    assert set(read_signing_keys(rotated.out.strip())) == {1, 2}
    assert rotated.out.startswith(f"{FIRST},2:")
    # Nobody can be asked by a pipe.
    later = run("signing-keys", "rotate", "--stdin", "--at", "now", piped=FIRST)
    assert (later.code, later.out) == (2, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Nothing was piped in"),
        ("1:short", "ENGAGEMENT_SIGNING_KEYS: key 1"),
        ("@Microsoft.KeyVault(SecretUri=x)", "a key id is a number"),
    ],
)
def test_a_list_that_is_none_is_refused(run, text, told):
    refused = run("signing-keys", "rotate", "--stdin", piped=text)

    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err


def test_a_file_with_a_reference_is_left_alone(run, file):
    text = file.read_text().replace(FIRST, "@Microsoft.KeyVault(VaultName=v;SecretName=s)")
    file.write_text(text)
    refused = run("signing-keys", "rotate", "--settings", file)

    assert refused.code == 2
    assert "use --vault" in refused.err
    assert file.read_text() == text
    assert run("signing-keys", "list", "--settings", Path("missing.json")).code == 2


@pytest.fixture
def vault(tmp_path, monkeypatch):
    """A vault with the list of a deployment."""
    with VaultFake(make_certificate(tmp_path / "vault.pem")) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        fake.put(SECRET, FIRST)
        yield fake


def test_a_list_in_key_vault_is_rotated_and_revoked(run, vault):
    where = ("--vault", vault.url)
    rotated = run("signing-keys", "rotate", *where, "--at", "now", "--yes")
    revoked = run("signing-keys", "revoke", "1", *where, "--yes")
    listed = json.loads(run("signing-keys", "list", *where, "--json").out)

    assert (rotated.code, revoked.code) == (0, 0)
    assert "within 24 hours" in rotated.err
    assert [(one["id"], one["state"]) for one in listed] == [(2, "signs")]
    assert [set(read_signing_keys(value)) for value in vault.values(SECRET)] == [{1}, {1, 2}, {2}]


def test_two_administrators_do_not_undo_each_other(run, vault):
    vault.before_write = lambda name: vault.put(name, FIRST)
    told = run("signing-keys", "rotate", "--vault", vault.url)

    assert told.code == 1
    assert "at the same time" in told.err


def test_what_the_vault_refuses_is_told_with_what_to_do(run, vault):
    vault.may_write = False
    refused = run("signing-keys", "rotate", "--vault", vault.url)
    missing = run("signing-keys", "list", "--vault", vault.url, "--secret", "another")

    assert refused.code == 1
    assert "Key Vault Secrets Officer" in refused.err
    assert (missing.code, "no such secret" in missing.err) == (1, True)
    assert SIGNING_KEY not in refused.err


def test_F21_no_link_is_lost_while_one_instance_knows_the_new_key_and_another_does_not(
    run, environment
):
    """The old instance answers what the new one signs before the time, and neutrally after it."""
    soon = run("signing-keys", "rotate", "--stdin", piped=FIRST).out.strip()
    at_once = run("signing-keys", "rotate", "--stdin", "--at", "now", "--yes", piped=FIRST)
    with (
        Deployment(environment) as old,
        Deployment({**environment, "ENGAGEMENT_SIGNING_KEYS": soon}) as new,
        Deployment({**environment, "ENGAGEMENT_SIGNING_KEYS": at_once.out.strip()}) as hasty,
    ):
        message = new.new_crm().sent()
        assert signed_by(message) == 1
        assert old.get(message.link).status_code == 302

        rushed = hasty.new_crm().sent()
        assert signed_by(rushed) == 2
        assert hasty.get(rushed.link).status_code == 302
        # One that knows the key verifies it before its time.
        assert old.get(rushed.link).status_code == 404
        assert old.get(rushed.pixel).status_code == 200
        assert rushed.acts("open") == []
