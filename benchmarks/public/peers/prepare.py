"""Make the tables, send messages with each package, print the paths of their tracked URLs as JSON.

python -m benchmarks.public.peers.prepare NUMBER_OF_MESSAGES
"""

# ruff: noqa: T201  its output is its result

from __future__ import annotations

import html
import json
import os
import re
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.public.peers.settings")
django.setup()

import pytracking  # noqa: E402 - Django has to be set up first
from django.conf import settings  # noqa: E402
from django.core import mail  # noqa: E402
from django.core.management import call_command  # noqa: E402

from benchmarks.public.preparing import DRAFT, LINK  # noqa: E402

HOST = "http://links.contoso.example"


def by_pytracking(number: int) -> dict[str, list[str]]:
    """Return the paths that pytracking makes."""
    configuration = settings.PYTRACKING_CONFIGURATION
    paths: dict[str, list[str]] = {"open": [], "click": []}
    for message in range(number):
        told = {"message": f"{message:024x}", "recipient": 1}
        paths["open"].append(pytracking.get_open_tracking_url(metadata=told, **configuration))
        paths["click"].append(
            pytracking.get_click_tracking_url(LINK, metadata=told, **configuration)
        )
    return paths


def by_mail_analytics(number: int) -> dict[str, list[str]]:
    """Send messages as the package asks for it; return the paths that it put into them."""
    paths: dict[str, list[str]] = {"open": [], "click": []}
    for message in range(number):
        subject, sender = f"{message} {DRAFT['subject']}", "seller@contoso.example"
        letter = mail.EmailMultiAlternatives(subject, "", sender, ["ann@fabrikam.example"])
        letter.attach_alternative(f"<body>{DRAFT['html_body']}</body>", "text/html")
        letter.send()
        body = str(letter.alternatives[0][0])
        paths["open"] += re.findall(r'src="([^"]+)"', body)
        paths["click"] += re.findall(r'href="([^"]+)"', body)
    return paths


def main() -> None:
    """Prepare both."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    number = int(sys.argv[1])
    made = {
        "pytracking": by_pytracking(number),
        "django-mail-analytics": by_mail_analytics(number),
    }
    for paths in made.values():
        for kind, urls in paths.items():
            paths[kind] = [html.unescape(url).removeprefix(HOST) for url in urls]
    print(json.dumps(made))


if __name__ == "__main__":
    main()
