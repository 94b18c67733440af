"""The README's promises: its worked example gives the figures it names, and its commands exist."""

from __future__ import annotations

import re
import shlex
import textwrap
from datetime import datetime
from pathlib import Path

import pytest
import typer
from cli import opsla_here
from house import MARKDOWN_FILES, REPOSITORY, named
from small_desk import make, up_to

from opsla_dagster.cli import app, setting_up
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import reading

README = REPOSITORY / "README.md"
FILE = re.compile(r"^ *<!-- file (\S+) -->\n *```\w+\n(.*?)^ *```\n", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"```(?:sh|console)\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def clocks_of(settings: Settings) -> set[str]:
    """The tables that lead to the clocks."""
    return up_to(settings, "staging.sla_clocks", "raw.rejected_rows")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the worked example, after its `opsla init` and `opsla run`; of business time only what the example needs."""
    directory = tmp_path_factory.mktemp("readme")
    config, home = directory / "my_desk", directory / "my_home"
    home.mkdir()
    readme = README.read_text(encoding="utf-8")
    files = FILE.findall(readme)
    assert [name for name, _ in files] == ["log.csv", "my_desk/calendars.yml"]
    (directory / "log.csv").write_text(textwrap.dedent(files[0][1]), encoding="utf-8")
    (command,) = re.findall(r"^ +opsla (init .*)", readme, re.MULTILINE)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(directory)
        # Its first run makes no more than it looks at itself; the whole of it is tested with `opsla init`.
        monkeypatch.setattr(setting_up, "execute_windows", lambda settings, windows, at, **_: make(settings, windows, at, clocks_of(settings)))
        said = opsla_here(*shlex.split(command), monkeypatch=monkeypatch)
    assert said.code == 0, said.err
    assert (config / "calendars.yml").exists()
    (directory / files[1][0]).write_text(textwrap.dedent(files[1][1]), encoding="utf-8")
    calendars = config / "calendars.yml"
    horizon = "horizon: {start: 2025-01-01, end: 2026-01-01}"
    calendars.write_text(re.sub("horizon: .*", horizon, calendars.read_text(encoding="utf-8")), encoding="utf-8")
    settings = load_settings(config, home)
    make(settings, [build_desk(settings).window()], datetime(2025, 7, 12), clocks_of(settings))
    return settings.home.warehouse


def test_the_worked_example_gives_the_figures_of_the_readme(desk: Path) -> None:
    with reading(desk) as connection:
        clocks = connection.execute(
            "select case_id, metric, elapsed_seconds / 3600, paused_seconds / 3600, outcome from staging.sla_clocks"
        ).fetchall()
        rejected = connection.execute("select case_id, reason from raw.rejected_rows").fetchall()
    outcomes = {(case_id, clock): (elapsed, paused, outcome) for case_id, clock, elapsed, paused, outcome in clocks}
    assert outcomes["T-1", "first_touch"] == (2.0, 0.0, "met")
    assert outcomes["T-2", "first_resolution"] == (31.5, 0.0, "breached")
    assert outcomes["T-2", "first_resolution_paused"] == (5.5, 26.0, "met")
    assert outcomes["T-3", "first_resolution"][2] == "running"
    assert [(case_id, "Parked" in reason) for case_id, reason in rejected] == [("T-3", True)]


def commands(program: str) -> set[tuple[str, str]]:
    """What the documents tell people to type after `program`, with the document."""
    return {
        (named(path), word)
        for path in MARKDOWN_FILES
        for block, inline in CODE.findall(path.read_text(encoding="utf-8"))
        for word in re.findall(rf"(?:^|[\s/;]){program} ([a-z][a-z-]*)", block or inline, re.MULTILINE)
    }


def test_the_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named_targets = commands("make")
    assert ("README.md", "run") in named_targets
    assert not [command for command in named_targets if command[1] not in targets]


def test_the_commands_that_documents_name_exist() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    known = set(group.commands)
    named_commands = commands("opsla")
    assert ("README.md", "explain") in named_commands
    assert not [command for command in named_commands if command[1] not in known]
