"""`opsla status` of homes that have published nothing: the first run failed, or nobody ran anything.

Belongs here: what it shows then. Does not belong here: its figures (test_reporting_run.py) and layout (test_terminal.py).
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from opsla_dagster.automation.unattended import tell_of_command
from opsla_dagster.cli import app
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.shipped import CONFIG


def status_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], str]:
    """The lines that `opsla status` prints, and the message that it ends with."""
    monkeypatch.setenv("OPSLA_HOME", str(home))
    monkeypatch.setenv("OPSLA_CONFIG", str(CONFIG))
    ended = CliRunner().invoke(app, ["status"])
    return [line.strip() for line in ended.output.splitlines() if line.strip()], str(ended.exception)


def test_a_failed_first_run_and_its_alert_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed, an operator asks first."""
    monkeypatch.setenv("OPSLA_HOME", str(tmp_path))
    monkeypatch.setenv("OPSLA_CONFIG", str(CONFIG))
    with open_instance(tmp_path) as instance:
        run = instance.add_run(dg.DagsterRun("refresh", status=dg.DagsterRunStatus.FAILURE))
        tell_of_command("opsla run", "run", "log.csv: no such file")
    lines, ended = status_of(tmp_path, monkeypatch)
    assert lines[0] == f"Home {tmp_path}"
    assert any(line.startswith(run.run_id) and line.endswith("FAILURE") for line in lines)
    assert lines[-1].startswith("Alerted ")
    assert lines[-1].endswith("opsla ERROR: run: log.csv: no such file")
    assert ended == f"{tmp_path}: nothing is published here yet; `opsla run` makes a first window"


def test_a_home_without_a_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_instance(tmp_path):
        pass
    (tmp_path / "dagster").mkdir(exist_ok=True)
    lines, ended = status_of(tmp_path, monkeypatch)
    assert lines == [f"Home {tmp_path}", "No run was begun here yet."]
    assert "nothing is published here yet" in ended


def test_looking_at_a_home_that_is_not_there_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, ended = status_of(tmp_path / "none", monkeypatch)
    assert (lines, "nothing is published here yet" in ended) == ([], True)
    assert not (tmp_path / "none").exists()
