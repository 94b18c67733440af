"""People are pseudonyms in everything that is stored, said or logged; secrets are nowhere."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from accounts import ALL, DESK, KEY, LATER, home_in, landed, zendesk_settings
from desks import fill, worked_case
from fake_server import Response, always
from fake_zendesk import EMAIL, TOKEN, FakeZendesk

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.zendesk.load import load_zendesk
from opsla_dagster.sources.zendesk.source import ZendeskSource

SECRETS = [TOKEN, EMAIL, KEY]
PEOPLE = ["Ada Agentsdottir", "ada@acme.example", "Bo Boss", "Rita", "rita@home.example", "192.0.2.1", "birthday"]
TEXTS = ["printer is on fire", "Hello, I am"]


def files_with(directory: Path, words: list[str]) -> list[str]:
    return [
        f"{word!r} in {path.relative_to(directory)}"
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        for content in [path.read_bytes()]
        for word in words
        if word.encode() in content
    ]


def test_secrets_people_and_texts_are_nowhere(
    zendesk: FakeZendesk, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    fill(zendesk, 3)
    worked_case(zendesk)
    zendesk.tickets[2].update(nickname={"name": "Rita"}, priority={"by": "rita@home.example"})
    settings, home = zendesk_settings(zendesk.address), home_in(tmp_path)

    report = load_zendesk(settings, DESK, home)
    source = ZendeskSource(settings, DESK, home)
    yielded = [str(source.cases(ALL, LATER).to_pylist()), str(source.rejected_rows().to_pylist()), str(source.messages(ALL, LATER).to_pylist())]
    zendesk.faults = [always(Response({"error": f"bad token {TOKEN} of {EMAIL}"}, 400), "/api/v2/groups")]
    with pytest.raises(OpslaError, match=r"bad token \*\*\* of \*\*\*") as refused:
        load_zendesk(settings, DESK, home)

    said = [caplog.text, *capfd.readouterr(), str(refused.value), repr(refused.value.__cause__), repr(report), repr(settings), *yielded]
    assert [word for word in SECRETS + PEOPLE + TEXTS for text in said if word in text] == []
    assert files_with(tmp_path, SECRETS + PEOPLE + TEXTS) == []
    assert '"1007"' not in landed(home, "acme", "tickets")["7"], "numbers of people are pseudonyms too"
    assert not any(word in payload for payload in landed(home, "acme", "ticket_events").values() for word in ("5007", "1007"))


def test_free_text_is_stored_where_it_is_asked_for(zendesk: FakeZendesk, tmp_path: Path) -> None:
    fill(zendesk, 1)
    home = home_in(tmp_path)
    load_zendesk(zendesk_settings(zendesk.address, keep_text=True), DESK, home)
    assert "My printer is on fire" in landed(home, "acme", "tickets")["1"]
    assert "Hello, I am" in landed(home, "acme", "ticket_events")["10"]


def test_the_same_person_is_the_same_pseudonym(zendesk: FakeZendesk, tmp_path: Path) -> None:
    fill(zendesk, 3)
    home = home_in(tmp_path)
    settings = zendesk_settings(zendesk.address)
    load_zendesk(settings, DESK, home)
    agents = set(ZendeskSource(settings, DESK, home).cases(ALL, LATER)["agent"].to_pylist())
    assert len(agents) == 1
    assert agents < set(landed(home, "acme", "agents"))
