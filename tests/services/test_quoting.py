"""A message that quotes an earlier one: its links and pixel are the new message's own."""

from __future__ import annotations


def test_P2_rewriting_what_was_rewritten_changes_only_whose_it_is(crm, deployment):
    first = crm.sent()
    second = crm.sent(html_body=first.html)

    assert second.html.count("<img ") == 1
    assert first.pixel not in second.html
    assert second.html.replace(second.pixel, first.pixel).replace(second.link, first.link) == (
        first.html
    )


def test_opening_an_answer_does_not_open_what_it_quotes(crm, deployment):
    first = crm.sent()
    second = crm.sent(html_body=f"<p>My answer</p><blockquote>{first.html}</blockquote>")
    for url in second.urls("o"):
        deployment.get(url)
    location = deployment.get(second.link).headers["location"]

    assert location == "https://contoso.example/offer?a=1&b=2"
    assert (first.kpis["open_count"], first.kpis["click_count"]) == (0, 0)
    assert (second.kpis["open_count"], second.kpis["click_count"]) == (1, 1)
