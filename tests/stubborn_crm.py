"""A CRM that repeats each request, with its Idempotency-Key, until somebody answers it."""

from __future__ import annotations

import itertools
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from crash_site import Site
from deployment import Crm, draft_of, recipient

from engagement.domain.messages.message import IN_DOUBT

HTML = (
    '<p>Dear customer, <a href="https://contoso.example/offer">the offer</a>'
    ' and <a href="https://contoso.example/terms">the terms</a></p>'
)


@dataclass
class Story:
    """One message, and what the CRM was told became of it."""

    subject: str
    draft: dict[str, Any]
    files: dict[str, bytes]
    #: str, "" until the draft was acknowledged
    id: str = ""
    #: names of the files that were acknowledged
    attached: list[str] = field(default_factory=list)
    #: str, the status that was answered; "unknown" if the answer was that nobody knows
    told: str = ""
    replied: bool = False
    #: bool, whether it was deleted
    gone: bool = False


class StubbornCrm:
    """Makes messages with files, has them sent, and reports replies."""

    def __init__(self, site: Site, crm: Crm, seed: int) -> None:
        self.site = site
        self.crm = crm
        self.chance = random.Random(seed)  # noqa: S311 - any order will do
        self.numbers = itertools.count(1)
        self.stories: list[Story] = []
        #: how often a request had to be repeated
        self.repetitions = 0

    def work(self, over: threading.Event, pause: float) -> None:
        """Make one message after another until it is *over*; the last one is finished."""
        while not over.wait(pause):
            self.tell(self.new_story())

    def begin(self) -> None:
        """Have a message sent that waits for nothing, so that there is something to visit."""
        self.tell(self.new_story(0.0))

    def new_story(self, waiting: float = 0.3) -> Story:
        """A message that nobody else has the subject of; so many are *waiting* for a time."""
        chance, now = self.chance, datetime.now(UTC)
        subject = f"{self.crm.organization_id} {next(self.numbers)}"
        people = [recipient(f"p{n}@fabrikam.example") for n in range(chance.choice((1, 1, 1, 2)))]
        more: dict[str, Any] = {}
        if chance.random() < 0.3:
            more["reminder"] = {
                "condition": chance.choice(("at", "not_opened_by", "no_reply_by")),
                "remind_by": (now + timedelta(seconds=chance.uniform(20, 40))).isoformat(),
            }
        if chance.random() < waiting:
            more["send_at"] = (now + timedelta(seconds=chance.uniform(6, 18))).isoformat()
        if len(people) == 2:
            more["copies"] = "per_recipient"
        draft = draft_of(subject=subject, html_body=HTML, recipients=people, **more)
        files = {
            f"file-{n}.pdf": b"%PDF-1.7 " + chance.randbytes(chance.randrange(100_000))
            for n in range(chance.choice((0, 1, 1, 2)))
        }
        story = Story(subject, draft, files)
        self.stories.append(story)
        return story

    def tell(self, story: Story) -> None:
        """Have a message made, sent and answered."""
        made = self.ask("POST", "/messages", f"{story.subject} draft", json=story.draft)
        if made.status_code == 422:
            # Its time has passed before a host could be asked.
            assert made.json()["field"] in {"send_at", "reminder.remind_by"}, made.text
            return
        assert made.status_code == 201, made.text
        story.id = made.json()["id"]
        for name, data in story.files.items():
            self.attach(story, name, data)
        path = f"/messages/{story.id}"
        if self.chance.random() < 0.2:
            story.draft["html_body"] = HTML.replace("customer", "friend")
            change = {"html_body": story.draft["html_body"]}
            answer = self.ask("PATCH", path, "", json=change)
            assert answer.status_code == 200, answer.text
        if self.chance.random() < 0.1:
            # Whoever asks again may find that it is gone.
            assert self.ask("DELETE", path, "").status_code in {204, 404}
            story.gone = True
            return
        self.send(story)
        if story.told == "sent" and self.chance.random() < 0.2:
            reply = {"replied_by": "p0@fabrikam.example", "at": datetime.now(UTC).isoformat()}
            path = f"/messages/{story.id}/replies"
            answer = self.ask("POST", path, f"{story.subject} reply", json=reply)
            assert answer.status_code == 201, answer.text
            story.replied = True

    def attach(self, story: Story, name: str, data: bytes) -> None:
        """Attach a file to a draft."""
        answer = self.ask(
            "POST",
            f"/messages/{story.id}/attachments",
            f"{story.subject} {name}",
            params={"name": name, "followed": str(name == "file-0.pdf").lower()},
            content=data,
            content_type="application/pdf",
        )
        assert answer.status_code == 201, answer.text
        story.attached.append(name)

    def send(self, story: Story) -> None:
        """Have a message sent; what a killed host was at is left for later."""
        path = f"/messages/{story.id}/send"
        answer = self.ask("POST", path, f"{story.subject} send", json={"delivery": "smtp"})
        if answer.status_code == 409:
            # Somebody is at it, or was when the host was killed.
            story.told = "unknown" if answer.json()["detail"] == IN_DOUBT else ""
        else:
            assert answer.status_code == 200, answer.text
            story.told = answer.json()["status"]

    def ask(self, method: str, path: str, key: str, **options: Any) -> httpx.Response:
        """Ask until there is an answer that is not to try again."""
        content_type = options.pop("content_type", "application/json")
        headers = {"Idempotency-Key": key} if key else {}
        if not options.keys().isdisjoint({"json", "content"}):
            headers["Content-Type"] = content_type
        while True:
            self.site.up.wait()
            if self.site.closed:
                raise ConnectionError("There is no host any more.")
            try:
                answer = self.crm.call(method, path, headers=headers, **options)
            except httpx.TransportError:
                self.repetitions += 1
                continue
            if answer.status_code != 503:
                return answer
            self.repetitions += 1
            # As its Retry-After asks, only sooner.
            threading.Event().wait(0.05)
