"""What the help of each command promises."""

from __future__ import annotations

import re
import shlex

import click
import pytest
import typer
from typer.testing import CliRunner

from opsla_dagster.cli import app

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
