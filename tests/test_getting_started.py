"""The page that a new user follows is typed as it stands, and does what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

from deployment import ADMIN_KEY, ROOT

BASH = shutil.which("bash") or "bash"
PAGE = ROOT / "docs" / "getting-started.md"


def commands():
    """What the page has typed, in its order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 7
    # Each answer ends its line, so that what was printed can be told apart.
    return "\n".join(f"{block}echo" for block in blocks)


def test_the_page_of_a_new_user_can_be_typed_as_it_stands(deployment, tmp_path):
    typed = subprocess.run(
        [BASH, "-euo", "pipefail", "-c", commands()],
        cwd=tmp_path,
        env={**os.environ, "API": f"{deployment.url}/api/v1", "ADMIN_KEY": ADMIN_KEY},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert typed.returncode == 0, typed.stderr
    sent = json.loads((tmp_path / "sent.json").read_text())
    assert sent["status"] == "sent"
    assert "/c/" in sent["copies"][0]["html_body"]
    assert '"follow_state": "followed"' in typed.stdout
    assert '"no_reply_by"' in typed.stdout
    assert '"now_is_good"' in typed.stdout
