"""What the help of each command promises."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import click
import dagster as dg
import pytest
import typer
from typer.testing import CliRunner

from opsla_dagster.assets import factory
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.cli import app, entry
from opsla_dagster.cli.saying import as_called
from opsla_dagster.errors import OpslaError

COMMANDS: dict[str, click.Command] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_of_itself_that_it_would_take(name: str) -> None:
    command: click.Command = COMMANDS[name]
    title, *examples = (command.epilog or "").split("\n\n")
    assert title == "Examples:"
    assert examples
    options = {option for parameter in command.params for option in parameter.opts}
    for example in examples:
        program, called, *words = shlex.split(example)
        assert (program, called) == ("opsla", name)
        assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_flags_show_no_type(name: str | None) -> None:
    shown = CliRunner().invoke(app, [*([name] if name else []), "--help"]).output
    assert "--help" in shown
    assert not re.search(r"<[a-z]+>|<list", shown.lower().replace("<parquet|csv|hyper>", ""))


def test_what_a_stopped_load_advises_is_of_the_home_that_it_was_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPSLA_HOME", "my_desk/.opsla")
    monkeypatch.setenv("OPSLA_CONFIG", "my_desk")
    table = SimpleNamespace(name="raw.rejected_rows", python=SimpleNamespace(keeps_refused_rows=True))
    monkeypatch.setattr(factory, "_outcomes", lambda line, scope: [Outcome("gate", False, dg.AssetCheckSeverity.ERROR)])
    with pytest.raises(OpslaError) as caught:
        factory._judge(cast(factory.TableAsset, table), cast(factory.Scope, None), [])
    with pytest.raises(SystemExit):
        entry._refuse(caught.value)
    assert re.search(r"`OPSLA_HOME=my_desk/.opsla OPSLA_CONFIG=my_desk \S+ export --format csv --table raw.rejected_rows`", capsys.readouterr().err)


def test_what_is_advised_can_be_pasted_whatever_is_in_the_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, program = tmp_path / "a dir; it's mine" / ".opsla", tmp_path / "a $bin" / "opsla"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$OPSLA_HOME" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("OPSLA_HOME", str(home))
    monkeypatch.setenv("OPSLA_CONFIG", "an other")
    told = subprocess.run(["sh", "-c", f"{as_called()} run"], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == (f"{home} run\n", "")
