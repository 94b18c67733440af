"""What may go wrong at night, through the command line: somebody is told, once, and why. The daemon's part: test_alert_delivery.py."""

from __future__ import annotations

import importlib
import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli import Said, opsla_here
from small_desk import log_of, write_config

from opsla_dagster import cli
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.automation.ledger import Ledger
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.settings import load_settings

REPOSITORY = Path(__file__).parents[2]
LOG = """number,state,at
A1,New,2025-07-01 14:00:00
A1,Seen,2025-07-01 14:20:00
A1,Done,2025-07-01 16:00:00
"""


class Desk:
    """A desk that reads one log, its home, and `opsla` as cron calls it: without a terminal."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.log = directory / "home", directory / "log.csv"
        self.log.write_text(LOG, encoding="utf-8")
        sources = {"desk": {"timezone": "America/New_York", "start_date": date(2025, 7, 1)}, "sources": [log_of(self.log)]}
        self.config = write_config(directory / "config", sources)
        self.home.mkdir()
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("OPSLA_HOME", str(self.home))
        monkeypatch.setenv("OPSLA_CONFIG", str(self.config))

    def opsla(self, *arguments: str, is_watched: bool = False) -> Said:
        return opsla_here(*arguments, monkeypatch=self._monkeypatch, is_watched=is_watched)

    def alerts(self) -> list[dict[str, Any]]:
        path = self.home / "alerts.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


# --- cron


def test_refresh_with_a_typo_in_the_configuration_is_told_once_a_day(desk: Desk) -> None:
    (desk.config / "sources.yml").write_text("desk: {timezone: Mars}\nsources: []\n", encoding="utf-8")
    assert [desk.opsla("refresh").code for _ in range(2)] == [1, 1]
    (alert,) = desk.alerts()
    assert alert["title"].startswith(f"opsla ERROR: refresh: {desk.config / 'sources.yml'}: desk.timezone: unknown time zone 'Mars'")
    assert alert["effect"] == "`opsla refresh` ended outside a run; no table is half-written, and the marts published last are still there"
    assert (alert["run_id"], alert["severity"]) == (None, "ERROR")


def test_refresh_that_failed_before_its_run_shows_in_the_ui_and_the_status(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with open_instance(desk.home) as instance:
        (desk.config / "sources.yml").write_text("nonsense\n", encoding="utf-8")
        assert desk.opsla("refresh").code == 1
        (record,) = instance.fetch_observations(PUBLISHED_MARTS, limit=9).records
    assert record.asset_observation is not None
    assert (record.asset_observation.description or "").startswith(f"`opsla refresh` ended outside a run: {desk.config / 'sources.yml'}: ")
    capsys.readouterr()
    cli.looking.say_what_was_told(load_settings(REPOSITORY / "config", desk.home))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Alerted ")
    assert f"(UTC): opsla ERROR: refresh: {desk.config / 'sources.yml'}: " in line


def test_command_line_that_is_not_understood_is_told(desk: Desk) -> None:
    assert desk.opsla("refresh", "--as_off", "yesterday").code == 2
    (alert,) = desk.alerts()
    assert alert["statement"].startswith("the command line was not understood: No such option: --as_off")
    assert alert["effect"].startswith("`opsla refresh --as_off yesterday` ended")


def test_daemon_that_cannot_start_is_told(desk: Desk) -> None:
    """A service manager starts it again and again, and nobody looks."""
    (desk.config / "sources.yml").write_text("nonsense\n", encoding="utf-8")
    assert [desk.opsla("daemon").code for _ in range(2)] == [1, 1]
    (alert,) = desk.alerts()
    assert alert["title"].startswith(f"opsla ERROR: daemon: {desk.config / 'sources.yml'}: ")


def test_log_that_is_gone_is_one_alert_whether_its_run_began_or_not(desk: Desk) -> None:
    desk.log.unlink()
    assert desk.opsla("run").code == 1
    (alert,) = desk.alerts()
    assert str(desk.log) in alert["statement"]
    assert alert["job"] == "run"


def test_commands_that_somebody_watches_tell_nobody_else(desk: Desk) -> None:
    assert desk.opsla("explain", "A1").code == 1
    (desk.config / "sources.yml").write_text("nonsense\n", encoding="utf-8")
    assert desk.opsla("refresh", is_watched=True).code == 1
    assert desk.alerts() == []


def test_home_that_cannot_remember_alerts_sends_them_all_the_same(desk: Desk) -> None:
    """As a full disk: nothing can be written beside what is there."""
    (desk.home / "alerts").write_text("in the way", encoding="utf-8")
    (desk.config / "sources.yml").write_text("nonsense\n", encoding="utf-8")
    said = desk.opsla("refresh")
    assert said.code == 1
    (alert,) = desk.alerts()
    assert "expected a mapping of settings" in alert["statement"]
    assert "the memory of alerts cannot be used" in said.err


def test_home_that_is_not_there_is_not_made_to_complain(desk: Desk) -> None:
    desk.home.rmdir()
    (desk.config / "sources.yml").write_text("nonsense\n", encoding="utf-8")
    assert desk.opsla("run").code == 1
    assert not desk.home.exists()


def test_refresh_tells_of_the_night_before_that_nobody_made(desk: Desk) -> None:
    """cron on a machine that was off: the next refresh makes the dates, and says that they were late."""
    Ledger(desk.home / "alerts").watching_since((datetime.now(UTC) - timedelta(days=4)).timestamp())
    Ledger(desk.home / "alerts").sweep_done((datetime.now(UTC) - timedelta(days=3)).timestamp())
    desk.log.unlink()
    desk.opsla("refresh")
    missed, failed = desk.alerts()
    assert "was not refreshed by" in missed["statement"]
    assert "nothing was running at" in missed["statement"]
    assert str(desk.log) in failed["statement"]


def test_links_go_where_the_ui_listens(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execve", lambda *_: None)
    monkeypatch.setattr(cli.serving, "_require_free", lambda *_: None)
    desk.opsla("dev", "--port", "3456")
    desk.log.unlink()
    desk.opsla("run")
    (alert,) = desk.alerts()
    assert (alert["run_url"] or alert["ui_url"]).startswith("http://127.0.0.1:3456")


# --- Dagster


def test_configuration_that_dagster_cannot_load_is_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.config / "calendars.yml").write_text("calendars: [\n", encoding="utf-8")
    for _ in range(2):
        monkeypatch.delitem(sys.modules, "opsla_dagster.definitions", raising=False)
        with pytest.raises(OpslaError):
            importlib.import_module("opsla_dagster.definitions")
    (alert,) = desk.alerts()
    assert alert["job"] == "configuration"
    assert "calendars.yml: line" in alert["title"]
